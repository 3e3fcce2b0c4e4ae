/* test_routes.c - what a request asks for */
#include "auth-svc/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

#define SHORT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A SHORT "a"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NAME_32 "a2345678901234567890123456789012"
#define LISTED "https://page.example"

/* What a decision looks like in one word: the action, or the error. */
static const char *word(const struct decision *d)
{
    static const char *const actions[] = {"login", "logout", "session", "preflight"};
    static const char *const errors[ANSWER_ERRORS] = {
        [ANSWER_INVALID_USERNAME] = "invalid_username",
        [ANSWER_NOT_LOGGED_IN] = "not_logged_in",
        [ANSWER_CROSS_SITE] = "cross_site",
        [ANSWER_NOT_FOUND] = "not_found",
        [ANSWER_METHOD_NOT_ALLOWED] = "method_not_allowed"};
    const char *said = d->action == ROUTE_ERROR ? errors[d->error] : actions[d->action];

    return said ? said : "an error that routes never decide";
}

static struct request plain(const char *method, struct slice path)
{
    return (struct request){.method = slice_text(method),
                            .path = path,
                            .scheme = SLICE("http"),
                            .host = SLICE("localhost:5000"),
                            .address = SLICE("127.0.0.1"),
                            .cookie = SLICE("session=" A)};
}

/* clang-format off */
static const struct {
    const char *method, *path, *word, *name;
} cases[] = {
    {"GET",       "/login/alice",                      "login",              "alice"      },
    {"POST",      "/login/alice",                      "login",              "alice"      },
    {"GET",       "/login/Alice.B-c_9",                "login",              "Alice.B-c_9"},
    {"GET",       "/login/9",                          "login",              "9"          },
    {"GET",       "/login/al%69ce",                    "login",              "alice"      },
    {"GET",       "/login/%41%4c%49%2D",               "login",              "ALI-"       },
    {"GET",       "/login/" NAME_32,                   "login",              NAME_32      },
    {"GET",
     "/login/%61"
     "2345678901234567890123456789012",                "login",              NAME_32      },
    {"GET",       "/logout/alice",                     "logout",             "alice"      },
    {"POST",      "/logout/ALICE",                     "logout",             "ALICE"      },
    {"GET",       "/session",                          "session",            ""           },
    /* Names. */
    {"GET",       "/login/",                           "invalid_username",   NULL         },
    {"GET",       "/login/" NAME_32 "3",               "invalid_username",   NULL         },
    {"GET",       "/login/" NAME_32 "%61",             "invalid_username",   NULL         },
    {"GET",       "/login/.",                          "invalid_username",   NULL         },
    {"GET",       "/login/..",                         "invalid_username",   NULL         },
    {"GET",       "/login/%2e%2e",                     "invalid_username",   NULL         },
    {"GET",       "/login/a%00b",                      "invalid_username",   NULL         },
    {"GET",       "/login/alice%00",                   "invalid_username",   NULL         },
    {"GET",       "/login/a%2fb",                      "invalid_username",   NULL         },
    {"GET",       "/login/a%2Fb",                      "invalid_username",   NULL         },
    {"GET",       "/login/a%5cb",                      "invalid_username",   NULL         },
    {"GET",       "/login/a\\b",                       "invalid_username",   NULL         },
    {"GET",       "/login/a%2561",                     "invalid_username",   NULL         },
    {"GET",       "/login/%",                          "invalid_username",   NULL         },
    {"GET",       "/login/a%",                         "invalid_username",   NULL         },
    {"GET",       "/login/a%6",                        "invalid_username",   NULL         },
    {"GET",       "/login/a%zz",                       "invalid_username",   NULL         },
    {"GET",       "/login/a%6g",                       "invalid_username",   NULL         },
    {"GET",       "/login/a+b",                        "invalid_username",   NULL         },
    {"GET",       "/login/a%20b",                      "invalid_username",   NULL         },
    {"GET",       "/login/a%0d%0ab",                   "invalid_username",   NULL         },
    {"GET",       "/login/a\r\nb",                     "invalid_username",   NULL         },
    {"GET",       "/login/-a",                         "invalid_username",   NULL         },
    {"GET",       "/login/_a",                         "invalid_username",   NULL         },
    {"GET",       "/login/a*",                         "invalid_username",   NULL         },
    {"GET",       "/login/a?",                         "invalid_username",   NULL         },
    {"GET",       "/login/{a}",                        "invalid_username",   NULL         },
    {"GET",       "/login/a:b",                        "invalid_username",   NULL         },
    {"GET",       "/login/j\xc3\xb6rg",                "invalid_username",   NULL         },
    {"GET",       "/login/j%C3%B6rg",                  "invalid_username",   NULL         },
    {"GET",       "/login/a%ff",                       "invalid_username",   NULL         },
    {"GET",       "/login/a%e2%80%8b",                 "invalid_username",   NULL         },
    {"GET",       "/login/group",                      "invalid_username",   NULL         },
    {"GET",       "/login/GROUP",                      "invalid_username",   NULL         },
    {"GET",       "/login/gro%75p",                    "invalid_username",   NULL         },
    {"GET",       "/login/__proto__",                  "invalid_username",   NULL         },
    {"GET",       "/logout/",                          "invalid_username",   NULL         },
    {"GET",       "/logout/a%00b",                     "invalid_username",   NULL         },
    /* Paths. */
    {"GET",       "",                                  "not_found",          NULL         },
    {"GET",       "/",                                 "not_found",          NULL         },
    {"GET",       "*",                                 "not_found",          NULL         },
    {"GET",       "/login",                            "not_found",          NULL         },
    {"GET",       "/logi",                             "not_found",          NULL         },
    {"GET",       "/loginalice",                       "not_found",          NULL         },
    {"GET",       "/LOGIN/alice",                      "not_found",          NULL         },
    {"GET",       "//login/alice",                     "not_found",          NULL         },
    {"GET",       "login/alice",                       "not_found",          NULL         },
    {"GET",       "/%6cogin/alice",                    "not_found",          NULL         },
    {"GET",       "/login/alice/",                     "not_found",          NULL         },
    {"GET",       "/login//alice",                     "not_found",          NULL         },
    {"GET",       "/login/../session",                 "not_found",          NULL         },
    {"GET",       "/session/",                         "not_found",          NULL         },
    {"GET",       "/sessions",                         "not_found",          NULL         },
    {"GET",       "/healthz",                          "not_found",          NULL         },
    {"GET",       "http://localhost:5000/login/alice", "not_found",          NULL         },
    /* Methods, before anything else is looked at. */
    {"HEAD",      "/login/alice",                      "method_not_allowed", NULL         },
    {"PUT",       "/login/alice",                      "method_not_allowed", NULL         },
    {"get",       "/login/alice",                      "method_not_allowed", NULL         },
    {"GE",        "/login/alice",                      "method_not_allowed", NULL         },
    {"GET, POST", "/login/alice",                      "method_not_allowed", NULL         },
    {"",          "/login/alice",                      "method_not_allowed", NULL         },
    {"DELETE",    "/login/..",                         "method_not_allowed", NULL         },
    {"HEAD",      "/logout/alice",                     "method_not_allowed", NULL         },
    {"HEAD",      "/session",                          "method_not_allowed", NULL         },
    {"POST",      "/session",                          "method_not_allowed", NULL         },
    {"OPTIONS",   "/session",                          "method_not_allowed", NULL         },
    {"HEAD",      "/",                                 "not_found",          NULL         },
};
/* clang-format on */

