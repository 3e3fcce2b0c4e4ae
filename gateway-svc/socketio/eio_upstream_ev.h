/* eio_upstream_ev.h - a TCP connection that we make, to another server of ours */
#ifndef PARLEY_EIO_UPSTREAM_EV_H
#define PARLEY_EIO_UPSTREAM_EV_H

#include "shared/slice.h"

struct ev_loop;
struct eio_upstream;

struct eio_upstream_handler {
    /* Bytes have come, borrowed. */
    void (*data)(void *ctx, struct slice bytes);
    /* It could not be made, or is closed; it is gone when this returns.  Not after
     * eio_upstream_close. */
    void (*closed)(void *ctx);
    /* All that was written is sent; may be NULL. */
    void (*drained)(void *ctx);
};

struct eio_upstream_target { /* borrowed for the call */
    const char *host;        /* a numeric address */
    uint16_t port;
    size_t max_waiting; /* bytes that are kept to be sent, at most */
};

/* Neither callback comes from inside a call.  NULL when that cannot even be tried. */
struct eio_upstream *eio_upstream_open(struct ev_loop *loop,
                                       const struct eio_upstream_target *target,
                                       const struct eio_upstream_handler *handler, void *ctx);
/* Copied and sent when it may be, also before the connection stands.  False when more than
 * `max_waiting` bytes would wait.  What the peer does not take any more is dropped: that it has
 * gone is heard of (`closed`) behind what it had sent before. */
bool eio_upstream_write(struct eio_upstream *up, struct slice bytes);
size_t eio_upstream_waiting(const struct eio_upstream *up); /* bytes */
/* While paused nothing is read: the sender is held back. */
void eio_upstream_pause(struct eio_upstream *up, bool paused);
/* From now on somebody else hears of it. */
void eio_upstream_hand_over(struct eio_upstream *up, const struct eio_upstream_handler *handler,
                            void *ctx);
void eio_upstream_close(struct eio_upstream *up); /* at once; NULL is allowed */
/* Closes it behind what waits to be sent: sends that, then the end of the stream, and reads on
 * until the peer has closed too, for `limit_s` seconds at most, or until the loop is destroyed.
 * Nobody hears of it any more.  NULL is allowed. */
void eio_upstream_finish(struct eio_upstream *up, double limit_s);
#define EIO_UPSTREAM_FINISH_S 5.0 /* what limit_s is, outside tests */

#endif
