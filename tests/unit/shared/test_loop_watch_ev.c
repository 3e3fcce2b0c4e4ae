/* test_loop_watch_ev.c - a loop that is held up is seen */
#include "shared/clock.h"
#include "shared/loop_watch_ev.h"
#include "tests/support/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after those it needs */
#include <cmocka.h>

#define LONG_US 60000U /* in the histogram, more than 50 ms */
#define FAST 8         /* places of the histogram up to 50 ms */

struct world {
    struct ev_loop *loop;
    struct loop_watch *watch;
    const struct loop_stats *stats;
};

static int setup(void **state)
{
    static struct world w;

    w.loop = test_loop();
    w.watch = loop_watch_new(w.loop);
    w.stats = loop_watch_stats(w.watch);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    loop_watch_free(w->watch);
    ev_loop_destroy(w->loop);
    return 0;
}

static uint64_t count(const struct histogram *h, size_t from)
{
    uint64_t sum = 0;

    for (size_t i = from; i <= HISTOGRAM_BOUNDS; i++) {
        sum += h->at[i];
    }
    return sum;
}

static void work(uint64_t us)
{
    uint64_t end_us = clock_mono_us() + us;

    while (clock_mono_us() < end_us) {
    }
}

static void on_work(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    work(*(const uint64_t *)timer->data);
}

static void on_last(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    (void)events;
    work(*(const uint64_t *)prepare->data);
    ev_prepare_stop(loop, prepare);
}

static void a_long_turn_is_seen(void **state)
{
    struct world *w = *state;
    uint64_t us = LONG_US;
    ev_timer timer;

    ev_timer_init(&timer, on_work, 0.001, 0.0);
    timer.data = &us;
    ev_timer_start(w->loop, &timer);
    UNTIL(w->loop, count(&w->stats->turns, 0) > 0 && !ev_is_active(&timer));
    ev_run(w->loop, EVRUN_NOWAIT);
    assert_true(count(&w->stats->turns, FAST) >= 1);
    assert_true(w->stats->turns.sum_us >= LONG_US);
}

/* As a server does that sends everything at the end of a turn, at the lowest priority. */
static void so_is_what_is_done_just_before_waiting(void **state)
{
    struct world *w = *state;
    uint64_t us = LONG_US;
    ev_prepare prepare;

    ev_run(w->loop, EVRUN_NOWAIT);
    ev_prepare_init(&prepare, on_last);
    ev_set_priority(&prepare, EV_MINPRI);
    prepare.data = &us;
    ev_prepare_start(w->loop, &prepare);
    UNTIL(w->loop, !ev_is_active(&prepare));
    assert_true(count(&w->stats->turns, FAST) >= 1);
}

/* Stopped, or without a processor: no turn of ours took long, but the timer is late. */
static void a_late_timer_is_seen(void **state)
{
    struct world *w = *state;

    ev_run(w->loop, EVRUN_NOWAIT);
    work(1000000U + LONG_US);
    UNTIL(w->loop, count(&w->stats->delays, 0) > 0);
    assert_true(count(&w->stats->delays, FAST) == 1);
    assert_true(w->stats->delays.sum_us >= LONG_US);
}

static void a_loop_that_is_left_alone_is_hardly_late(void **state)
{
    const struct world *w = *state;

    UNTIL(w->loop, count(&w->stats->delays, 0) >= 2);
    assert_int_equal(count(&w->stats->delays, 0), 2);
    assert_true(count(&w->stats->turns, 0) >= 1);
    assert_true(w->stats->started_us / 1000 <= clock_unix_ms());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_long_turn_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(so_is_what_is_done_just_before_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_timer_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(a_loop_that_is_left_alone_is_hardly_late, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
