/* eio_pace.h - when a turn's frames leave: at its end, or a little later while much is going on;
 * pure
 *
 * A send costs the same for one frame as for ten, so what nearly comes together should leave
 * together.  A flush of many connections takes milliseconds, and is followed by one of whatever
 * came meanwhile, and that by one of what is just behind it.  So after a flush that was long and
 * had several frames for a connection, what comes next waits for more: for a quarter of the time
 * that the flush took, at least a moment, at most EIO_PACE_MAX_US, and never longer than the flush.
 * One message at a time, and everything at a gateway that is not busy, never waits. */
#ifndef PARLEY_EIO_PACE_H
#define PARLEY_EIO_PACE_H

#include <stdint.h>

#define EIO_PACE_FLUSH_US 150 /* below that a flush is not long */
#define EIO_PACE_MAX_US 10000

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
