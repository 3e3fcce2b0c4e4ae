/* test_clock.c - the clocks are the ones they say they are, in their units */
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;

    assert_int_equal(clock_gettime(id, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Each reading lies between two readings of the system's own clock. */
static void monotonic_is_between_two_readings(void **state)
{
    (void)state;
    uint64_t before = read_ns(CLOCK_MONOTONIC);
    uint64_t us = clock_mono_us();
    uint64_t ms = clock_mono_ms();
    uint64_t after = read_ns(CLOCK_MONOTONIC);
    assert_in_range(us, before / 1000, after / 1000);
    assert_in_range(ms, before / 1000000, after / 1000000);
}

static void boot_is_between_two_readings(void **state)
{
    (void)state;
    uint64_t before = read_ns(CLOCK_BOOTTIME);
    uint64_t us = clock_boot_us();
    uint64_t after = read_ns(CLOCK_BOOTTIME);
    assert_in_range(us, before / 1000, after / 1000);
}

static void unix_is_between_two_readings(void **state)
{
    (void)state;
    uint64_t before = read_ns(CLOCK_REALTIME);
    uint64_t ms = clock_unix_ms();
    uint64_t after = read_ns(CLOCK_REALTIME);
    assert_in_range(ms, before / 1000000, after / 1000000);
}

static void monotonic_never_goes_back(void **state)
{
    uint64_t last = clock_mono_us();
    uint64_t first = last;

    (void)state;
    while (last < first + 1000) { /* until a millisecond has passed: it moves at all */
        uint64_t now = clock_mono_us();
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_is_between_two_readings),
        cmocka_unit_test(boot_is_between_two_readings),
        cmocka_unit_test(unix_is_between_two_readings),
        cmocka_unit_test(monotonic_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
