/* chat_event.h - the payloads of the chat's events and answers; pure
 *
 * PROTOCOL.md, sections 1 to 5.  What is not as it says there is not taken. */
#ifndef PARLEY_TERMINAL_CHAT_EVENT_H
#define PARLEY_TERMINAL_CHAT_EVENT_H

#include "shared/json.h"
#include "shared/username.h"

#define CHAT_TEXT_MAX 1000000 /* bytes of a message's text, whatever the server's limit is */
#define CHAT_CLIENT_ID_MAX 64
#define CHAT_CODE_MAX 32
#define CHAT_WORDS_MAX 256
#define CHAT_TOKEN_MAX 256
#define CHAT_ID_MAX 9007199254740991u /* 2^53-1 */

/* message_in.  To be emptied with chat_message_deinit, whether it was read or not. */
struct chat_message {
    uint64_t id;
    uint64_t sent_at_ms;
    char sender[USERNAME_MAX + 1];
    char receiver[USERNAME_MAX + 1]; /* "group": everybody */
    char client_id[CHAT_CLIENT_ID_MAX + 1];
    struct buf text;
};
bool chat_message_read(struct json payload, struct chat_message *out);
void chat_message_deinit(struct chat_message *m);
bool chat_is_group(const char *receiver);

/* An error's code, and what it says for people; "" where there is none. */
struct chat_error {
    char code[CHAT_CODE_MAX + 1];
    char words[CHAT_WORDS_MAX + 1];
    uint64_t retry_after_ms;
};

/* The answer to message_out. */
struct chat_answer {
    bool ok;
    uint64_t id;
    struct chat_error error; /* when not ok */
};
bool chat_answer_read(struct slice payload, struct chat_answer *out);

/* session: {username, recovered} */
struct chat_session {
    char username[USERNAME_MAX + 1];
    bool recovered;
};
bool chat_session_read(struct json payload, struct chat_session *out);

/* {code}: of session_end, and of the data of a refused CONNECT. */
bool chat_code_read(struct json payload, char out[CHAT_CODE_MAX + 1]);

/* The body of /login's answer: {username, token}; or {error:{code, message}}. */
struct chat_login {
    char username[USERNAME_MAX + 1];
    char token[CHAT_TOKEN_MAX + 1];
};
bool chat_login_read(struct slice body, struct chat_login *out);
bool chat_login_error_read(struct slice body, struct chat_error *out);

#endif
