/* test_redis_url.c - what REDIS_URL may be */
#include "shared/redis_url.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* after the others */
#include <cmocka.h>

/* clang-format off */
#define NOT_A_URL {.local = false}
/* clang-format on */

static const struct {
    const char *text;
    bool ok;
    struct redis_url url;
} cases[] = {
    {"redis://localhost",          true,  {.host = "localhost", .port = 6379}                                                 },
    {"redis://10.0.0.1:7000",      true,  {.host = "10.0.0.1", .port = 7000}                                                  },
    {"redis://h:65535",            true,  {.host = "h", .port = 65535}                                                        },
    {"redis://[::1]",              true,  {.host = "::1", .port = 6379}                                                       },
    {"redis://[fe80::1]:1",        true,  {.host = "fe80::1", .port = 1}                                                      },
    {"redis://u:p@h",
     true,                                {.host = "h", .port = 6379, .secured = true, .user = "u", .password = "p"}          },
    {"redis://:p@h:1",             true,  {.host = "h", .port = 1, .secured = true, .password = "p"}                          },
    {"redis://u@h",                true,  {.host = "h", .port = 6379, .secured = true, .user = "u"}                           },
    {"redis://u:p:q@[::1]:5",
     true,                                {.host = "::1", .port = 5, .secured = true, .user = "u", .password = "p:q"}         },
    {"redis://%75%3A:%40%2f%25@h",
     true,                                {.host = "h", .port = 6379, .secured = true, .user = "u:", .password = "@/%"}       },
    {"unix:///run/redis.sock",     true,  {.local = true, .host = "/run/redis.sock"}                                          },
    {"unix://u:p@/run/r@dis",
     true,                                {.local = true, .host = "/run/r@dis", .secured = true, .user = "u", .password = "p"}},
    {"unix:///a%20b",              true,  {.local = true, .host = "/a b"}                                                     },
    {"",                           false, NOT_A_URL                                                                           },
    {"redis://",                   false, NOT_A_URL                                                                           },
    {"redis://:1",                 false, NOT_A_URL                                                                           },
    {"redis://u:p@",               false, NOT_A_URL                                                                           },
    {"redis://h:",                 false, NOT_A_URL                                                                           },
    {"redis://h:0",                false, NOT_A_URL                                                                           },
    {"redis://h:65536",            false, NOT_A_URL                                                                           },
    {"redis://h:1x",               false, NOT_A_URL                                                                           },
    {"redis://h:+1",               false, NOT_A_URL                                                                           },
    {"redis://h/0",                false, NOT_A_URL                                                                           },
    {"redis://h:1/0",              false, NOT_A_URL                                                                           },
    {"redis://[::1",               false, NOT_A_URL                                                                           },
    {"redis://[]",                 false, NOT_A_URL                                                                           },
    {"redis://[::1]x",             false, NOT_A_URL                                                                           },
    {"redis://u:%0@h",             false, NOT_A_URL                                                                           },
    {"redis://u:%zz@h",            false, NOT_A_URL                                                                           },
    {"redis://u:%00@h",            false, NOT_A_URL                                                                           },
    {"redis://u:p%4@h",            false, NOT_A_URL                                                                           },
    {"redis://u:%\x14\x11@h",      false, NOT_A_URL                                                                           },
    {"rediss://h",                 false, NOT_A_URL                                                                           },
    {"REDIS://h",                  false, NOT_A_URL                                                                           },
    {"http://h",                   false, NOT_A_URL                                                                           },
    {"unix://",                    false, NOT_A_URL                                                                           },
    {"unix://run/redis.sock",      false, NOT_A_URL                                                                           },
};

static void parse_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct redis_url url;
        struct slice copy = exact_copy(slice_text(cases[i].text));
        bool ok = redis_url_parse(copy, &url);
        if (ok != cases[i].ok) {
            fail_msg("%s: %d", cases[i].text, ok);
        }
        if (ok) {
            assert_string_equal(url.host, cases[i].url.host);
            assert_string_equal(url.user, cases[i].url.user);
            assert_string_equal(url.password, cases[i].url.password);
            assert_int_equal(url.port, cases[i].url.port);
            assert_int_equal(url.secured, cases[i].url.secured);
            assert_int_equal(url.local, cases[i].url.local);
        }
        exact_free(copy);
    }
}

