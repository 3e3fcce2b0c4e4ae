/* test_url.c - the server's address */
#include "client/terminal/url.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *text, *host, *authority;
    uint16_t port;
    bool ok, tls;
} cases[] = {
    {"http://localhost:5000",    "localhost",        "localhost:5000",   5000,  true,  false},
    {"http://localhost:5000/",   "localhost",        "localhost:5000",   5000,  true,  false},
    {"https://chat.example.org", "chat.example.org", "chat.example.org", 443,   true,  true },
    {"HTTPS://a:80",             "a",                "a:80",             80,    true,  true },
    {"http://a:443",             "a",                "a:443",            443,   true,  false},
    {"http://a:80",              "a",                "a",                80,    true,  false},
    {"localhost",                "localhost",        "localhost",        80,    true,  false},
    {"127.0.0.1:1",              "127.0.0.1",        "127.0.0.1:1",      1,     true,  false},
    {"http://[::1]:5000",        "::1",              "[::1]:5000",       5000,  true,  false},
    {"https://[::1]",            "::1",              "[::1]",            443,   true,  true },
    {"a:65535",                  "a",                "a:65535",          65535, true,  false},
    {"a:65536",                  "",                 "",                 0,     false, false},
    {"a:0",                      "",                 "",                 0,     false, false},
    {"a:",                       "",                 "",                 0,     false, false},
    {"a:1x",                     "",                 "",                 0,     false, false},
    {"",                         "",                 "",                 0,     false, false},
    {"http://",                  "",                 "",                 0,     false, false},
    {"http:///",                 "",                 "",                 0,     false, false},
    {"ftp://a",                  "",                 "",                 0,     false, false},
    {"http://a/chat",            "",                 "",                 0,     false, false},
    {"http://user@a",            "",                 "",                 0,     false, false},
    {"http://a b",               "",                 "",                 0,     false, false},
    {"http://a\r\nb",            "",                 "",                 0,     false, false},
    {"http://[::1",              "",                 "",                 0,     false, false},
    {"http://[::1]5",            "",                 "",                 0,     false, false},
    {"http://[]",                "",                 "",                 0,     false, false},
};

static void addresses_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice text = exact_copy(slice_text(cases[i].text));
        struct url url;
        char authority[URL_AUTHORITY_MAX + 1];
        const char *why = url_parse(text, &url);
        exact_free(text);
        if ((why == NULL) != cases[i].ok) {
            fail_msg("%s: %s", cases[i].text, why ? why : "taken");
        }
        if (why) {
            continue;
        }
        url_authority(&url, authority);
        assert_string_equal(url.host, cases[i].host);
        assert_string_equal(authority, cases[i].authority);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.tls, cases[i].tls);
    }
}

static void the_longest_host_is_taken(void **state)
{
    (void)state;
    for (size_t n = URL_HOST_MAX - 1; n <= URL_HOST_MAX + 1; n++) {
        char text[URL_HOST_MAX + 8], authority[URL_AUTHORITY_MAX + 1];
        struct url url;
        memset(text, 'a', n);
        memcpy(text + n, ":65535", 7);
        const char *why = url_parse(slice_text(text), &url);
        assert_int_equal(why == NULL, n <= URL_HOST_MAX);
        if (!why) {
            url_authority(&url, authority);
            assert_string_equal(authority, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_follow_the_table),
        cmocka_unit_test(the_longest_host_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
