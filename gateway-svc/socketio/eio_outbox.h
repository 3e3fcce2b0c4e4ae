/* eio_outbox.h - frames that wait for one connection; pure
 *
 * A connection keeps a pointer that is NULL while nothing waits: idle connections pay 8 bytes. */
#ifndef PARLEY_EIO_OUTBOX_H
#define PARLEY_EIO_OUTBOX_H

#include "gateway-svc/socketio/sio_frame.h"
#include <sys/uio.h>

struct eio_outbox;

/* Appends; takes its own reference.  False, with nothing changed, when memory runs out. */
bool eio_outbox_push(struct eio_outbox **box, struct sio_frame *frame);
/* Bytes, and frames, that wait; `box` may be NULL. */
size_t eio_outbox_bytes(const struct eio_outbox *box);
size_t eio_outbox_count(const struct eio_outbox *box);
/* All that waits now is old from here on; has anything of that not been taken out yet?  `box` may
 * be NULL: nothing waits. */
void eio_outbox_mark(struct eio_outbox *box);
bool eio_outbox_has_old(const struct eio_outbox *box);
/* Describes the first frames, at most `max`; returns how many.  Valid until the next change. */
size_t eio_outbox_iov(const struct eio_outbox *box, struct iovec *iov, size_t max);

/* The frame at that place, counted from the first; NULL behind the last. */
const struct sio_frame *eio_outbox_at(const struct eio_outbox *box, size_t index);

/* What eio_outbox_advance took out. */
struct eio_outbox_sent {
    size_t frames;         /* whole ones */
    struct sio_frame *cut; /* the one that was sent in part, or NULL; the caller's reference */
    size_t cut_at;         /* its first byte that was not sent */
};
/* The first `bytes` bytes have been sent: takes out the frames that they cover, even in part.
 * bytes <= eio_outbox_bytes. */
struct eio_outbox_sent eio_outbox_advance(struct eio_outbox **box, size_t bytes);
/* Drops everything. */
void eio_outbox_clear(struct eio_outbox **box);

#endif
