/* test_sweeper.c - when to sweep */
#include "presence-svc/sweeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after those it needs */
#include <cmocka.h>

/* A script: at a time, something happens; then the wait is as said. */
enum step_kind { NOTHING, BEGIN, DONE, MORE, FAILED, EVENT };

struct step {
    uint64_t at_ms;
    enum step_kind kind;
    uint64_t wait_ms;
};

#define FLIGHT SWEEP_AFTER_ANSWER

static void play(struct sweeper *s, const struct step *step)
{
    switch (step->kind) {
    case NOTHING: break;
    case BEGIN: sweeper_begun(s, step->at_ms); break;
    case DONE: sweeper_answered(s, SWEEP_DONE, step->at_ms); break;
    case MORE: sweeper_answered(s, SWEEP_MORE, step->at_ms); break;
    case FAILED: sweeper_answered(s, SWEEP_FAILED, step->at_ms); break;
    case EVENT: sweeper_event(s); break;
    }
}

static void play_all(const struct step *steps, size_t count)
{
    struct sweeper s = {0};

    for (size_t i = 0; i < count; i++) {
        play(&s, &steps[i]);
        uint64_t wait_ms = sweeper_wait_ms(&s, steps[i].at_ms);
        if (wait_ms != steps[i].wait_ms) {
            fail_msg("step %zu: waits %llu", i, (unsigned long long)wait_ms);
        }
    }
}
#define PLAY(...)                                                                                  \
    play_all((const struct step[]){__VA_ARGS__},                                                   \
             sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void a_sweep_every_100_ms_from_begin_to_begin(void **state)
{
    (void)state;
    PLAY({5000, NOTHING, 0}, {5000, BEGIN, FLIGHT}, {5030, DONE, 70}, {5099, NOTHING, 1},
         {5100, NOTHING, 0}, {5150, NOTHING, 0});
}

static void never_two_at_once(void **state)
{
    (void)state;
    PLAY({5000, BEGIN, FLIGHT}, {5100, NOTHING, FLIGHT}, {9000, EVENT, FLIGHT}, {9001, DONE, 0});
}

static void a_slow_answer_is_followed_at_once(void **state)
{
    (void)state;
    PLAY({5000, BEGIN, FLIGHT}, {5400, DONE, 0});
}

static void an_event_makes_one_due_at_once(void **state)
{
    (void)state;
    PLAY({5000, BEGIN, FLIGHT}, {5010, DONE, 90}, {5020, EVENT, 0}, {5020, EVENT, 0},
         {5021, BEGIN, FLIGHT}, {5022, DONE, 99});
}

static void an_event_during_a_sweep_is_not_forgotten(void **state)
{
    (void)state;
    PLAY({5000, BEGIN, FLIGHT}, {5005, EVENT, FLIGHT}, {5010, DONE, 0}, {5010, BEGIN, FLIGHT},
         {5020, DONE, 90});
}

static void more_to_do_is_done_at_once(void **state)
{
    (void)state;
    PLAY({5000, BEGIN, FLIGHT}, {5010, MORE, 0}, {5010, BEGIN, FLIGHT}, {5020, MORE, 0},
         {5020, BEGIN, FLIGHT}, {5030, DONE, 90});
}

static void after_a_failure_only_time_helps(void **state)
{
    (void)state;
    PLAY({5000, BEGIN, FLIGHT}, {5001, FAILED, 100}, {5002, EVENT, 99}, {5101, NOTHING, 0},
         {5101, BEGIN, FLIGHT}, {7101, FAILED, 100}, {7201, BEGIN, FLIGHT}, {7202, DONE, 99});
}

/* The event that came while it failed: its user may be due at once. */
static void an_event_between_failures_is_still_known_afterwards(void **state)
{
    (void)state;
    PLAY({5000, BEGIN, FLIGHT}, {5001, EVENT, FLIGHT}, {5001, FAILED, 100}, {5101, BEGIN, FLIGHT},
         {5102, EVENT, FLIGHT}, {5103, DONE, 0});
}

static void current_for_two_seconds_after_a_success(void **state)
{
    struct sweeper s = {0};

    (void)state;
    assert_false(sweeper_is_current(&s, 0));
    assert_false(sweeper_is_current(&s, 1));
    sweeper_begun(&s, 5000);
    assert_false(sweeper_is_current(&s, 5000));
    sweeper_answered(&s, SWEEP_DONE, 5010);
    assert_true(sweeper_is_current(&s, 5010));
    assert_true(sweeper_is_current(&s, 7009));
    assert_false(sweeper_is_current(&s, 7010));
    sweeper_begun(&s, 7010);
    sweeper_answered(&s, SWEEP_FAILED, 7020);
    assert_false(sweeper_is_current(&s, 7020));
    sweeper_begun(&s, 7120);
    sweeper_answered(&s, SWEEP_MORE, 7130);
    assert_true(sweeper_is_current(&s, 7130));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sweep_every_100_ms_from_begin_to_begin),
        cmocka_unit_test(never_two_at_once),
        cmocka_unit_test(a_slow_answer_is_followed_at_once),
        cmocka_unit_test(an_event_makes_one_due_at_once),
        cmocka_unit_test(an_event_during_a_sweep_is_not_forgotten),
        cmocka_unit_test(more_to_do_is_done_at_once),
        cmocka_unit_test(after_a_failure_only_time_helps),
        cmocka_unit_test(an_event_between_failures_is_still_known_afterwards),
        cmocka_unit_test(current_for_two_seconds_after_a_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
