/* test_origin.c - which origins pass, which are refused */
#include "shared/origin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after the four above */
#include <cmocka.h>

#define HERE "localhost:5000"
#define LIST "https://chat.example, http://localhost:3000,capacitor://localhost , http://[::1]:8080"

/* A copy without a spare byte behind it, so that the sanitizer sees each over-read. */
static struct slice exact(struct slice s)
{
    char *copy = malloc(s.len > 0 ? s.len : 1);
    assert_non_null(copy);
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    return (struct slice){copy, s.len};
}

static void drop(struct slice s)
{
    union {
        const char *in;
        char *out;
    } p = {.in = s.ptr};
    free(p.out);
}

static const struct {
    const char *label, *scheme, *host, *origin;
    enum origin_verdict verdict;
} cases[] = {
    {"absent",             "http",  HERE,             "",                           ORIGIN_ABSENT },
    {"own",                "http",  HERE,             "http://localhost:5000",      ORIGIN_OWN    },
    {"own, other case",    "http",  "LocalHost:5000", "HTTP://LOCALHOST:5000",      ORIGIN_OWN    },
    {"own over https",     "https", "localhost:5443", "https://localhost:5443",     ORIGIN_OWN    },
    {"default left out",   "http",  "a.example",      "http://a.example",           ORIGIN_OWN    },
    {"80 in the host",     "http",  "a.example:80",   "http://a.example",           ORIGIN_OWN    },
    {"80 in the origin",   "http",  "a.example",      "http://a.example:80",        ORIGIN_OWN    },
    {"443 in the origin",  "https", "a.example",      "https://a.example:443",      ORIGIN_OWN    },
    {"443 is not http's",  "http",  "a.example",      "http://a.example:443",       ORIGIN_FOREIGN},
    {"80 is not https'",   "https", "a.example",      "https://a.example:80",       ORIGIN_FOREIGN},
    {"IPv4",               "http",  "127.0.0.1:5000", "http://127.0.0.1:5000",      ORIGIN_OWN    },
    {"IPv6",               "http",  "[::1]:5000",     "http://[::1]:5000",          ORIGIN_OWN    },
    {"IPv6, default",      "http",  "[::1]",          "http://[::1]:80",            ORIGIN_OWN    },
    {"localhost: a name",  "http",  "127.0.0.1:5000", "http://localhost:5000",      ORIGIN_FOREIGN},
    {"other scheme",       "http",  HERE,             "https://localhost:5000",     ORIGIN_FOREIGN},
    {"other scheme, back", "https", HERE,             "http://localhost:5000",      ORIGIN_FOREIGN},
    {"other port",         "http",  HERE,             "http://localhost:5001",      ORIGIN_FOREIGN},
    {"no port",            "http",  HERE,             "http://localhost",           ORIGIN_FOREIGN},
    {"suffix",             "http",  HERE,             "http://localhost:5000.eu",   ORIGIN_FOREIGN},
    {"suffix of name",     "http",  "a.example",      "http://a.example.evil",      ORIGIN_FOREIGN},
    {"prefix",             "http",  "a.example",      "http://evil-a.example",      ORIGIN_FOREIGN},
    {"a subdomain",        "http",  "a.example",      "http://b.a.example",         ORIGIN_FOREIGN},
    {"the parent",         "http",  "b.a.example",    "http://a.example",           ORIGIN_FOREIGN},
    {"final dot",          "http",  "a.example",      "http://a.example.",          ORIGIN_FOREIGN},
    {"a user in front",    "http",  HERE,             "http://u@localhost:5000",    ORIGIN_FOREIGN},
    {"own as the user",    "http",  HERE,             "http://localhost:5000@evil", ORIGIN_FOREIGN},
    {"a path",             "http",  HERE,             "http://localhost:5000/",     ORIGIN_FOREIGN},
    {"a query",            "http",  HERE,             "http://localhost:5000?x",    ORIGIN_FOREIGN},
    {"two origins",        "http",  HERE,             "http://localhost:5000 http", ORIGIN_FOREIGN},
    {"a space behind",     "http",  HERE,             "http://localhost:5000 ",     ORIGIN_FOREIGN},
    {"null",               "http",  HERE,             "null",                       ORIGIN_FOREIGN},
    {"NULL",               "http",  HERE,             "NULL",                       ORIGIN_FOREIGN},
    {"star",               "http",  HERE,             "*",                          ORIGIN_FOREIGN},
    {"no scheme",          "http",  HERE,             "localhost:5000",             ORIGIN_FOREIGN},
    {"no slashes",         "http",  HERE,             "http:localhost:5000",        ORIGIN_FOREIGN},
    {"one slash",          "http",  HERE,             "http:/localhost:5000",       ORIGIN_FOREIGN},
    {"scheme alone",       "http",  HERE,             "http://",                    ORIGIN_FOREIGN},
    {"both hosts empty",   "http",  "",               "http://",                    ORIGIN_FOREIGN},
    {"no own host",        "http",  "",               "http://localhost:5000",      ORIGIN_FOREIGN},
    {"port 0",             "http",  "a:0",            "http://a:0",                 ORIGIN_FOREIGN},
    {"port with zeros",    "http",  HERE,             "http://localhost:05000",     ORIGIN_FOREIGN},
    {"port 65535",         "http",  "a:65535",        "http://a:65535",             ORIGIN_OWN    },
    {"port 65536",         "http",  "a:65536",        "http://a:65536",             ORIGIN_FOREIGN},
    {"port wraps",         "http",  HERE,             "http://localhost:70536",     ORIGIN_FOREIGN},
    {"port missing",       "http",  "a",              "http://a:",                  ORIGIN_FOREIGN},
    {"port is a word",     "http",  "a:b",            "http://a:b",                 ORIGIN_FOREIGN},
    {"bracket open",       "http",  "[::1",           "http://[::1",                ORIGIN_FOREIGN},
    {"brackets alone",     "http",  "[]",             "http://[]",                  ORIGIN_FOREIGN},
    {"behind bracket",     "http",  "[::1]x",         "http://[::1]x",              ORIGIN_FOREIGN},
    {"high bytes",         "http",  "\xc3\xa4",       "http://\xc3\xa4",            ORIGIN_FOREIGN},
    {"listed",             "http",  HERE,             "https://chat.example",       ORIGIN_LISTED },
    {"listed, with port",  "http",  HERE,             "https://Chat.Example:443",   ORIGIN_LISTED },
    {"listed, space",      "http",  HERE,             "http://localhost:3000",      ORIGIN_LISTED },
    {"listed, app",        "http",  HERE,             "capacitor://localhost",      ORIGIN_LISTED },
    {"listed, IPv6",       "http",  HERE,             "http://[::1]:8080",          ORIGIN_LISTED },
    {"listed, scheme",     "http",  HERE,             "http://chat.example",        ORIGIN_FOREIGN},
    {"listed, port",       "http",  HERE,             "http://chat.example:443",    ORIGIN_FOREIGN},
    {"listed, other port", "http",  HERE,             "http://localhost:3001",      ORIGIN_FOREIGN},
    {"listed, cut",        "http",  HERE,             "https://chat.exampl",        ORIGIN_FOREIGN},
    {"the list itself",    "http",  HERE,             LIST,                         ORIGIN_FOREIGN},
};

