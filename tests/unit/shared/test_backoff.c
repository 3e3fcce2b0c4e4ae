/* test_backoff.c - how long to wait before the next attempt */
#include "shared/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the three above */
#include <cmocka.h>

static const struct {
    const char *label;
    uint32_t min_ms, max_ms;
    unsigned failures;
    uint64_t least, most; /* both are reached */
} cases[] = {
    {"first",        100,         2000,        0,           50,          150        },
    {"doubled",      100,         2000,        1,           100,         300        },
    {"again",        100,         2000,        3,           400,         1200       },
    {"at the limit", 100,         2000,        4,           667,         1999       },
    {"far beyond",   100,         2000,        4000000000U, 667,         1999       },
    {"large",        4000000000U, 4000000000U, 4000000000U, 1333333333U, 3999999999U},
    {"odd",          3,           1000,        0,           2,           4          },
    {"one",          1,           1000,        0,           1,           1          },
    {"nothing",      0,           0,           9,           0,           0          },
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void stays_between_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t least = UINT64_MAX;
        uint64_t room = UINT64_MAX; /* below cases[i].most */
        for (uint32_t random = 0; random < 5000; random++) {
            uint64_t ms = backoff_ms(cases[i].min_ms, cases[i].max_ms, cases[i].failures, random);
            least = smaller(least, ms);
            room = smaller(room, cases[i].most - ms);
            assert_true(ms <= cases[i].most);
        }
        if (least != cases[i].least || (cases[i].most < 5000 && room != 0)) {
            fail_msg("%s: from %llu", cases[i].label, (unsigned long long)least);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_between_its_bounds),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
