/* test_latencies.c - percentiles of values that are known */
#include "tests/bench/load/latencies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define PRECISION 31 /* a bound is too high by a 32nd part at most */

static void nothing_seen_is_zero(void **state)
{
    static struct latencies l;
    (void)state;
    assert_int_equal(latencies_at(&l, 500), 0);
    assert_int_equal(latencies_at(&l, 1000), 0);
}

/* Of 1 to 1,000 µs, each once, n per mille are at most n µs. */
static void ranks_are_counted_from_below(void **state)
{
    static struct latencies l;
    (void)state;
    for (uint64_t us = 1000; us >= 1; us--) {
        latencies_add(&l, us);
    }
    assert_int_equal(l.count, 1000);
    assert_int_equal(l.max_us, 1000);
    for (uint32_t n = 1; n <= 1000; n++) {
        uint64_t at = latencies_at(&l, n);
        assert_in_range(at, n, n + n / PRECISION);
        assert_true(n > 63 || at == n); /* exact below 64 */
    }
}

static const struct {
    const char *label;
    uint64_t often_us;
    unsigned often;
    uint64_t rare_us;
    unsigned rare;
    uint32_t per_mille;
    uint64_t wanted;
} rank_cases[] = {
    {"half of two",         1,  1,   9,    1, 500,  1   },
    {"just above half",     1,  1,   9,    1, 501,  9   },
    {"99 of 100",           5,  99,  9000, 1, 990,  5   },
    {"the hundredth",       5,  99,  9000, 1, 991,  9000},
    {"one in a thousand",   5,  999, 63,   1, 999,  5   },
    {"the largest of all",  5,  999, 63,   1, 1000, 63  },
    {"one value",           40, 1,   0,    0, 1,    40  },
    {"zero counts as well", 0,  10,  7,    1, 500,  0   },
};

static void ranks_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rank_cases); i++) {
        struct latencies *l = calloc(1, sizeof *l);
        assert_non_null(l);
        for (unsigned n = 0; n < rank_cases[i].often; n++) {
            latencies_add(l, rank_cases[i].often_us);
        }
        for (unsigned n = 0; n < rank_cases[i].rare; n++) {
            latencies_add(l, rank_cases[i].rare_us);
        }
        if (latencies_at(l, rank_cases[i].per_mille) != rank_cases[i].wanted) {
            fail_msg("%s", rank_cases[i].label);
        }
        free(l);
    }
}

/* One value and a much larger one: its bucket's bound is not hidden by the maximum. */
static uint64_t bound_of(uint64_t us)
{
    static struct latencies l;
    memset(&l, 0, sizeof l);
    latencies_add(&l, us);
    latencies_add(&l, LATENCIES_MAX_US);
    return latencies_at(&l, 500);
}

static void every_bound_is_near_and_never_below(void **state)
{
    uint64_t before = 0;
    (void)state;
    for (uint64_t us = 1; us < LATENCIES_MAX_US / 2; us += 1 + us / 100) {
        uint64_t bound = bound_of(us);
        assert_in_range(bound, us, us + us / PRECISION);
        assert_true(bound >= before);
        before = bound;
    }
    for (unsigned shift = 5; shift < 36; shift++) { /* where octaves meet */
        uint64_t edge = UINT64_C(1) << shift;
        assert_in_range(bound_of(edge - 1), edge - 1, edge - 1);
        assert_in_range(bound_of(edge), edge, edge + edge / PRECISION);
    }
}

static void what_is_too_long_counts_as_the_longest(void **state)
{
    static struct latencies l;
    (void)state;
    latencies_add(&l, LATENCIES_MAX_US + 1);
    latencies_add(&l, UINT64_MAX);
    assert_int_equal(l.count, 2);
    assert_int_equal(latencies_at(&l, 1), LATENCIES_MAX_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_seen_is_zero),
        cmocka_unit_test(ranks_are_counted_from_below),
        cmocka_unit_test(ranks_follow_the_table),
        cmocka_unit_test(every_bound_is_near_and_never_below),
        cmocka_unit_test(what_is_too_long_counts_as_the_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
