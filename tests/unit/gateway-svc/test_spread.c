/* test_spread.c - so many things, evenly over a time */
#include "gateway-svc/app/spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void due_by_the_table(void **state)
{
    static const struct {
        size_t done, left;
        uint64_t elapsed_ms, length_ms;
        size_t due;
    } rows[] = {
        {0,   100,      0,      1000,   0               },
        {0,   100,      9,      1000,   0               }, /* the first one: a hundredth of the time later */
        {0,   100,      10,     1000,   1               },
        {0,   100,      500,    1000,   50              },
        {50,  50,       500,    1000,   0               },
        {50,  50,       510,    1000,   1               },
        {99,  1,        999,    1000,   0               },
        {99,  1,        1000,   1000,   1               },
        {0,   100,      1000,   1000,   100             },
        {0,   100,      999999, 1000,   100             },
        {0,   0,        0,      1000,   0               },
        {5,   0,        1000,   1000,   0               },
        {0,   7,        0,      0,      7               }, /* no time: at once */
        {50,  10,       500,    1000,   0               }, /* forty have gone by themselves */
        {50,  10,       900,    1000,   4               },
        {10,  190,      500,    1000,   90              }, /* others have come: it catches up */
        {0,   3,        1666,   5000,   0               },
        {0,   3,        1667,   5000,   1               },
        {1,   2,        3334,   5000,   1               },
        {0,   SIZE_MAX, 30000,  60000,  SIZE_MAX / 2 + 1},
        {100, 1,        1,      100000, 0               },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(
            spread_due(rows[i].done, rows[i].left, rows[i].elapsed_ms, rows[i].length_ms),
            rows[i].due);
    }
}

/* Whatever the ticks: never more in one than its share and one, never before the time, all at its
 * end. */
static void it_is_even_and_whole(void **state)
{
    static const size_t totals[] = {1, 2, 3, 99, 1000, 100000};
    static const uint64_t ticks_ms[] = {1, 20, 333, 5000};
    const uint64_t length_ms = 5000;
    (void)state;
    for (size_t i = 0; i < ROWS(totals) * ROWS(ticks_ms); i++) {
        size_t total = totals[i % ROWS(totals)], done = 0;
        uint64_t tick_ms = ticks_ms[i / ROWS(totals)];
        for (uint64_t now_ms = 0; now_ms < length_ms; now_ms += tick_ms) {
            size_t due = spread_due(done, total - done, now_ms, length_ms);
            assert_true(due <= total * tick_ms / length_ms + 1);
            done += due;
            assert_true(done <= total * now_ms / length_ms);
            assert_true(done + 1 >= total * now_ms / length_ms);
        }
        assert_true(done < total);
        assert_int_equal(spread_due(done, total - done, length_ms, length_ms), total - done);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_by_the_table),
        cmocka_unit_test(it_is_even_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
