/* fuzz_chat_event.c - whatever a server says of messages, answers and logins: what is taken has
 * names that may be shown, ids in their range, and a token that is safe in a header */
#include "client/terminal/chat_event.h"
#include "tests/support/fuzz.h"

static void check_message(struct json payload)
{
    struct chat_message m;
    if (chat_message_read(payload, &m)) {
        HOLDS(m.id <= CHAT_ID_MAX);
        HOLDS(username_check(slice_text(m.sender)) != USERNAME_E_SHAPE);
        HOLDS(username_check(slice_text(m.receiver)) != USERNAME_E_SHAPE);
    }
    chat_message_deinit(&m);
}

static void check_rest(struct json payload)
{
    struct chat_session session;
    char code[CHAT_CODE_MAX + 1];
    if (chat_session_read(payload, &session)) {
        HOLDS(username_check(slice_text(session.username)) != USERNAME_E_SHAPE);
    }
    if (chat_code_read(payload, code)) {
        HOLDS(strlen(code) <= CHAT_CODE_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = exact_copy(fuzz_input(data, size));
    struct json payload;
    struct chat_answer answer;
    struct chat_login login;
    struct chat_error error;
    if (json_parse(text, &payload) == JSON_OK) {
        check_message(payload);
        check_rest(payload);
    }
    if (chat_answer_read(text, &answer)) {
        HOLDS(answer.id <= CHAT_ID_MAX && (!answer.ok || answer.error.code[0] == '\0'));
    }
    if (chat_login_read(text, &login)) {
        HOLDS(slice_made_of(slice_text(login.token), "._~+/=-"));
        HOLDS(!chat_login_error_read(text, &error) || error.code[0] != '\n');
    }
    exact_free(text);
    return 0;
}
