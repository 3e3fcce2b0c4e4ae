/* test_edit.c - the line that is being typed, and those that were */
#include "client/terminal/edit.h"
#include "client/terminal/history.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* In keys: < > left, right; [ ] home, end; { } words; B backspace, D delete; U K W kill. */
/* clang-format off */
static const struct {
    const char *text, *keys, *result; /* | stands at the cursor */
} cases[] = {
    {"abc",        "",            "abc|"       },
    {"abc",        "<",           "ab|c"       },
    {"abc",        "<>>",         "abc|"       },
    {"abc",        "<<<<",        "|abc"       },
    {"abc",        "[",           "|abc"       },
    {"abc",        "[]",          "abc|"       },
    {"abc",        "B",           "ab|"        },
    {"abc",        "[B",          "|abc"       },
    {"abc",        "[D",          "|bc"        },
    {"abc",        "D",           "abc|"       },
    {"a\xcc\x81z", "<<",          "|a\xcc\x81z"},
    {"za\xcc\x81", "B",           "z|"         },
    {"漢字",     "<B",          "|字"       },
    {"one two",    "{",           "one |two"   },
    {"one two",    "{{",          "|one two"   },
    {"one two",    "[}",          "one| two"   },
    {"one two",    "[}}",         "one two|"   },
    {"one two",    "W",           "one |"      },
    {"one two  ",  "W",           "one |"      },
    {"one two",    "{U",          "|two"       },
    {"one two",    "{K",          "one |"      },
    {"",           "<>BDUKW{}[]", "|"          },
};
/* clang-format on */

static void press(struct edit *e, char key)
{
    static const char keys[] = "<>[]{}BDUKW";
    static const enum edit_key meanings[] = {EDIT_LEFT,        EDIT_RIGHT,     EDIT_HOME,
                                             EDIT_END,         EDIT_WORD_LEFT, EDIT_WORD_RIGHT,
                                             EDIT_BACKSPACE,   EDIT_DELETE,    EDIT_KILL_BEFORE,
                                             EDIT_KILL_BEHIND, EDIT_KILL_WORD};
    edit_key(e, meanings[strchr(keys, key) - keys]);
}

static void keys_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct edit e;
        struct buf result;
        edit_init(&e);
        buf_init(&result, EDIT_MAX + 1);
        assert_true(edit_insert(&e, slice_text(cases[i].text)));
        for (const char *key = cases[i].keys; *key; key++) {
            press(&e, *key);
        }
        buf_append(&result, slice_head(buf_slice(&e.text), e.cursor));
        buf_byte(&result, '|');
        buf_append(&result, slice_tail(buf_slice(&e.text), e.cursor));
        if (!slice_equal(buf_slice(&result), slice_text(cases[i].result))) {
            fail_msg("%s %s: %s", cases[i].text, cases[i].keys, result.ptr);
        }
        buf_deinit(&result);
        edit_deinit(&e);
    }
}

static void a_full_line_takes_nothing_more(void **state)
{
    struct edit e;
    (void)state;
    edit_init(&e);
    for (size_t i = 0; i < EDIT_MAX; i++) {
        assert_true(edit_insert(&e, SLICE("x")));
    }
    assert_false(edit_insert(&e, SLICE("x")));
    edit_key(&e, EDIT_BACKSPACE);
    assert_false(edit_insert(&e, SLICE("ü")));
    assert_true(edit_insert(&e, SLICE("y")));
    assert_int_equal(e.text.len, EDIT_MAX);
    edit_deinit(&e);
}

static void the_window_holds_the_cursor(void **state)
{
    struct edit e;
    unsigned column;
    (void)state;
    edit_init(&e);
    edit_set(&e, SLICE("ab漢字cd"));
    assert_true(slice_equal(edit_window(&e, 20, &column), SLICE("ab漢字cd")));
    assert_int_equal(column, 8);
    assert_true(slice_equal(edit_window(&e, 5, &column), SLICE("字cd")));
    assert_int_equal(column, 4);
    edit_key(&e, EDIT_HOME);
    assert_true(slice_equal(edit_window(&e, 5, &column), SLICE("ab漢")));
    assert_int_equal(column, 0);
    edit_deinit(&e);
}

/* ---- History ---- */

static void up_and_down_go_through_the_lines(void **state)
{
    struct history h;
    struct slice line;
    (void)state;
    history_init(&h);
    assert_false(history_move(&h, true, SLICE("typed"), &line));
    history_add(&h, SLICE("one"));
    history_add(&h, SLICE("two"));
    history_add(&h, SLICE("two"));
    history_add(&h, SLICE(""));
    assert_false(history_move(&h, false, SLICE("typed"), &line));
    assert_true(history_move(&h, true, SLICE("typed"), &line));
    assert_true(slice_equal(line, SLICE("two")));
    assert_true(history_move(&h, true, line, &line));
    assert_true(slice_equal(line, SLICE("one")));
    assert_false(history_move(&h, true, line, &line));
    assert_true(history_move(&h, false, line, &line));
    assert_true(history_move(&h, false, line, &line));
    assert_true(slice_equal(line, SLICE("typed")));
    assert_false(history_move(&h, false, line, &line));
    history_deinit(&h);
}

static void the_oldest_line_goes(void **state)
{
    struct history h;
    struct slice line;
    char text[32];
    (void)state;
    history_init(&h);
    for (int i = 0; i <= HISTORY_MAX; i++) {
        (void)snprintf(text, sizeof text, "line %d", i);
        history_add(&h, slice_text(text));
    }
    for (int i = 0; i < HISTORY_MAX; i++) {
        assert_true(history_move(&h, true, SLICE(""), &line));
    }
    assert_true(slice_equal(line, SLICE("line 1")));
    assert_false(history_move(&h, true, SLICE(""), &line));
    history_deinit(&h);
}

static int choose_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_follow_the_table),
        cmocka_unit_test(a_full_line_takes_nothing_more),
        cmocka_unit_test(the_window_holds_the_cursor),
        cmocka_unit_test(up_and_down_go_through_the_lines),
        cmocka_unit_test(the_oldest_line_goes),
    };
    return cmocka_run_group_tests(tests, choose_locale, NULL);
}
