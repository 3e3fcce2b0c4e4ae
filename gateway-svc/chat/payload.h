/* payload.h - the JSON that clients get: acks, errors, session events, and pieces of
 * the list of users */
#ifndef PARLEY_PAYLOAD_H
#define PARLEY_PAYLOAD_H

#include "gateway-svc/chat/chat_err.h"
#include "shared/buf.h"

/* A refusal.  `text` NULL: the code's own sentence.  retry_after_ms 0: not said. */
struct payload_error {
    enum chat_err err;
    const char *text;
    uint64_t retry_after_ms;
};

/* Each appends one JSON value; client_id is a JSON string with quotes, or empty. */
void payload_accepted(struct buf *out, uint64_t message_id, bool dup); /* {"ok":true,...} */
void payload_refused(struct buf *out, struct payload_error e); /* {"ok":false,"error":...} */
/* {"error":{...},"client_id":...}: message_error, for those who asked for no ack */
void payload_message_error(struct buf *out, struct payload_error e, struct slice client_id);
/* {"username":"Alice","recovered":false,"message_max_bytes":4096} */
void payload_session(struct buf *out, struct slice username, bool recovered, size_t text_max);
void payload_session_end(struct buf *out, struct slice code); /* {"code":"logged_out"} */
/* {"code":"session_expired"}: the data of a CONNECT_ERROR */
void payload_connect_error(struct buf *out, struct slice code);
/* A message as its sender sees it: `message` (a JSON object) with client_id put in. */
void payload_with_client_id(struct buf *out, struct slice message, struct slice client_id);

/* Appends a name as JSON, and a comma before all but the first.  Returns false, so that it can be
 * kept as `first`.  It must be a name, in which nothing is escaped. */
bool payload_put_name(struct buf *out, struct slice name, bool first);
/* "key":"cursor" */
void payload_put_cursor(struct buf *out, const char *key, const char *cursor);

#endif
