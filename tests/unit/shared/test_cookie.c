/* test_cookie.c - reading and writing the session cookie */
#include "shared/cookie.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after the four above */
#include <cmocka.h>

#define TOKEN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM0123"

static const struct {
    const char *label, *scheme, *header, *value;
} find_cases[] = {
    {"no header",              "http",  "",                             ""     },
    {"alone",                  "http",  "session=abc",                  "abc"  },
    {"alone over https",       "https", "__Host-session=abc",           "abc"  },
    {"among others",           "http",  "a=1; session=abc; b=2",        "abc"  },
    {"no space",               "http",  "a=1;session=abc;b=2",          "abc"  },
    {"spaces around",          "http",  " session = abc ",              "abc"  },
    {"plain one over https",   "https", "session=abc",                  ""     },
    {"secure one over http",   "http",  "__Host-session=abc",           ""     },
    {"both over http",         "http",  "__Host-session=s; session=p",  "p"    },
    {"both over https",        "https", "session=p; __Host-session=s",  "s"    },
    {"scheme in capitals",     "HTTPS", "__Host-session=abc",           "abc"  },
    {"name in capitals",       "http",  "SESSION=abc",                  ""     },
    {"longer name",            "http",  "session2=abc",                 ""     },
    {"name with a prefix",     "http",  "mysession=abc",                ""     },
    {"shorter name",           "http",  "sessio=abc",                   ""     },
    {"in a value",             "http",  "a=session=abc",                ""     },
    {"the first counts",       "http",  "session=one; session=two",     "one"  },
    {"without a value",        "http",  "session",                      ""     },
    {"empty",                  "http",  "session=",                     ""     },
    {"empty, then one",        "http",  "session=; session; session=a", "a"    },
    {"equals sign in a value", "http",  "session=a=b",                  "a=b"  },
    {"quotes stay",            "http",  "session=\"a\"",                "\"a\""},
    {"separators alone",       "http",  ";;= ;=;",                      ""     },
};

static void find_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof find_cases / sizeof *find_cases; i++) {
        size_t n = strlen(find_cases[i].header);
        char *copy = malloc(n > 0 ? n : 1); /* of exact length: over-reads are seen */
        assert_non_null(copy);
        memcpy(copy, find_cases[i].header, n);
        struct slice got = cookie_find((struct slice){copy, n}, slice_text(find_cases[i].scheme));
        if (!slice_equal(got, slice_text(find_cases[i].value))) {
            fail_msg("%s: \"%.*s\"", find_cases[i].label, (int)got.len, got.ptr);
        }
        free(copy);
    }
}

static const struct {
    const char *scheme, *token, *line;
} make_cases[] = {
    {"http",  TOKEN, "session=" TOKEN "; Path=/; HttpOnly; SameSite=Lax"                 },
    {"https", TOKEN, "__Host-session=" TOKEN "; Path=/; HttpOnly; SameSite=Lax; Secure"  },
    {"http",  "",    "session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"               },
    {"https", "",    "__Host-session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"},
};

static void make_writes_exactly_these_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof make_cases / sizeof *make_cases; i++) {
        struct buf line;
        buf_init(&line, COOKIE_LINE_MAX);
        assert_true(
            cookie_make(&line, slice_text(make_cases[i].token), slice_text(make_cases[i].scheme)));
        assert_string_equal(line.ptr, make_cases[i].line);
        buf_deinit(&line);
    }
}

static void what_was_made_is_found(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, COOKIE_LINE_MAX);
    assert_true(cookie_make(&line, SLICE(TOKEN), SLICE("https")));
    assert_true(slice_equal(cookie_find(buf_slice(&line), SLICE("https")), SLICE(TOKEN)));
    assert_true(slice_equal(cookie_find(buf_slice(&line), SLICE("http")), SLICE("")));
    buf_deinit(&line);
}

static void a_nul_is_a_byte(void **state)
{
    (void)state;
    struct slice got = cookie_find(SLICE("session=a\0b; c"), SLICE("http"));
    assert_true(slice_equal(got, SLICE("a\0b")));
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, 40);
    assert_false(cookie_make(&line, SLICE(TOKEN), SLICE("http")));
    buf_deinit(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_follows_the_table), cmocka_unit_test(make_writes_exactly_these_lines),
        cmocka_unit_test(what_was_made_is_found), cmocka_unit_test(a_nul_is_a_byte),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
