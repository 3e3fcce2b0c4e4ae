/* test_http_incoming_ev.c - who is late with his request is told once, the oldest first */
#include "shared/clock.h"
#include "shared/http_incoming_ev.h"
#include "tests/support/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
/* after those it needs */
#include <cmocka.h>

#define TIMEOUT_MS 20
#define LATE_MAX 8

struct world {
    struct ev_loop *loop;
    struct http_incoming_list list;
    struct http_incoming *frees; /* on_late frees it */
    int late[LATE_MAX];          /* file numbers, in order */
    uint64_t at_ms[LATE_MAX];    /* when each was told */
    size_t count;
};

static void on_late(void *ctx, int fd)
{
    struct world *w = ctx;

    assert_true(w->count < LATE_MAX);
    w->late[w->count] = fd;
    w->at_ms[w->count++] = clock_mono_ms();
    http_incoming_free(w->frees);
    w->frees = NULL;
}

static int setup(void **state)
{
    static struct world w;

    w = (struct world){.loop = test_loop()};
    http_incoming_init(&w.list, w.loop, TIMEOUT_MS, on_late, &w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    http_incoming_deinit(&w->list);
    ev_loop_destroy(w->loop);
    return 0;
}

/* Without the loop; what time it is then. */
static uint64_t let_pass(uint64_t ms)
{
    uint64_t end_ms = clock_mono_ms() + ms;

    while (clock_mono_ms() < end_ms) {
    }
    return clock_mono_ms();
}

/* The timer ends within the time that everybody has. */
static bool is_soon(struct world *w)
{
    return ev_timer_remaining(w->loop, &w->list.timer) < (TIMEOUT_MS + 1) / 1000.0;
}

/* Turns the loop until nothing is left that could be told. */
static void run_out(struct world *w)
{
    UNTIL(w->loop, !ev_is_active(&w->list.timer));
}

static void who_is_late_is_told_once(void **state)
{
    struct world *w = *state;
    uint64_t begin_ms = clock_mono_ms();
    struct http_incoming *in = http_incoming_add(&w->list, 7);

    assert_true(is_soon(w));
    UNTIL(w->loop, w->count > 0);
    assert_true(w->at_ms[0] >= begin_ms + TIMEOUT_MS);
    assert_false(ev_is_active(&w->list.timer));
    http_incoming_complete(in); /* in the list no more */
    http_incoming_free(in);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->late[0], 7);
}

static void each_has_the_same_time_from_its_beginning(void **state)
{
    struct world *w = *state;
    struct http_incoming *in[3];
    uint64_t begin_ms[3];

    for (int i = 0; i < 3; i++) {
        begin_ms[i] = let_pass(TIMEOUT_MS / 4);
        in[i] = http_incoming_add(&w->list, 10 + i);
    }
    UNTIL(w->loop, w->count > 0);
    assert_true(w->count == 3 || is_soon(w)); /* the timer is set again for the next */
    UNTIL(w->loop, w->count == 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w->late[i], 10 + i);
        assert_true(w->at_ms[i] >= begin_ms[i] + TIMEOUT_MS);
        http_incoming_free(in[i]);
    }
    run_out(w);
    assert_int_equal(w->count, 3);
}

/* The timer was set for the one that is out: the next is told all the same, and not too early. */
static void whose_request_is_whole_is_not_told(void **state)
{
    struct world *w = *state;
    struct http_incoming *whole = http_incoming_add(&w->list, 1);
    uint64_t begin_ms = let_pass(TIMEOUT_MS / 4);
    struct http_incoming *late = http_incoming_add(&w->list, 2);

    http_incoming_complete(whole);
    http_incoming_complete(whole); /* of its next requests */
    run_out(w);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->late[0], 2);
    assert_true(w->at_ms[0] >= begin_ms + TIMEOUT_MS);
    http_incoming_free(whole);
    http_incoming_free(late);
}

static void nor_are_those_behind_it(void **state)
{
    struct world *w = *state;
    struct http_incoming *first = http_incoming_add(&w->list, 1);
    struct http_incoming *middle = http_incoming_add(&w->list, 2);
    struct http_incoming *last = http_incoming_add(&w->list, 3);

    http_incoming_complete(middle);
    http_incoming_free(last); /* the connection is gone */
    run_out(w);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->late[0], 1);
    http_incoming_free(first);
    http_incoming_free(middle);
}

/* Once all are out, the next one to come is again the first. */
static void an_empty_list_begins_anew(void **state)
{
    struct world *w = *state;

    http_incoming_free(http_incoming_add(&w->list, 1));
    run_out(w);
    assert_int_equal(w->count, 0);
    struct http_incoming *in = http_incoming_add(&w->list, 2);
    UNTIL(w->loop, w->count > 0);
    assert_int_equal(w->late[0], 2);
    http_incoming_free(in);
}

/* As a server does that closes the connection at once. */
static void it_can_be_freed_while_it_is_told(void **state)
{
    struct world *w = *state;
    struct http_incoming *next;

    w->frees = http_incoming_add(&w->list, 1);
    next = http_incoming_add(&w->list, 2);
    UNTIL(w->loop, w->count == 2);
    assert_null(w->frees);
    assert_int_equal(w->late[0], 1);
    assert_int_equal(w->late[1], 2);
    http_incoming_free(next);
}

static void so_can_the_next_one_that_is_late(void **state)
{
    struct world *w = *state;
    struct http_incoming *first = http_incoming_add(&w->list, 1);

    w->frees = http_incoming_add(&w->list, 2);
    run_out(w);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->late[0], 1);
    http_incoming_free(first);
}

static void after_the_end_nobody_is_told(void **state)
{
    struct world *w = *state;
    struct http_incoming *in[2] = {http_incoming_add(&w->list, 1), http_incoming_add(&w->list, 2)};

    http_incoming_deinit(&w->list);
    assert_false(ev_is_active(&w->list.timer));
    let_pass(TIMEOUT_MS + 1);
    ev_run(w->loop, EVRUN_NOWAIT);
    assert_int_equal(w->count, 0);
    http_incoming_free(in[0]); /* the list's memory is still there */
    http_incoming_free(in[1]);
}

static void null_is_nobody(void **state)
{
    struct world *w = *state;

    http_incoming_complete(NULL);
    http_incoming_free(NULL);
    assert_int_equal(w->count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_late_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(each_has_the_same_time_from_its_beginning, setup, teardown),
        cmocka_unit_test_setup_teardown(whose_request_is_whole_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(nor_are_those_behind_it, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_list_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(it_can_be_freed_while_it_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(so_can_the_next_one_that_is_late, setup, teardown),
        cmocka_unit_test_setup_teardown(after_the_end_nobody_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(null_is_nobody, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
