/* test_address.c - where a gateway can be reached: what is an address, and how it is written */
#include "gateway-svc/relay/address.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *label;
    struct slice text;
    const char *host; /* NULL: no address */
    uint16_t port;
} addresses[] = {
    {"IPv4",                          SLICE_INIT("10.0.0.5"),                                              "10.0.0.5",    0    },
    {"IPv4 and port",                 SLICE_INIT("10.0.0.5:8002"),                                         "10.0.0.5",    8002 },
    {"lowest port",                   SLICE_INIT("10.0.0.5:1"),                                            "10.0.0.5",    1    },
    {"highest port",                  SLICE_INIT("10.0.0.5:65535"),                                        "10.0.0.5",    65535},
    {"IPv6",                          SLICE_INIT("2001:db8::5"),                                           "2001:db8::5", 0    },
    {"IPv6 in brackets",              SLICE_INIT("[2001:db8::5]"),                                         "2001:db8::5", 0    },
    {"IPv6 and port",                 SLICE_INIT("[2001:db8::5]:8002"),                                    "2001:db8::5", 8002 },
    {"the shortest",                  SLICE_INIT("::"),                                                    "::",          0    },
    {"the longest",                   SLICE_INIT("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535"),
     "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",                                                                     65535},

    {"empty",                         SLICE_INIT(""),                                                      NULL,          0    },
    {"a name",                        SLICE_INIT("gateway"),                                               NULL,          0    },
    {"a name and port",               SLICE_INIT("localhost:8002"),                                        NULL,          0    },
    {"a port alone",                  SLICE_INIT(":8002"),                                                 NULL,          0    },
    {"an empty port",                 SLICE_INIT("10.0.0.5:"),                                             NULL,          0    },
    {"port 0",                        SLICE_INIT("10.0.0.5:0"),                                            NULL,          0    },
    {"port too high",                 SLICE_INIT("10.0.0.5:65536"),                                        NULL,          0    },
    {"a port that is none",           SLICE_INIT("10.0.0.5:80x"),                                          NULL,          0    },
    {"a signed port",                 SLICE_INIT("10.0.0.5:+80"),                                          NULL,          0    },
    {"IPv4 in brackets",              SLICE_INIT("[10.0.0.5]"),                                            NULL,          0    },
    {"brackets left open",            SLICE_INIT("[::1"),                                                  NULL,          0    },
    {"brackets alone",                SLICE_INIT("[]"),                                                    NULL,          0    },
    {"something behind the brackets", SLICE_INIT("[::1]8002"),                                             NULL,          0    },
    {"three numbers",                 SLICE_INIT("10.0.5"),                                                NULL,          0    },
    {"a space",                       SLICE_INIT(" 10.0.0.5"),                                             NULL,          0    },
    {"NUL behind",                    SLICE_INIT("10.0.0.5\0:80"),                                         NULL,          0    },
    {"an interface behind",           SLICE_INIT("fe80::1%eth0"),                                          NULL,          0    },
    {"too long",                      SLICE_INIT("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]:1"),    NULL,          0    },
};

static void addresses_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(addresses); i++) {
        struct address out = {"left", 7};
        print_message("  %s\n", addresses[i].label);
        struct slice text = exact_copy(addresses[i].text);
        assert_int_equal(address_parse(text, &out), addresses[i].host != NULL);
        exact_free(text);
        assert_string_equal(out.host, addresses[i].host ? addresses[i].host : "");
        assert_int_equal(out.port, addresses[i].port);
    }
}

static const struct {
    const char *host, *text;
} printed[] = {
    {"127.0.0.1",                                     "127.0.0.1:8002"    },
    {"2001:db8::5",                                   "[2001:db8::5]:8002"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
     "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:8002"               },
};

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(printed); i++) {
        char text[ADDRESS_TEXT_MAX + 1];
        struct address again;
        address_print(printed[i].host, 8002, text);
        assert_string_equal(text, printed[i].text);
        assert_true(address_parse(slice_text(text), &again));
        assert_string_equal(again.host, printed[i].host);
        assert_int_equal(again.port, 8002);
    }
}

static void all_addresses_of_a_machine_are_a_wildcard(void **state)
{
    (void)state;
    assert_true(address_is_wildcard("0.0.0.0"));
    assert_true(address_is_wildcard("::"));
    assert_true(address_is_wildcard("0:0::0"));
    assert_false(address_is_wildcard("127.0.0.1"));
    assert_false(address_is_wildcard("::1"));
    assert_false(address_is_wildcard("0.0.0.1"));
    assert_false(address_is_wildcard("eth0"));
    assert_false(address_is_wildcard(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_follow_the_table),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(all_addresses_of_a_machine_are_a_wildcard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
