/* loop_watch_ev.h - does the loop keep up?  Measured without being asked, for metrics
 *
 * Two things make everybody wait: a turn of the loop that takes long (we worked), and a timer that
 * goes off late (we were not let work: no processor, or stopped).  Costs one timer of a second per
 * process, and two looks at the clock per turn. */
#ifndef PARLEY_LOOP_WATCH_EV_H
#define PARLEY_LOOP_WATCH_EV_H

#include "shared/metrics.h"

struct ev_loop;
struct loop_watch;

struct loop_stats {
    struct histogram turns;  /* from waking to the next waiting */
    struct histogram delays; /* how late a timer of one second went off */
    uint64_t started_us;     /* when watching began, in us since 1970 */
};

/* Of watchers that work just before the loop waits, at the lowest priority too, those started later
 * are still called before this one: make it first.  No memory ends the program. */
struct loop_watch *loop_watch_new(struct ev_loop *loop);
void loop_watch_free(struct loop_watch *watch); /* NULL is allowed */
const struct loop_stats *loop_watch_stats(const struct loop_watch *watch);

#endif
