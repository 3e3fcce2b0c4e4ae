/* test_bucket.c - bursts, refills and the numbers at their limits */
#include "shared/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define STEPS_MAX 8
#define NEVER UINT64_MAX

/* Takes one token after the other; a row ends with `wait` DONE. */
#define DONE (UINT64_MAX - 1)
static const struct {
    const char *label;
    struct rate rate;
    struct {
        uint64_t now_ms;
        uint64_t wait;
    } steps[STEPS_MAX];
} cases[] = {
    {"a new one is full",                    {1, 2},          {{5, 0}, {5, 0}, {5, 1000}, {0, DONE}}              },
    {"empty until the very millisecond",
     {20, 1},
     {{100, 0}, {100, 50}, {149, 1}, {150, 0}, {150, 50}, {0, DONE}}                                              },
    {"waits are rounded up",                 {3, 1},          {{0, 0}, {0, 334}, {333, 1}, {334, 0}, {0, DONE}}   },
    {"asking in vain costs nothing",
     {1, 1},
     {{0, 0}, {300, 700}, {600, 400}, {999, 1}, {1000, 0}, {0, DONE}}                                             },
    {"never more than the burst",
     {1000, 2},
     {{0, 0}, {100000, 0}, {100000, 0}, {100000, 1}, {0, DONE}}                                                   },
    {"several in a millisecond",
     {5000, 3},
     {{0, 0}, {0, 0}, {0, 0}, {0, 1}, {1, 0}, {1, 0}, {1, 0}, {0, DONE}}                                          },
    {"the first time may be late",           {1, 1},          {{UINT64_MAX - 1, 0}, {UINT64_MAX, 999}, {0, DONE}} },
    {"a clock that goes back gives nothing",
     {1, 1},
     {{5000, 0}, {4000, 1000}, {5500, 500}, {6000, 0}, {0, DONE}}                                                 },
    {"highest rate",                         {UINT64_MAX, 1}, {{0, 0}, {0, 1}, {1, 0}, {UINT64_MAX, 0}, {0, DONE}}},
    {"highest burst",
     {UINT64_MAX, UINT64_MAX},
     {{0, 0}, {0, 0}, {UINT64_MAX, 0}, {UINT64_MAX, 0}, {0, DONE}}                                                },
    {"slowest rate over all time",
     {1, 1},
     {{0, 0}, {UINT64_MAX, 0}, {UINT64_MAX, 1000}, {0, DONE}}                                                     },
    {"no refill",                            {0, 1},          {{0, 0}, {0, NEVER}, {UINT64_MAX, NEVER}, {0, DONE}}},
    {"no burst",                             {1000, 0},       {{0, NEVER}, {UINT64_MAX, NEVER}, {0, DONE}}        },
};

static void take_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct bucket b = {0};
        for (size_t k = 0; k < STEPS_MAX && cases[i].steps[k].wait != DONE; k++) {
            uint64_t wait = bucket_take(&b, cases[i].rate, cases[i].steps[k].now_ms);
            if (wait != cases[i].steps[k].wait) {
                fail_msg("%s: step %zu: waits %llu", cases[i].label, k, (unsigned long long)wait);
            }
        }
    }
}

/* States that no caller makes by taking, but may after changing the rate. */
static const struct {
    const char *label;
    struct bucket bucket;
    struct rate rate;
    uint64_t now_ms;
    uint64_t wait;
} state_cases[] = {
    {"burst was lowered",                             {10000, 0},      {10, 2},         0,   900       },
    {"burst was lowered, time passed",                {10000, 0},      {10, 2},         900, 0         },
    {"all that fits is used",                         {UINT64_MAX, 0}, {1, 1},          0,   UINT64_MAX},
    {"all that fits is used, at the highest rate",    {UINT64_MAX, 0}, {UINT64_MAX, 1}, 0,   1         },
    {"all that fits is used, with the highest burst", {UINT64_MAX, 0}, {1, UINT64_MAX}, 0,   1000      },
};

static void odd_states_do_not_wrap(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(state_cases); i++) {
        struct bucket b = state_cases[i].bucket;
        uint64_t wait = bucket_take(&b, state_cases[i].rate, state_cases[i].now_ms);
        if (wait != state_cases[i].wait) {
            fail_msg("%s: waits %llu", state_cases[i].label, (unsigned long long)wait);
        }
    }
}

static void full_again_after_the_refill(void **state)
{
    struct rate rate = {20, 100};
    struct bucket b = {0};

    (void)state;
    assert_true(bucket_is_full(&b, rate, 0));
    assert_int_equal(bucket_take(&b, rate, 1000), 0);
    assert_false(bucket_is_full(&b, rate, 1000));
    assert_false(bucket_is_full(&b, rate, 1049));
    assert_true(bucket_is_full(&b, rate, 1050));
    assert_true(bucket_is_full(&b, rate, UINT64_MAX));
}

/* Over a minute, whatever the moments of asking: burst + rate x time, not one more or less. */
static void the_sum_is_exact(void **state)
{
    static const uint64_t strides_ms[] = {1, 3, 7, 13};
    struct rate rate = {30, 10};

    (void)state;
    for (size_t i = 0; i < ROWS(strides_ms); i++) {
        struct bucket b = {0};
        unsigned taken = 0;
        uint64_t now_ms = 0;
        for (; now_ms <= 60000; now_ms += strides_ms[i]) {
            while (bucket_take(&b, rate, now_ms) == 0) {
                taken++;
            }
        }
        uint64_t last_ms = now_ms - strides_ms[i];
        assert_int_equal(taken, 10 + 30 * last_ms / 1000);
    }
}

static void the_wait_that_was_told_is_enough_and_not_too_long(void **state)
{
    (void)state;
    for (uint64_t per_second = 1; per_second < 2500; per_second += 7) {
        struct rate rate = {per_second, 1};
        struct bucket b = {0};
        assert_int_equal(bucket_take(&b, rate, 77), 0);
        uint64_t wait = bucket_take(&b, rate, 77);
        assert_in_range(wait, 1, 1000);
        struct bucket early = b;
        assert_int_not_equal(bucket_take(&early, rate, 77 + wait - 1), 0);
        assert_int_equal(bucket_take(&b, rate, 77 + wait), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_follows_the_table),
        cmocka_unit_test(odd_states_do_not_wrap),
        cmocka_unit_test(full_again_after_the_refill),
        cmocka_unit_test(the_sum_is_exact),
        cmocka_unit_test(the_wait_that_was_told_is_enough_and_not_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
