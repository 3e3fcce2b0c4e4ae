/* test_resume.c - where a client left off: what counts, and what counts as absent */
#include "gateway-svc/app/resume.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define C10 "0123456789"
#define C60 C10 C10 C10 C10 C10 C10

static const struct {
    const char *auth;
    const char *wanted; /* the id, or "-", then the cursor */
} rows[] = {
    {"",                                          "- "              },
    {"{}",                                        "- "              },
    {"[]",                                        "- "              },
    {"{\"last_id\":",                             "- "              },
    {"{\"token\":\"t\",\"last_id\":7}",           "7 "              },
    {"{\"last_id\":0}",                           "0 "              },
    {"{\"last_id\":999999999999999}",             "999999999999999 "},
    {"{\"last_id\":1000000000000000}",            "- "              },
    {"{\"last_id\":99999999999999999999999}",     "- "              },
    {"{\"last_id\":-1}",                          "- "              },
    {"{\"last_id\":-0}",                          "- "              },
    {"{\"last_id\":1.0}",                         "- "              },
    {"{\"last_id\":1e3}",                         "- "              },
    {"{\"last_id\":\"7\"}",                       "- "              },
    {"{\"last_id\":null}",                        "- "              },
    {"{\"last_id\":7,\"last_id\":8}",             "- "              },
    {"{\"presence\":\"e1.5\"}",                   "- e1.5"          },
    {"{\"last_id\":7,\"presence\":\"e1.5\"}",     "7 e1.5"          },
    {"{\"last_id\":[],\"presence\":\"e1.5\"}",    "- e1.5"          },
    {"{\"last_id\":7,\"presence\":5}",            "7 "              },
    {"{\"last_id\":7,\"presence\":\"\"}",         "7 "              },
    {"{\"last_id\":7,\"presence\":\"a\\ud800\"}", "7 "              },
    {"{\"presence\":\"" C60 "123\"}",             "- " C60 "123"    },
    {"{\"presence\":\"" C60 "1234\"}",            "- "              },
};

static void what_counts_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct slice auth = exact_copy(slice_text(rows[i].auth));
        char text[128], id[24] = "-";
        print_message("  %s\n", rows[i].auth);
        struct resume resume = resume_parse(auth);
        exact_free(auth);
        if (resume.has_last_id) {
            snprintf(id, sizeof id, "%llu", (unsigned long long)resume.last_id);
        }
        snprintf(text, sizeof text, "%s %s", id, resume.cursor);
        assert_string_equal(text, rows[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_counts_follows_the_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
