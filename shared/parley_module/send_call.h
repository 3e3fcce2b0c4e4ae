/* send_call.h - the arguments of PARLEY.SEND, which are those of parley_send (parley.lua); pure */
#ifndef PARLEY_MODULE_SEND_CALL_H
#define PARLEY_MODULE_SEND_CALL_H

#include "shared/slice.h"

#define SEND_MAX 64 /* messages in one call */

/* PARLEY.SEND prefix epoch seen grace lease gateway link keep, and then of each message: session
 * hash, sender, receiver, client_id, text, digest. */
enum send_arg {
    SEND_PREFIX = 1,
    SEND_EPOCH,
    SEND_SEEN,
    SEND_GRACE,
    SEND_LEASE,
    SEND_GATEWAY,
    SEND_LINK,
    SEND_KEEP,
    SEND_HEAD /* so many stand before the messages */
};
enum { SEND_EACH = 6 };
enum send_part { SEND_SESSION, SEND_SENDER, SEND_RECEIVER, SEND_CLIENT_ID, SEND_TEXT, SEND_DIGEST };

/* Slices are of the arguments. */
struct send_call {
    struct slice prefix, epoch, link;
    uint64_t seen, grace_ms, keep_ms;
    size_t count;
    struct slice messages[SEND_MAX][SEND_EACH];
};

/* `args`: `count` of them, the name of the command first.  False when something is not as it must
 * be; parley_send says what, or takes it in a way that we do not know. */
bool send_call_read(struct send_call *call, const struct slice *args, size_t count);

/* Is the message for everybody? */
bool send_is_group(const struct slice message[SEND_EACH]);

#endif
