/* eio_deadline.c - deadlines in lists of equal delay */
#include "gateway-svc/socketio/eio_deadline.h"
#include <stddef.h>

void eio_deadlines_init(struct eio_deadlines *list, uint64_t delay_us)
{
    list->ring.prev = &list->ring;
    list->ring.next = &list->ring;
    list->ring.at_us = 0;
    list->delay_us = delay_us;
}

void eio_deadline_start(struct eio_deadlines *list, struct eio_deadline *d, uint64_t from_us)
{
    eio_deadline_stop(d);
    struct eio_deadline *last = list->ring.prev; /* the ring itself when empty: at_us is 0 */
    uint64_t at_us = from_us + list->delay_us;
    d->at_us = at_us > last->at_us ? at_us : last->at_us;
    d->prev = last;
    d->next = &list->ring;
    last->next = d;
    list->ring.prev = d;
}

void eio_deadline_stop(struct eio_deadline *d)
{
    if (!d->next) {
        return;
    }
    d->prev->next = d->next;
    d->next->prev = d->prev;
    d->prev = NULL;
    d->next = NULL;
}

bool eio_deadline_is_running(const struct eio_deadline *d)
{
    return d->next != NULL;
}

struct eio_deadline *eio_deadlines_first(const struct eio_deadlines *list)
{
    return list->ring.next == &list->ring ? NULL : list->ring.next;
}

struct eio_deadline *eio_deadlines_due(const struct eio_deadlines *list, uint64_t now_us)
{
    struct eio_deadline *first = eio_deadlines_first(list);
    return first && first->at_us <= now_us ? first : NULL;
}

uint64_t eio_deadlines_next(const struct eio_deadlines *list)
{
    const struct eio_deadline *first = eio_deadlines_first(list);
    return first ? first->at_us : EIO_NEVER;
}
