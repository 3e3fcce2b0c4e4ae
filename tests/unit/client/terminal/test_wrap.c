/* test_wrap.c - texts cut into rows */
#include "client/terminal/wrap.h"
#include "tests/support/exact_copy.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* clang-format off */
static const struct {
    const char *label;
    struct wrap wrap;
    const char *text;
    const char *rows; /* with | between them */
} cases[] = {
    {"empty",                {5, 0}, "",             ""             },
    {"fits",                 {5, 0}, "abcde",        "abcde"        },
    {"one more",             {5, 0}, "abcdef",       "abcde|f"      },
    {"at a blank",           {5, 0}, "ab cde",       "ab|cde"       },
    {"blank at the edge",    {5, 0}, "abcde f",      "abcde|f"      },
    {"blanks at the edge",   {5, 0}, "abcde   f",    "abcde|f"      },
    {"line feed",            {5, 0}, "a\nb",         "a|b"          },
    {"two line feeds",       {5, 0}, "a\n\nb",       "a||b"         },
    {"line feed at the end", {5, 0}, "a\n",          "a"            },
    {"indent",               {6, 2}, "abcdefghij",   "abcdef|ghij"  },
    {"indent, then more",    {6, 2}, "abcdefghijk",  "abcdef|ghij|k"},
    {"CJK is not cut",       {5, 0}, "漢漢漢",    "漢漢|漢"   },
    {"wider than the row",   {1, 0}, "漢a",         "漢|a"        },
    {"accents stay",
     {2, 0},
     "e\xcc\x81"
     "ab",                                           "e\xcc\x81"
     "a|b"                                                },
    {"an escape is whole",   {5, 0}, "ab\x1b",       "ab|\x1b"      },
    {"an accented blank",    {3, 0}, "abc \xcc\x81", "abc| \xcc\x81"},
    {"long word",            {4, 0}, "a bcdefgh",    "a|bcde|fgh"   },
};
/* clang-format on */

/* Appends its rows; returns how many there are. */
static unsigned print_rows(struct slice rest, struct wrap wrap, struct buf *rows)
{
    unsigned count = 0;
    do {
        buf_append(rows, count > 0 ? SLICE("|") : SLICE(""));
        buf_append(rows, wrap_next(&rest, wrap, count == 0));
        count++;
    } while (rest.len > 0);
    return count;
}

static void rows_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice text = exact_copy(slice_text(cases[i].text));
        struct buf rows;
        buf_init(&rows, 256);
        unsigned count = print_rows(text, cases[i].wrap, &rows);
        if (!slice_equal(buf_slice(&rows), slice_text(cases[i].rows)) ||
            wrap_count(text, cases[i].wrap) != count) {
            fail_msg("%s: %s", cases[i].label, rows.ptr ? rows.ptr : "");
        }
        buf_deinit(&rows);
        exact_free(text);
    }
}

static int choose_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_follow_the_table),
    };
    return cmocka_run_group_tests(tests, choose_locale, NULL);
}
