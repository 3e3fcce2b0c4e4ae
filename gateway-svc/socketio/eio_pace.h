/* eio_pace.h - when a turn's frames leave: at its end, or a little later while much is going on;
 * pure
 *
 * A send costs the same for one frame as for ten, so what nearly comes together should leave
 * together.  A flush that takes milliseconds is followed by whatever came in the meantime and then,
 * one after the other, by what is just behind it: without a pause each of these would have a flush
 * of its own, of everybody.  So after a long flush with several frames for a connection, what comes
 * next waits for more: a quarter of the time that the flush took, at most EIO_PACE_MAX_US.  One
 * message at a time, and everything at a gateway that is not busy, never waits. */
#ifndef PARLEY_EIO_PACE_H
#define PARLEY_EIO_PACE_H

#include <stdint.h>

#define EIO_PACE_MIN_US 40   /* of a shorter pause nothing is gained */
#define EIO_PACE_MAX_US 2000 /* nobody notices; and the flush before took four times as long */

/* Zeroed: nothing has happened yet.  Times are monotonic. */
struct eio_pace {
    uint64_t since_us; /* since when frames wait; 0: none do */
    uint64_t pause_us; /* for how long they should */
    uint64_t until_us; /* frames that come later do not wait: it is quiet again */
};

/* What a flush was. */
struct eio_pace_flush {
    uint64_t begin_us, end_us;
    uint64_t connections, frames; /* so many frames left, to so many connections */
};

/* Frames wait: the time from which on they may leave, not above now_us when at once. */
uint64_t eio_pace_due(struct eio_pace *pace, uint64_t now_us);
/* They have left. */
void eio_pace_flushed(struct eio_pace *pace, const struct eio_pace_flush *flush);

#endif
