/* message_size.c - how long the packets of one message get at most */
#include "gateway-svc/chat/message_size.h"
#include "gateway-svc/chat/message_out.h"

#define ESCAPE_MAX 6      /* bytes that one byte of text may need in JSON: \u0000 */
#define NUMBER_MAX 20     /* digits of a uint64_t */
#define FRAME_HEAD_MAX 10 /* of a WebSocket frame from us */

/* What stands around the values. */
#define OUT_FRAME "42[\"message_out\",{\"sender\":,\"receiver\":,\"message_text\":,\"client_id\":}]"
#define IN_FRAME                                                                                   \
    "42[\"message_in\",{\"message_id\":,\"sender\":,\"receiver\":,\"message_text\":,\"sent_at\":," \
    "\"client_id\":}]"

size_t message_size_string(size_t len)
{
    return ESCAPE_MAX * len + 2;
}

/* sender, receiver, message_text and client_id */
static size_t strings(size_t text_max)
{
    return 2 * message_size_string(USERNAME_MAX) + message_size_string(text_max) +
           message_size_string(CLIENT_ID_MAX);
}

size_t message_size_out(size_t text_max)
{
    return sizeof OUT_FRAME - 1 + NUMBER_MAX + strings(text_max); /* the number of its ack */
}

size_t message_size_in(size_t text_max)
{
    return FRAME_HEAD_MAX + sizeof IN_FRAME - 1 + (size_t)2 * NUMBER_MAX + strings(text_max);
}
