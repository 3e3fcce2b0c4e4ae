/* test_decimal.c - numbers as decimal digits */
#include "shared/decimal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    uint64_t value;
    const char *digits;
} cases[] = {
    {0,          "0"                   },
    {9,          "9"                   },
    {10,         "10"                  },
    {907,        "907"                 },
    {UINT32_MAX, "4294967295"          },
    {UINT64_MAX, "18446744073709551615"},
};

static void each_number_has_its_digits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[DECIMAL_MAX];
        assert_true(slice_equal(decimal(room, cases[i].value), slice_text(cases[i].digits)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_number_has_its_digits)};
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
