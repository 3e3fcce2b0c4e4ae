/* test_view.c - what has been said, and the part of it that is on the screen */
#include "client/terminal/view.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINES 4
#define COLUMNS 6

struct pane {
    struct story *story;
    struct view view;
    char lines[LINES][COLUMNS * 4 + 1];
};

static int open_pane(void **state)
{
    struct pane *p = calloc(1, sizeof *p);
    p->story = story_new();
    view_init(&p->view, p->story);
    view_resize(&p->view, COLUMNS, LINES, 2);
    *state = p;
    return 0;
}

static int close_pane(void **state)
{
    struct pane *p = *state;
    view_deinit(&p->view);
    story_free(p->story);
    free(p);
    return 0;
}

static void on_row(void *ctx, unsigned line, const struct view_row *row)
{
    struct pane *p = ctx;
    (void)snprintf(p->lines[line], sizeof p->lines[line], "%s%*s%.*s", row->hit ? "*" : "",
                   (int)row->indent, "", (int)row->text.len, row->text.ptr);
}

/* Rows with | between them. */
static void expect(struct pane *p, const char *rows)
{
    char shown[LINES * (COLUMNS * 4 + 2)] = "";
    memset(p->lines, 0, sizeof p->lines);
    view_show(&p->view, on_row, p);
    for (size_t i = 0; i < LINES; i++) {
        size_t n = strlen(shown);
        (void)snprintf(shown + n, sizeof shown - n, "%s%s", i > 0 ? "|" : "", p->lines[i]);
    }
    assert_string_equal(shown, rows);
}

static void say(struct pane *p, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "m%d", i);
        (void)story_add(p->story, STORY_PLAIN, 0, slice_text(text));
    }
}

static void it_follows_the_end(void **state)
{
    struct pane *p = *state;
    expect(p, "|||");
    say(p, 1, 1);
    expect(p, "|||m1");
    say(p, 2, 5);
    expect(p, "m2|m3|m4|m5");
    (void)story_add(p->story, STORY_PLAIN, 0, SLICE("longer one"));
    expect(p, "m4|m5|longer|  one");
}

static void scrolled_up_it_stays(void **state)
{
    struct pane *p = *state;
    say(p, 1, 8);
    expect(p, "m5|m6|m7|m8");
    view_scroll(&p->view, 2);
    expect(p, "m3|m4|m5|m6");
    say(p, 9, 10);
    expect(p, "m3|m4|m5|m6");
    assert_int_equal(view_unseen(&p->view), 2);
    view_scroll(&p->view, 100);
    expect(p, "m1|m2|m3|m4");
    view_scroll(&p->view, -1);
    expect(p, "m2|m3|m4|m5");
    view_scroll(&p->view, -100);
    expect(p, "m7|m8|m9|m10");
    assert_int_equal(view_unseen(&p->view), 0);
    say(p, 11, 11);
    expect(p, "m8|m9|m10|m11");
    view_to_start(&p->view);
    expect(p, "m1|m2|m3|m4");
    view_to_end(&p->view);
    expect(p, "m8|m9|m10|m11");
}

static void rows_of_an_entry_scroll_too(void **state)
{
    struct pane *p = *state;
    (void)story_add(p->story, STORY_PLAIN, 0, SLICE("a b\nc d\ne f\ng h\ni j\nk l"));
    expect(p, "  e f|  g h|  i j|  k l");
    view_scroll(&p->view, 1);
    expect(p, "  c d|  e f|  g h|  i j");
    view_scroll(&p->view, 9);
    expect(p, "a b|  c d|  e f|  g h");
}

static void another_width(void **state)
{
    struct pane *p = *state;
    (void)story_add(p->story, STORY_PLAIN, 0, SLICE("abcdefghij"));
    say(p, 1, 2);
    expect(p, "abcdef|  ghij|m1|m2");
    view_resize(&p->view, 3, LINES, 2); /* too narrow for an indent */
    expect(p, "ghi|j|m1|m2");
    view_resize(&p->view, 20, 2, 2);
    p->view.lines = LINES;
    expect(p, "|abcdefghij|m1|m2");
}

static void search_goes_both_ways(void **state)
{
    struct pane *p = *state;
    say(p, 1, 30);
    assert_true(view_search(&p->view, SLICE("M1"), true)); /* in any case */
    expect(p, "m18|*m19|m20|m21");
    assert_true(view_search(&p->view, SLICE(""), true));
    expect(p, "m17|*m18|m19|m20");
    assert_true(view_search(&p->view, SLICE(""), false));
    assert_false(view_search(&p->view, SLICE(""), false));
    expect(p, "m18|*m19|m20|m21");
    view_search_end(&p->view);
    expect(p, "m18|m19|m20|m21");
    assert_false(view_search(&p->view, SLICE("nothing"), true));
}

static void own_ones_change(void **state)
{
    struct pane *p = *state;
    (void)story_add(p->story, STORY_WAITING, 7, SLICE("wait"));
    say(p, 1, 1);
    assert_true(story_change(p->story, 7, STORY_OWN, SLICE("sent")));
    assert_false(story_change(p->story, 8, STORY_OWN, SLICE("sent")));
    expect(p, "||sent|m1");
}

static void the_oldest_go(void **state)
{
    struct pane *p = *state;
    say(p, 1, STORY_MAX);
    assert_int_equal(story_first(p->story), 1);
    view_to_start(&p->view);
    say(p, STORY_MAX + 1, STORY_MAX + 3);
    assert_int_equal(story_first(p->story), 4);
    assert_null(story_entry(p->story, 3));
    expect(p, "m4|m5|m6|m7"); /* as much of what was shown as is left */
}

static void long_texts_go_earlier(void **state)
{
    struct pane *p = *state;
    size_t len = STORY_BYTES_MAX / 32;
    char *text = calloc(1, len);
    assert_non_null(text);
    memset(text, 'x', len);
    for (int i = 0; i < 33; i++) {
        (void)story_add(p->story, STORY_PLAIN, 0, (struct slice){text, len});
    }
    assert_int_equal(story_first(p->story), 2);
    assert_int_equal(story_last(p->story), 33);
    free(text);
}

static int choose_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

#define IN_PANE(test) cmocka_unit_test_setup_teardown(test, open_pane, close_pane)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PANE(it_follows_the_end),
        IN_PANE(scrolled_up_it_stays),
        IN_PANE(rows_of_an_entry_scroll_too),
        IN_PANE(another_width),
        IN_PANE(search_goes_both_ways),
        IN_PANE(own_ones_change),
        IN_PANE(the_oldest_go),
        IN_PANE(long_texts_go_earlier),
    };
    return cmocka_run_group_tests(tests, choose_locale, NULL);
}