static void decisions_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].path);
        char *path = malloc(n > 0 ? n : 1); /* of exact length: over-reads are seen */
        struct decision d;
        assert_non_null(path);
        memcpy(path, cases[i].path, n);
        struct request req = plain(cases[i].method, (struct slice){path, n});
        route_decide(&req, "", &d);
        if (strcmp(word(&d), cases[i].word) != 0) {
            fail_msg("%s %s: %s", cases[i].method, cases[i].path, word(&d));
        }
        if (cases[i].name && strcmp(d.name, cases[i].name) != 0) {
            fail_msg("%s %s: name %s", cases[i].method, cases[i].path, d.name);
        }
        free(path);
    }
}

static void a_real_nul_in_the_path_is_no_end(void **state)
{
    struct decision d;
    struct request req = plain("GET", SLICE("/login/alice\0"));

    (void)state;
    route_decide(&req, "", &d);
    assert_string_equal(word(&d), "invalid_username");
    req = plain("GET", SLICE("/session\0"));
    route_decide(&req, "", &d);
    assert_string_equal(word(&d), "not_found");
}

static void allow_names_the_methods_of_the_route(void **state)
{
    struct decision d;
    struct request req = plain("PUT", SLICE("/login/alice"));

    (void)state;
    route_decide(&req, "", &d);
    assert_string_equal(d.methods, "GET, POST");
    req.path = SLICE("/logout/alice");
    route_decide(&req, "", &d);
    assert_string_equal(d.methods, "GET, POST");
    req.path = SLICE("/session");
    route_decide(&req, "", &d);
    assert_string_equal(d.methods, "GET");
}

