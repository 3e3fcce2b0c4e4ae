/* loop_watch_ev.c - does the loop keep up? */
#include "shared/loop_watch_ev.h"

#include "shared/clock.h"
#include "shared/must.h"

#include <ev.h>
#include <stdlib.h>

#define EVERY_US 1000000U

struct loop_watch {
    struct ev_loop *loop;
    ev_check woke;
    ev_prepare waits;
    ev_timer second;
    uint64_t woke_us; /* 0: this turn's waking was not seen */
    uint64_t due_us;
    struct loop_stats stats;
};

/* Before all other watchers of the turn are called. */
static void on_woke(struct ev_loop *loop, ev_check *check, int events)
{
    struct loop_watch *w = check->data;

    (void)loop;
    (void)events;
    w->woke_us = clock_mono_us();
}

/* After all of them, those too that work just before the loop waits. */
static void on_waits(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct loop_watch *w = prepare->data;

    (void)loop;
    (void)events;
    if (w->woke_us > 0) {
        histogram_add(&w->stats.turns, clock_mono_us() - w->woke_us);
    }
    w->woke_us = 0;
}

static void set_second(struct loop_watch *w)
{
    w->due_us = clock_mono_us() + EVERY_US;
    ev_now_update(w->loop); /* else the second would count from the start of this turn */
    ev_timer_set(&w->second, (double)EVERY_US / 1e6, 0.0);
    ev_timer_start(w->loop, &w->second);
}

static void on_second(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct loop_watch *w = timer->data;
    uint64_t now_us = clock_mono_us();

    (void)loop;
    (void)events;
    histogram_add(&w->stats.delays, now_us > w->due_us ? now_us - w->due_us : 0);
    set_second(w);
}

struct loop_watch *loop_watch_new(struct ev_loop *loop)
{
    struct loop_watch *w = must(calloc(1, sizeof *w));

    w->loop = loop;
    w->stats.started_us = clock_unix_ms() * 1000;
    ev_check_init(&w->woke, on_woke);
    ev_prepare_init(&w->waits, on_waits);
    ev_timer_init(&w->second, on_second, 0.0, 0.0);
    w->woke.data = w->waits.data = w->second.data = w;
    ev_set_priority(&w->woke, EV_MAXPRI);
    ev_set_priority(&w->waits, EV_MINPRI);
    ev_check_start(loop, &w->woke);
    ev_prepare_start(loop, &w->waits);
    set_second(w);
    return w;
}

void loop_watch_free(struct loop_watch *watch)
{
    if (!watch) {
        return;
    }
    ev_check_stop(watch->loop, &watch->woke);
    ev_prepare_stop(watch->loop, &watch->waits);
    ev_timer_stop(watch->loop, &watch->second);
    free(watch);
}

const struct loop_stats *loop_watch_stats(const struct loop_watch *watch)
{
    return &watch->stats;
}
