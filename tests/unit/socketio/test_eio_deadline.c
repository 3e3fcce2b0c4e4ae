/* test_eio_deadline.c - deadlines in lists of equal delay */
#include "gateway-svc/socketio/eio_deadline.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void an_empty_list_is_never_due(void **state)
{
    struct eio_deadlines list;
    (void)state;
    eio_deadlines_init(&list, 100);
    assert_null(eio_deadlines_first(&list));
    assert_null(eio_deadlines_due(&list, UINT64_MAX));
    assert_true(eio_deadlines_next(&list) == EIO_NEVER);
}

static void due_at_its_time_and_not_before(void **state)
{
    struct eio_deadlines list;
    struct eio_deadline d = {0};
    (void)state;
    eio_deadlines_init(&list, 100);
    assert_false(eio_deadline_is_running(&d));
    eio_deadline_start(&list, &d, 1000);
    assert_true(eio_deadline_is_running(&d));
    assert_int_equal(eio_deadlines_next(&list), 1100);
    assert_null(eio_deadlines_due(&list, 1099));
    assert_ptr_equal(eio_deadlines_due(&list, 1100), &d);
    eio_deadline_stop(&d);
    assert_false(eio_deadline_is_running(&d));
    assert_null(eio_deadlines_due(&list, 1100));
    eio_deadline_stop(&d); /* once more does no harm */
}

static void they_come_in_order(void **state)
{
    struct eio_deadlines list;
    struct eio_deadline d[5] = {0};
    (void)state;
    eio_deadlines_init(&list, 10);
    for (size_t i = 0; i < 5; i++) {
        eio_deadline_start(&list, &d[i], i);
    }
    eio_deadline_stop(&d[2]);            /* from the middle */
    eio_deadline_start(&list, &d[0], 5); /* from the front to the end */
    eio_deadline_stop(&d[4]);
    const struct eio_deadline *wanted[] = {&d[1], &d[3], &d[0]};
    for (size_t i = 0; i < 3; i++) {
        struct eio_deadline *first = eio_deadlines_first(&list);
        assert_ptr_equal(first, wanted[i]);
        eio_deadline_stop(first);
    }
    assert_null(eio_deadlines_first(&list));
}

/* One that starts in the past, by a schedule of its own, must not hide behind later ones. */
static void the_list_stays_in_order_of_time(void **state)
{
    struct eio_deadlines list;
    struct eio_deadline a = {0};
    struct eio_deadline b = {0};
    (void)state;
    eio_deadlines_init(&list, 10);
    eio_deadline_start(&list, &a, 100);
    eio_deadline_start(&list, &b, 50);
    assert_int_equal(b.at_us, 110);
    eio_deadline_stop(&a);
    eio_deadline_stop(&b);
    eio_deadline_start(&list, &b, 50); /* and an empty list does not remember */
    assert_int_equal(b.at_us, 60);
    eio_deadline_stop(&b);
}

static void it_moves_between_lists(void **state)
{
    struct eio_deadlines one;
    struct eio_deadlines two;
    struct eio_deadline d = {0};
    (void)state;
    eio_deadlines_init(&one, 10);
    eio_deadlines_init(&two, 20);
    eio_deadline_start(&one, &d, 0);
    eio_deadline_start(&two, &d, 0);
    assert_null(eio_deadlines_first(&one));
    assert_int_equal(eio_deadlines_next(&two), 20);
    eio_deadline_stop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_is_never_due),
        cmocka_unit_test(due_at_its_time_and_not_before),
        cmocka_unit_test(they_come_in_order),
        cmocka_unit_test(the_list_stays_in_order_of_time),
        cmocka_unit_test(it_moves_between_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
