/* test_name_set.c - a set of names that grows, is put in order and forgets */
#include "gateway-svc/chat/name_set.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 1000 /* the buckets grow several times */

static struct name_set set;

static struct slice numbered(unsigned i)
{
    static char text[16];
    return (struct slice){text, (size_t)snprintf(text, sizeof text, "u%u", i)};
}

static int begin(void **state)
{
    (void)state;
    name_set_init(&set);
    for (unsigned i = 0; i < MANY; i++) {
        struct slice name = exact_copy(numbered(i));
        name_set_add(&set, name);
        exact_free(name);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    name_set_deinit(&set);
    return 0;
}

/* Every entry knows its place, and is found by its name. */
static void assert_whole(size_t count)
{
    assert_int_equal(set.all.count, count);
    for (uint32_t i = 0; i < set.all.count; i++) {
        struct name_entry *e = set.all.at[i];
        assert_int_equal(e->place, i);
        assert_ptr_equal(name_set_find(&set, name_of(e)), e);
    }
}

static void all_are_found_as_they_are_written(void **state)
{
    (void)state;
    assert_whole(MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(name_set_find(&set, numbered(i))->place, i);
    }
    assert_null(name_set_find(&set, SLICE("U1")));
    assert_null(name_set_find(&set, SLICE("u")));
    assert_null(name_set_find(&set, SLICE("u1000")));
    assert_null(name_set_find(&set, SLICE("")));
}

static void two_change_places(void **state)
{
    (void)state;
    name_set_swap(&set, 3, MANY - 1);
    name_set_swap(&set, 5, 5);
    assert_int_equal(name_set_find(&set, SLICE("u3"))->place, MANY - 1);
    assert_int_equal(name_set_find(&set, SLICE("u999"))->place, 3);
    assert_whole(MANY);
}

static void only_what_no_mark_keeps_is_forgotten(void **state)
{
    struct name_entry *e = name_set_find(&set, SLICE("u7"));
    (void)state;
    e->loaded = e->hinted = true; /* which keep nobody */
    for (unsigned mark = 0; mark < 4; mark++) {
        e->present = mark == 0;
        e->told = mark == 1;
        e->changed = mark == 2;
        e->since = mark == 3;
        name_set_release(&set, e);
        assert_whole(MANY);
    }
    e->since = false;
    name_set_release(&set, e);
    assert_null(name_set_find(&set, SLICE("u7")));
    assert_whole(MANY - 1);
}

static void all_can_be_forgotten_in_any_order(void **state)
{
    (void)state;
    srand(1);
    for (size_t left = MANY; left > 0; left--) {
        name_set_release(&set, set.all.at[(size_t)rand() % left]);
        if (left % 97 == 0) {
            assert_whole(left - 1);
        }
    }
    assert_whole(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_are_found_as_they_are_written),
        TEST(two_change_places),
        TEST(only_what_no_mark_keeps_is_forgotten),
        TEST(all_can_be_forgotten_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
