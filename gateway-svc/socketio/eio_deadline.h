/* eio_deadline.h - deadlines that cost O(1): one list per delay, in the order of their time; pure
 *
 * Everything on one list waits equally long, so a new entry belongs at the end, and only the first
 * one has to be looked at. */
#ifndef PARLEY_EIO_DEADLINE_H
#define PARLEY_EIO_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#define EIO_NEVER UINT64_MAX

/* Part of what waits; zeroed = not waiting.  Must be stopped before its memory goes. */
struct eio_deadline {
    struct eio_deadline *prev, *next;
    uint64_t at_us; /* monotonic */
};

struct eio_deadlines {
    struct eio_deadline ring; /* ring.next is the first, ring.prev the last */
    uint64_t delay_us;
};

void eio_deadlines_init(struct eio_deadlines *list, uint64_t delay_us);
/* (Re)starts it: due at from_us + the list's delay, but never before an entry that is already on
 * the list.  It may have been on another list. */
void eio_deadline_start(struct eio_deadlines *list, struct eio_deadline *d, uint64_t from_us);
void eio_deadline_stop(struct eio_deadline *d);
bool eio_deadline_is_running(const struct eio_deadline *d);

/* The first entry, or NULL. */
struct eio_deadline *eio_deadlines_first(const struct eio_deadlines *list);
/* The first entry if its time has come, or NULL. */
struct eio_deadline *eio_deadlines_due(const struct eio_deadlines *list, uint64_t now_us);
/* When the first one is due, or EIO_NEVER. */
uint64_t eio_deadlines_next(const struct eio_deadlines *list);

#endif
