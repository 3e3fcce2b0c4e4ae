/* test_redis_attempts.c - how long until the next attempt, and what the log says of them */
#include "shared/redis_attempts.h"
#include "tests/support/log_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the three above */
#include <cmocka.h>

static const struct redis_conn_config config = {
    .name = "test", .backoff_min_ms = 100, .backoff_max_ms = 1000};

static void failures_in_a_row_wait_longer_and_are_told_rarely(void **state)
{
    static const bool told[] = {true, true, false, true, false, false, false, true, false};
    struct redis_attempts a = {0};
    (void)state;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct log_lines log = log_lines_begin();
        uint64_t delay_ms = redis_attempts_failed(&a, &config, "at=here", "so", 5000);
        log_lines_end(&log);
        uint64_t middle_ms = i < 3 ? 100U << i : 666; /* see backoff.h */
        assert_in_range(delay_ms, middle_ms / 2, middle_ms * 3 / 2 + 1);
        assert_int_equal(
            log_lines_with(&log, "redis unavailable connection=test at=here why=\"so\""), told[i]);
        log_lines_free(&log);
    }
}

/* Whether the third attempt begins a new row. */
static void only_a_connection_that_lasts_begins_a_new_row(void **state)
{
    (void)state;
    for (uint64_t lasts_ms = 999; lasts_ms <= 1001; lasts_ms++) {
        struct redis_attempts a = {0};
        (void)redis_attempts_failed(&a, &config, "at=here", "so", 5000);
        (void)redis_attempts_failed(&a, &config, "at=here", "so", 5000);
        redis_attempts_up(&a, &config, "at=here", 5000);
        (void)redis_attempts_failed(&a, &config, "at=here", "so", 5000 + lasts_ms);
        assert_int_equal(a.failures, lasts_ms < 1000 ? 3 : 1);
        (void)redis_attempts_failed(&a, &config, "at=here", "so", 9000); /* it was not up again */
        assert_int_equal(a.failures, lasts_ms < 1000 ? 4 : 2);
    }
}

static void connected_is_told_when_it_is_news(void **state)
{
    struct redis_attempts a = {0};
    struct log_lines log = log_lines_begin();
    (void)state;
    redis_attempts_up(&a, &config, "at=here", 1);
    assert_int_equal(log_lines_with(&log, "redis connected connection=test at=here attempts=1"), 1);
    for (unsigned i = 0; i < 3; i++) {
        (void)redis_attempts_failed(&a, &config, "at=here", "so", 2);
        redis_attempts_up(&a, &config, "at=here", 2);
    }
    log_lines_end(&log);
    assert_int_equal(log_lines_with(&log, "redis connected"),
                     3); /* the third failure was not told */
    assert_int_equal(log_lines_with(&log, "attempts=4"), 0);
    log_lines_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_wait_longer_and_are_told_rarely),
        cmocka_unit_test(only_a_connection_that_lasts_begins_a_new_row),
        cmocka_unit_test(connected_is_told_when_it_is_news),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("redis_attempts", tests, NULL, NULL);
}
