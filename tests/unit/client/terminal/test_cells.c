/* test_cells.c - what is shown of a text, and how wide it is */
#include "client/terminal/cells.h"
#include "tests/support/exact_copy.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* clang-format off */
static const struct {
    const char *label;
    struct slice text;
    const char *shown;
    unsigned width;
} cases[] = {
    {"empty",               SLICE_INIT(""),               "",                0 },
    {"ASCII",               SLICE_INIT("abc"),            "abc",             3 },
    {"umlaut",              SLICE_INIT("ü"),             "ü",              1 },
    {"CJK",                 SLICE_INIT("漢字"),         "漢字",          4 },
    {"emoji",               SLICE_INIT("😀"),           "😀",            2 },
    {"accent",              SLICE_INIT("e\xcc\x81"),      "e\xcc\x81",       1 },
    {"accent alone",        SLICE_INIT("\xcc\x81"),       " \xcc\x81",       1 },
    {"family, no joiners",  SLICE_INIT("👩\u200d👧"), "👩👧",        4 },
    {"variation selector",  SLICE_INIT("❤\ufe0f"),      "❤",             1 },
    {"joiner alone",        SLICE_INIT("\u200d"),         "",                0 },
    {"byte order mark",     SLICE_INIT("\ufeffa"),        "a",               1 },
    {"Hebrew",              SLICE_INIT("שלום"),       "שלום",        4 },
    {"escape",              SLICE_INIT("\x1b[31m"),       "\\x1b[31m",       8 },
    {"NUL",                 SLICE_INIT("\0"),             "\\x00",           4 },
    {"line feed",           SLICE_INIT("a\nb"),           "a\\x0ab",         6 },
    {"tab",                 SLICE_INIT("\t"),             "\\x09",           4 },
    {"DEL",                 SLICE_INIT("\x7f"),           "\\x7f",           4 },
    {"CSI of C1",           SLICE_INIT("\xc2\x9b"),       "\\u009b",         6 },
    {"first of C1",         SLICE_INIT("\xc2\x80"),       "\\u0080",         6 },
    {"last of C1",          SLICE_INIT("\xc2\x9f"),       "\\u009f",         6 },
    {"behind C1",           SLICE_INIT("\xc2\xa1"),       "¡",              1 },
    {"override",            SLICE_INIT("\u202e"),         "\\u202e",         6 },
    {"isolate",             SLICE_INIT("\u2066"),         "\\u2066",         6 },
    {"mark of direction",   SLICE_INIT("\u200f"),         "\\u200f",         6 },
    {"Arabic mark",         SLICE_INIT("\u061c"),         "\\u061c",         6 },
    {"line separator",      SLICE_INIT("\u2028"),         "\\u2028",         6 },
    {"tag",                 SLICE_INIT("a\U000e0041"),    "a",               1 },
    {"not assigned",        SLICE_INIT("\U0003ffff"),     "\\U0003ffff",     10},
    {"byte, no UTF-8",      SLICE_INIT("a\x9b"),          "a\\x9b",          5 },
    {"cut character",       SLICE_INIT("\xe6\xbc"),       "\\xe6\\xbc",      8 },
    {"surrogate",           SLICE_INIT("\xed\xa0\x80"),   "\\xed\\xa0\\x80", 12},
    {"overlong",            SLICE_INIT("\xc0\x9b"),       "\\xc0\\x9b",      8 },
    {"escape, then accent", SLICE_INIT("\x1b\xcc\x81"),   "\\x1b \xcc\x81",  5 },
};
/* clang-format on */

static void texts_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice text = exact_copy(cases[i].text);
        struct buf out;
        buf_init(&out, 256);
        assert_true(cells_print(&out, text));
        if (!slice_equal(buf_slice(&out), slice_text(cases[i].shown)) ||
            cells_width(text) != cases[i].width) {
            fail_msg("%s: %s, width %u", cases[i].label, out.ptr ? out.ptr : "", cells_width(text));
        }
        buf_deinit(&out);
        exact_free(text);
    }
}

/* Any C0 and C1 control, wherever it stands. */
static void no_control_gets_through(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0xa0; c++) {
        char text[] = {'a', (char)(c < 0x80 ? c : 0xc2), (char)c, 'z'};
        size_t len = c < 0x80 ? 2 : 4;
        struct buf out;
        buf_init(&out, 64);
        assert_true(cells_print(&out, (struct slice){text, len}));
        for (size_t i = 0; i < out.len; i++) {
            assert_true(out.ptr[i] >= ' ' && out.ptr[i] != 0x7f);
        }
        buf_deinit(&out);
    }
}

static void marks_are_bounded(void **state)
{
    struct slice text = SLICE("a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81z"), rest = text;
    struct cell cell;
    (void)state;
    assert_true(cell_next(&rest, &cell));
    assert_int_equal(cell.shown_len, 1 + 2 * CELL_MARKS_MAX);
    assert_int_equal(cell.bytes.len, 13);
    assert_int_equal(rest.len, 1);
}

static void marks_that_stand_alone_are_bounded_alike(void **state)
{
    struct slice rest = SLICE("\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81");
    struct cell cell;
    (void)state;
    assert_true(cell_next(&rest, &cell));
    assert_int_equal(cell.shown_len, 1 + 2 * CELL_MARKS_MAX);
    assert_int_equal(rest.len, 0);
}

static void heads_end_between_cells(void **state)
{
    static const size_t lengths[] = {0, 1, 1, 4, 7, 7}; /* of "a漢e\u0301" in 0.. columns */
    (void)state;
    for (unsigned columns = 0; columns < ROWS(lengths); columns++) {
        assert_int_equal(cells_head(SLICE("a漢e\xcc\x81"), columns).len, lengths[columns]);
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
        cmocka_unit_test(texts_follow_the_table),
        cmocka_unit_test(no_control_gets_through),
        cmocka_unit_test(marks_are_bounded),
        cmocka_unit_test(marks_that_stand_alone_are_bounded_alike),
        cmocka_unit_test(heads_end_between_cells),
    };
    return cmocka_run_group_tests(tests, choose_locale, NULL);
}