/* A host of n letters: 255 fit. */
static void long_parts_are_refused(void **state)
{
    (void)state;
    for (size_t n = 254; n <= 257; n++) {
        char text[300] = "redis://";
        struct redis_url url;
        memset(text + strlen(text), 'h', n);
        assert_int_equal(redis_url_parse(slice_text(text), &url), n <= 255);
    }
}

/* A path of n bytes: 107 fit into the address of a socket. */
static void long_paths_are_refused(void **state)
{
    (void)state;
    for (size_t n = 106; n <= 109; n++) {
        char text[300] = "unix:///";
        struct redis_url url;
        memset(text + strlen(text), 'p', n - 1);
        assert_int_equal(redis_url_parse(slice_text(text), &url), n <= 107);
    }
}

static const struct {
    const char *text, *password, *user;
} password_cases[] = {
    {"redis://h",               "secret",          ""        },
    {"redis://auth-svc@h:7000", "secret",          "auth-svc"},
    {"redis://u:@[::1]",        "secret",          "u"       },
    {"redis://%75%3A%40@h",     "@:/%x",           "u:@"     },
    {"redis://h",               " \x01\xc3\xa9?#", ""        },
    {"unix:///run/r@dis",       "s@cret/",         ""        },
    {"unix://u@/run/r@dis:1",   "s",               "u"       },
};

/* What comes out means the same, but for the password. */
static void a_password_is_put_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof password_cases / sizeof *password_cases; i++) {
        struct redis_url before, after;
        char out[512];
        struct slice text = slice_text(password_cases[i].text);
        assert_true(redis_url_parse(text, &before));
        assert_true(redis_url_put_password(text, password_cases[i].password, out, sizeof out));
        if (!redis_url_parse(slice_text(out), &after)) {
            fail_msg("%s", out);
        }
        assert_string_equal(after.password, password_cases[i].password);
        assert_string_equal(after.user, password_cases[i].user);
        assert_string_equal(after.host, before.host);
        assert_int_equal(after.port, before.port);
        assert_int_equal(after.local, before.local);
        assert_true(after.secured);
    }
}

static void a_password_that_does_not_fit_is_refused(void **state)
{
    char password[300], out[2000];
    const size_t needed = sizeof "redis://:@h" + 3 * (size_t)255;
    (void)state;
    memset(password, 'p', sizeof password);
    password[256] = '\0';
    assert_false(redis_url_put_password(SLICE("redis://h"), password, out, sizeof out));
    password[255] = '\0';
    assert_true(redis_url_put_password(SLICE("redis://h"), password, out, needed));
    assert_false(redis_url_put_password(SLICE("redis://h"), password, out, needed - 1));
}

static const struct {
    const char *text, *words;
} words_cases[] = {
    {"redis://redis",                   "address=\"redis:6379\" user=\"\""             },
    {"redis://gateway-svc:secret@r:1",  "address=\"r:1\" user=\"gateway-svc\""         },
    {"redis://:secret@[fd00::5]",       "address=\"[fd00::5]:6379\" user=\"\""         },
    {"unix://auth-svc@/run/a:b/r.sock", "address=\"/run/a:b/r.sock\" user=\"auth-svc\""},
    {"redis://a%0a%22b:secret@h%1b",    "address=\"h\\x1b:6379\" user=\"a\\x0a\\x22b\""},
};

static void words_say_where_and_as_whom_and_no_password(void **state)
{
    struct redis_url url, none = {.port = 0};
    (void)state;
    for (size_t i = 0; i < sizeof words_cases / sizeof *words_cases; i++) {
        assert_true(redis_url_parse(slice_text(words_cases[i].text), &url));
        assert_string_equal(redis_url_words(&url, &url), words_cases[i].words);
    }
    assert_true(redis_url_parse(SLICE("redis://me@by.sentinel"), &url));
    assert_string_equal(redis_url_words(&none, &url), "address=\"\" user=\"me\"");
    memset(url.host, '\n', sizeof url.host - 1);
    assert_true(strlen(redis_url_words(&url, &url)) < 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_follows_the_table),
        cmocka_unit_test(long_parts_are_refused),
        cmocka_unit_test(long_paths_are_refused),
        cmocka_unit_test(a_password_is_put_in),
        cmocka_unit_test(a_password_that_does_not_fit_is_refused),
        cmocka_unit_test(words_say_where_and_as_whom_and_no_password),
    };
    return cmocka_run_group_tests_name("redis_url", tests, NULL, NULL);
}
