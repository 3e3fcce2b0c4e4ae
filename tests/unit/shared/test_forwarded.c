/* test_forwarded.c - scheme and address of the client */
#include "shared/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after those it needs */
#include <cmocka.h>

static const struct {
    const char *forwarded, *address;
} addresses[] = {
    {"",                    "127.0.0.1"  },
    {"192.0.2.1",           "192.0.2.1"  },
    {" 192.0.2.1 ",         "192.0.2.1"  },
    {"6.6.6.6, 192.0.2.1",  "192.0.2.1"  },
    {"6.6.6.6,2001:db8::1", "2001:db8::1"},
    {",",                   "127.0.0.1"  },
    {"192.0.2.1, ",         "127.0.0.1"  },
};

static void the_last_address_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct slice got =
            forwarded_address(slice_text(addresses[i].forwarded), SLICE("127.0.0.1"));
        if (!slice_equal(got, slice_text(addresses[i].address))) {
            fail_msg("\"%s\": %.*s", addresses[i].forwarded, (int)got.len, got.ptr);
        }
    }
}

static const struct {
    const char *forwarded, *scheme;
} schemes[] = {
    {"",            "http" },
    {"http",        "http" },
    {"https",       "https"},
    {"HTTPS",       "https"},
    {" https",      "https"},
    {"https, http", "http" },
    {"wss",         "http" },
};

static void only_https_is_https(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct slice got = forwarded_scheme(slice_text(schemes[i].forwarded));
        assert_true(slice_equal(got, slice_text(schemes[i].scheme)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_address_counts),
        cmocka_unit_test(only_https_is_https),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
