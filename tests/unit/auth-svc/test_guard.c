/* test_guard.c - which pages may make a request */
#include "auth-svc/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after those it needs */
#include <cmocka.h>

#define OWN "http://localhost:5000"
#define LISTED "https://page.example"
#define FOREIGN "https://evil.example"

static const struct {
    const char *label, *origin, *fetch_site, *purpose, *older_purpose;
    bool passes;
} cases[] = {
    {"none of the headers",  "",      "",                 "",                   "",         true },
    {"typed in",             "",      "none",             "",                   "",         true },
    {"fetch by our page",    "",      "same-origin",      "",                   "",         true },
    {"POST by our own page", OWN,     "same-origin",      "",                   "",         true },
    {"older browser, own",   OWN,     "",                 "",                   "",         true },
    {"own, odd redirect",    OWN,     "cross-site",       "",                   "",         true },
    {"link elsewhere",       "",      "cross-site",       "",                   "",         false},
    {"link on a neighbour",  "",      "same-site",        "",                   "",         false},
    {"unknown word",         "",      "whatever",         "",                   "",         false},
    {"word in capitals",     "",      "None",             "",                   "",         false},
    {"two words",            "",      "none, cross-site", "",                   "",         false},
    {"form of another site", FOREIGN, "cross-site",       "",                   "",         false},
    {"older, other",         FOREIGN, "",                 "",                   "",         false},
    {"other claims none",    FOREIGN, "none",             "",                   "",         false},
    {"sandboxed frame",      "null",  "cross-site",       "",                   "",         false},
    {"listed page",          LISTED,  "cross-site",       "",                   "",         true },
    {"older, listed",        LISTED,  "",                 "",                   "",         true },
    {"prefetch",             "",      "none",             "prefetch",           "",         false},
    {"prerender",            "",      "none",             "prefetch;prerender", "",         false},
    {"prefetch by proxy",    "",      "",                 "prefetch; proxied",  "",         false},
    {"prefetch in a list",   "",      "",                 "other, Prefetch",    "",         false},
    {"older header",         "",      "",                 "",                   "prefetch", false},
    {"prefetch, own page",   OWN,     "same-origin",      "prefetch",           "",         false},
    {"prefetch, listed",     LISTED,  "cross-site",       "prefetch",           "",         false},
    {"another purpose",      "",      "none",             "prefetcher",         "preview",  true },
};

static void the_guard_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct request req = {.scheme = SLICE("http"),
                                    .host = SLICE("localhost:5000"),
                                    .origin = slice_text(cases[i].origin),
                                    .fetch_site = slice_text(cases[i].fetch_site),
                                    .purpose = slice_text(cases[i].purpose),
                                    .older_purpose = slice_text(cases[i].older_purpose)};
        if (guard_passes(&req, guard_origin(&req, LISTED)) != cases[i].passes) {
            fail_msg("%s should %s", cases[i].label, cases[i].passes ? "pass" : "be refused");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_guard_follows_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