static void verdicts_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice host = exact(slice_text(cases[i].host));
        struct slice origin = exact(slice_text(cases[i].origin));
        enum origin_verdict got = origin_judge(slice_text(cases[i].scheme), host, origin, LIST);
        if (got != cases[i].verdict) {
            fail_msg("%s: %d instead of %d", cases[i].label, got, cases[i].verdict);
        }
        drop(host);
        drop(origin);
    }
}

static void every_prefix_of_an_origin_is_foreign(void **state)
{
    (void)state;
    struct slice whole = SLICE("https://[fe80::1]:8443");
    for (size_t n = 1; n < whole.len; n++) {
        struct slice part = exact(slice_head(whole, n));
        assert_int_equal(origin_judge(SLICE("https"), SLICE("[fe80::1]:8443"), part, ""),
                         ORIGIN_FOREIGN);
        drop(part);
    }
    assert_int_equal(origin_judge(SLICE("https"), SLICE("[fe80::1]:8443"), whole, ""), ORIGIN_OWN);
}

static void null_passes_only_when_listed(void **state)
{
    (void)state;
    struct slice host = SLICE("localhost:5000");
    assert_int_equal(origin_judge(SLICE("http"), host, SLICE("null"), ""), ORIGIN_FOREIGN);
    assert_int_equal(origin_judge(SLICE("http"), host, SLICE("null"), "null"), ORIGIN_LISTED);
    assert_int_equal(origin_judge(SLICE("http"), host, SLICE("nul"), "null"), ORIGIN_FOREIGN);
    assert_int_equal(origin_judge(SLICE("http"), SLICE("null"), SLICE("null"), NULL),
                     ORIGIN_FOREIGN);
}

static void a_nul_does_not_end_an_origin(void **state)
{
    (void)state;
    struct slice host = SLICE("a.example");
    assert_int_equal(origin_judge(SLICE("http"), host, SLICE("http://a.example\0"), ""),
                     ORIGIN_FOREIGN);
    assert_int_equal(origin_judge(SLICE("http"), host, SLICE("http://a.example\0.evil"), ""),
                     ORIGIN_FOREIGN);
}

static void only_foreign_does_not_pass(void **state)
{
    (void)state;
    assert_true(origin_passes(ORIGIN_ABSENT));
    assert_true(origin_passes(ORIGIN_OWN));
    assert_true(origin_passes(ORIGIN_LISTED));
    assert_false(origin_passes(ORIGIN_FOREIGN));
}

static const struct {
    const char *list;
    bool good;
} lists[] = {
    {"",                   true },
    {LIST,                 true },
    {"null",               true },
    {"http://a",           true },
    {"*",                  false},
    {"a.example",          false},
    {"http://a/",          false},
    {"http://a/chat",      false},
    {"https://*.example",  false},
    {"http://a,,http://b", false},
    {"http://a http://b",  false},
    {"http://a:0",         false},
    {"http://a:70000",     false},
    {"://a",               false},
    {"http://",            false},
    {"http://a, b",        false},
};

static void bad_lists_are_told_at_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if ((origin_check_list(lists[i].list) == NULL) != lists[i].good) {
            fail_msg("%s should be %s", lists[i].list, lists[i].good ? "good" : "refused");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_the_table),
        cmocka_unit_test(every_prefix_of_an_origin_is_foreign),
        cmocka_unit_test(null_passes_only_when_listed),
        cmocka_unit_test(a_nul_does_not_end_an_origin),
        cmocka_unit_test(only_foreign_does_not_pass),
        cmocka_unit_test(bad_lists_are_told_at_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
