/* test_eio_pace.c - when a turn's frames leave */
#include "gateway-svc/socketio/eio_pace.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One that began at 1,000,000 and took that long, with so many frames for 100 connections. */
static struct eio_pace after(uint64_t length_us, uint64_t frames)
{
    struct eio_pace pace = {0};
    eio_pace_due(&pace, 1000000);
    eio_pace_flushed(&pace, &(struct eio_pace_flush){1000000, 1000000 + length_us, 100, frames});
    return pace;
}

static void at_once_at_first(void **state)
{
    struct eio_pace pace = {0};
    (void)state;
    assert_int_equal(eio_pace_due(&pace, 5000), 5000);
}

static void after_a_long_flush_for_a_quarter_of_it(void **state)
{
    struct eio_pace pace = after(4000, 800);
    (void)state;
    assert_int_equal(eio_pace_due(&pace, 1004100), 1005100);
}

/* What comes while others wait leaves with them. */
static void from_the_first_frame_on(void **state)
{
    struct eio_pace pace = after(4000, 800);
    (void)state;
    eio_pace_due(&pace, 1004100);
    assert_int_equal(eio_pace_due(&pace, 1004900), 1005100);
    assert_int_equal(eio_pace_due(&pace, 1009000), 1005100);
}

static void never_longer_than_the_limit(void **state)
{
    struct eio_pace pace = after(80000, 800);
    (void)state;
    assert_int_equal(eio_pace_due(&pace, 1080000), 1080000 + EIO_PACE_MAX_US);
}

static void one_message_at_a_time_does_not_wait(void **state)
{
    struct eio_pace pace = after(4000, 199);
    (void)state;
    assert_int_equal(eio_pace_due(&pace, 1004100), 1004100);
    pace = after(4000, 200);
    assert_int_equal(eio_pace_due(&pace, 1004100), 1005100);
}

static void at_least_for_a_moment_and_never_longer_than_the_flush(void **state)
{
    struct eio_pace pace = after(1000, 800);
    (void)state;
    assert_int_equal(eio_pace_due(&pace, 1001100), 1001400);
    pace = after(200, 800);
    assert_int_equal(eio_pace_due(&pace, 1000300), 1000500);
}

static void not_after_a_short_flush(void **state)
{
    struct eio_pace pace = after(EIO_PACE_FLUSH_US - 1, 800);
    (void)state;
    assert_int_equal(eio_pace_due(&pace, 1000200), 1000200);
    pace = after(EIO_PACE_FLUSH_US, 800);
    assert_int_equal(eio_pace_due(&pace, 1000200), 1000200 + EIO_PACE_FLUSH_US);
}

static void not_when_it_has_become_quiet(void **state)
{
    struct eio_pace pace = after(4000, 800);
    (void)state;
    assert_int_equal(eio_pace_due(&pace, 1019999), 1020999);
    pace = after(4000, 800);
    assert_int_equal(eio_pace_due(&pace, 1020000), 1020000);
}

static void the_last_flush_counts(void **state)
{
    struct eio_pace pace = after(4000, 800);
    (void)state;
    eio_pace_due(&pace, 1004100);
    eio_pace_flushed(&pace, &(struct eio_pace_flush){1005100, 1005200, 100, 800});
    assert_int_equal(eio_pace_due(&pace, 1005210), 1005210);
}

/* Such as a turn that only ended connections. */
static void a_flush_of_nothing_is_none(void **state)
{
    struct eio_pace pace = after(0, 0);
    (void)state;
    assert_int_equal(eio_pace_due(&pace, 1000000), 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_once_at_first),
        cmocka_unit_test(after_a_long_flush_for_a_quarter_of_it),
        cmocka_unit_test(from_the_first_frame_on),
        cmocka_unit_test(never_longer_than_the_limit),
        cmocka_unit_test(one_message_at_a_time_does_not_wait),
        cmocka_unit_test(at_least_for_a_moment_and_never_longer_than_the_flush),
        cmocka_unit_test(not_after_a_short_flush),
        cmocka_unit_test(not_when_it_has_become_quiet),
        cmocka_unit_test(the_last_flush_counts),
        cmocka_unit_test(a_flush_of_nothing_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
