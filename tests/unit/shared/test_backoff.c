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

static void stays_between_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t least = UINT64_MAX;
        uint64_t most = 0;
        for (uint32_t random = 0; random < 5000; random++) {
            uint64_t ms = backoff_ms(cases[i].min_ms, cases[i].max_ms, cases[i].failures, random);
            least = ms < least ? ms : least;
            most = ms > most ? ms : most;
        }
        if (cases[i].most < 5000 && (least != cases[i].least || most != cases[i].most)) {
            fail_msg("%s: %llu to %llu", cases[i].label, (unsigned long long)least,
                     (unsigned long long)most);
        }
        assert_true(least >= cases[i].least);
        assert_true(most <= cases[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_between_its_bounds),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
