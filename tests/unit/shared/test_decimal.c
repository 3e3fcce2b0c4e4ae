/* test_decimal.c - numbers as decimal digits */
#include "shared/decimal.h"
#include "shared/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

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

/* The digits and nothing behind them. */
static void put_writes_the_digits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[DECIMAL_MAX + 1];
        memset(out, '#', sizeof out);
        size_t n = decimal_put(out, cases[i].value);
        assert_true(slice_equal((struct slice){out, n}, slice_text(cases[i].digits)));
        assert_int_equal(out[n], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(put_writes_the_digits)};
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