static const struct {
    const char *label, *scheme, *cookie, *authorization, *token; /* token NULL: not_logged_in */
} tokens[] = {
    {"none",                    "http",  "",                  "",                NULL},
    {"cookie",                  "http",  "session=" A,        "",                A   },
    {"cookie over https",       "https", "__Host-session=" A, "",                A   },
    {"http cookie over https",  "https", "session=" A,        "",                NULL},
    {"https cookie over http",  "http",  "__Host-session=" A, "",                NULL},
    {"bearer",                  "http",  "",                  "Bearer " B,       B   },
    {"bearer in any case",      "http",  "",                  "bEARER  " B " ",  B   },
    {"bearer beats the cookie", "http",  "session=" A,        "Bearer " B,       B   },
    {"bad bearer, good cookie", "http",  "session=" A,        "Bearer x",        NULL},
    {"empty bearer",            "http",  "session=" A,        "Bearer",          NULL},
    {"bearer and space",        "http",  "session=" A,        "Bearer ",         NULL},
    {"another scheme",          "http",  "session=" A,        "Basic " B,        A   },
    {"a longer word",           "http",  "session=" A,        "Bearers " B,      A   },
    {"two tokens",              "http",  "",                  "Bearer " A " " B, NULL},
    {"token alone",             "http",  "",                  B,                 NULL},
    {"cookie one short",        "http",  "session=" SHORT,    "",                NULL},
    {"cookie one long",         "http",  "session=" A "a",    "",                NULL},
    {"cookie, bad character",   "http",  "session=+" SHORT,   "",                NULL},
};

static void expect_token(size_t i, const char *path, const char *good)
{
    struct decision d;
    struct request req = plain("GET", slice_text(path));

    req.scheme = slice_text(tokens[i].scheme);
    req.cookie = slice_text(tokens[i].cookie);
    req.authorization = slice_text(tokens[i].authorization);
    route_decide(&req, "", &d);
    if (strcmp(word(&d), tokens[i].token ? good : "not_logged_in") != 0) {
        fail_msg("%s, %s: %s", tokens[i].label, path, word(&d));
    }
    if (tokens[i].token && !slice_equal(d.token, slice_text(tokens[i].token))) {
        fail_msg("%s, %s: %.*s", tokens[i].label, path, (int)d.token.len, d.token.ptr);
    }
}

static void tokens_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        expect_token(i, "/logout/alice", "logout");
        expect_token(i, "/session", "session");
    }
}

static void a_bad_name_is_told_before_a_missing_token(void **state)
{
    struct decision d;
    struct request req = plain("GET", SLICE("/logout/.."));

    (void)state;
    req.cookie = SLICE("");
    route_decide(&req, "", &d);
    assert_string_equal(word(&d), "invalid_username");
}

static const struct {
    const char *method, *path, *origin, *word;
    bool cors;
} origins[] = {
    {"GET",     "/login/alice",  "",                       "login",              false},
    {"GET",     "/login/alice",  "http://localhost:5000",  "login",              false},
    {"GET",     "/login/alice",  "https://localhost:5000", "cross_site",         false},
    {"GET",     "/login/alice",  "null",                   "cross_site",         false},
    {"GET",     "/login/alice",  "https://evil.example",   "cross_site",         false},
    {"GET",     "/logout/alice", "https://evil.example",   "cross_site",         false},
    {"GET",     "/session",      "https://evil.example",   "cross_site",         false},
    {"GET",     "/login/alice",  LISTED,                   "login",              true },
    {"GET",     "/login/..",     LISTED,                   "invalid_username",   true },
    {"GET",     "/nothing",      LISTED,                   "not_found",          true },
    {"PUT",     "/login/alice",  LISTED,                   "method_not_allowed", true },
    {"OPTIONS", "/login/alice",  LISTED,                   "preflight",          true },
    {"OPTIONS", "/login/..",     LISTED,                   "preflight",          true },
    {"OPTIONS", "/session",      LISTED,                   "preflight",          true },
    {"OPTIONS", "/nothing",      LISTED,                   "not_found",          true },
    {"OPTIONS", "/login/alice",  "https://evil.example",   "cross_site",         false},
    {"OPTIONS", "/login/alice",  "null",                   "cross_site",         false},
    {"OPTIONS", "/login/alice",  "",                       "method_not_allowed", false},
    {"OPTIONS", "/login/alice",  "http://localhost:5000",  "method_not_allowed", false},
};

static void origins_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        struct decision d;
        struct request req = plain(origins[i].method, slice_text(origins[i].path));
        req.origin = slice_text(origins[i].origin);
        route_decide(&req, LISTED, &d);
        if (strcmp(word(&d), origins[i].word) != 0 || d.listed_origin != origins[i].cors) {
            fail_msg("%s %s from %s: %s, cors %d", origins[i].method, origins[i].path,
                     origins[i].origin, word(&d), d.listed_origin);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_follow_the_table),
        cmocka_unit_test(a_real_nul_in_the_path_is_no_end),
        cmocka_unit_test(allow_names_the_methods_of_the_route),
        cmocka_unit_test(tokens_follow_the_table),
        cmocka_unit_test(a_bad_name_is_told_before_a_missing_token),
        cmocka_unit_test(origins_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
