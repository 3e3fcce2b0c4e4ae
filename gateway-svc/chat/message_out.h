/* message_out.h - what a client wants said: the payload of `message_out`, checked and brought into
 * one form */
#ifndef PARLEY_MESSAGE_OUT_H
#define PARLEY_MESSAGE_OUT_H

#include "gateway-svc/chat/chat_err.h"
#include "shared/buf.h"
#include "shared/username.h"

#define CLIENT_ID_MAX 64 /* bytes of UTF-8 */

/* Owns its buffers, which are used again for the next message. */
struct message_out {
    char to[USERNAME_MAX + 1]; /* lower case; or "group" */
    struct buf client_id;      /* a JSON string with its quotes; empty when there is none */
    struct buf text;           /* a JSON string with its quotes */
    const char *why;           /* a literal: what is wrong, after CHAT_E_INVALID */
    struct buf scratch;
    size_t text_max;
};

/* text_max: bytes of decoded UTF-8 that a text may have. */
void message_out_init(struct message_out *m, size_t text_max);
void message_out_deinit(struct message_out *m);

/* Reads the event's arguments: exactly one object {receiver, message_text, client_id?, sender?}.
 *
 * args    raw JSON, borrowed
 * sender  name of the session, lower case; a `sender` field must not contradict it
 *
 * Strings are decoded and written anew, so that equal texts have equal bytes whatever escapes a
 * client prefers.  A receiver that no user can be called is CHAT_E_NO_SUCH_USER.  client_id is set,
 * if it was valid, also when another field is refused, so that the refusal can name it. CHAT_OK,
 * CHAT_E_INVALID, CHAT_E_TOO_LARGE or CHAT_E_NO_SUCH_USER. */
enum chat_err message_out_parse(struct message_out *m, struct slice args, const char *sender);

#endif
