/* test_relay_replay.c - what one client missed, asked for in pages */
#include "tests/support/relay_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *label, *head;
    int ids[3]; /* of messages to a */
    const char *told;
} pages[] = {
    {"nothing",             "ok|e1|120|1|0|120", {0},             "page ok now=120 whole next=120 | "         },
    {"the last page",       "ok|e1|120|1|0|120", {111, 115},      "page ok now=120 whole next=120 111 115 | " },
    {"of several",          "ok|e1|120|1|1|115", {111, 115},      "page ok now=120 whole next=115+ 111 115 | "},
    {"holed",               "ok|e1|120|0|0|120", {111},           "page ok now=120 holed<=111 next=120 111 | "},
    {"its oldest are gone",
     "ok|e1|120|0|1|117",                        {115, 117},
     "page ok now=120 holed<=114 next=117+ 115 117 | "                                                        },
    {"an older one",        "ok|e1|120|1|0|120", {110, 111},      "page ok now=120 holed<=120 next=120 111 | "},
    {"twice",               "ok|e1|120|1|0|120", {111, 111},      "page ok now=120 holed<=120 next=120 111 | "},
    {"descending",
     "ok|e1|120|1|0|120",                        {115, 111, 120},
     "page ok now=120 holed<=120 next=120 115 120 | "                                                         },
    {"from the future",
     "ok|e1|120|1|0|120",                        {111, 121},
     "page ok now=120 holed<=120 next=120 111 | "                                                             },
    {"no next",             "ok|e1|120|1|1|110", {111},           "page ok now=120 holed<=120 next=120 111 | "},
    {"next is too low",
     "ok|e1|120|1|1|112",                        {111, 115},
     "page ok now=120 holed<=120 next=120 111 115 | "                                                         },
    {"next is too high",    "ok|e1|120|1|1|121", {111},           "page ok now=120 holed<=120 next=120 111 | "},
    {"before it",           "ok|e1|90|0|0|90",   {0},             "page ok now=90 holed<=111 next=90 | "      },
    {"cut short",           "ok|e1|120|1|0",     {0},             "page refused | "                           },
    {"unknown",             "unknown|e1",        {0},             "page refused | "                           },
    {"one word",            "ok",                {0},             "page refused | "                           },
};

static void pages_are_taken_apart(void **state)
{
    struct relay *r = *state;
    struct session *a = sessions_find(r->sessions, slice_text(script_hash('a')));
    for (size_t i = 0; i < ROWS(pages); i++) {
        const char *texts[3] = {NULL};
        print_message("  %s\n", pages[i].label);
        for (size_t k = 0; k < 3 && pages[i].ids[k]; k++) {
            texts[k] = script_message(pages[i].ids[k], 'b', 'a');
        }
        assert_true(script_replay(a, 110));
        CALLS("parley_replay gw 1 aaa* 110 all");
        script_answer(pages[i].head, texts[0], texts[1], texts[2]);
        TOLD(pages[i].told);
    }
}

static void what_is_no_message_is_left_out_of_a_page(void **state)
{
    struct relay *r = *state;
    script_replay(sessions_at(r->sessions, 0), 110);
    script_answer("ok|e1|120|1|0|120", "111 x", script_message(112, 'b', 'a'), "");
    TOLD("page ok now=120 holed<=120 next=120 112 | ");
}

static void a_page_has_at_most_64_messages(void **state)
{
    struct relay *r = *state;
    for (int count = 64; count <= 65; count++) {
        char text[16384];
        size_t used = (size_t)snprintf(text, sizeof text, "ok|e1|300|1|0|300");
        for (int i = 0; i < count; i++) {
            used += (size_t)snprintf(text + used, sizeof text - used, "|%s",
                                     script_message(111 + i, 'b', '*'));
        }
        script_replay(sessions_at(r->sessions, 0), 110);
        fake_answer(text);
        const char *told = script_told();
        assert_int_equal(strncmp(told, "page ok", 7) == 0, count == 64);
    }
}

static void a_page_that_does_not_come(void **state)
{
    struct relay *r = *state;
    struct session *a = sessions_at(r->sessions, 0);
    script_replay(a, 110);
    fake_answer_error("OOM");
    TOLD("page refused | ");
    script_replay(a, 110);
    fake_answer("link|e1");
    TOLD("page lost | ");
    assert_false(script_replay(a, 110));
    script_link("2", "e1");
    fake_answer("ok|e1|100|0|0|ok|ok|0|0");
    (void)script_told();
    script_filled("e1", "100");
    script_replay(a, 110);
    fake_commands_down();
    TOLD("page lost | ");
}

static size_t count_of(const char *told, const char *word)
{
    size_t n = 0;
    while ((told = strstr(told, word))) {
        n++;
        told++;
    }
    return n;
}

/* Thousands come back when a gateway has died. */
static void few_pages_are_asked_for_at_once(void **state)
{
    struct relay *r = *state;
    struct session *a = sessions_find(r->sessions, slice_text(script_hash('a')));
    for (unsigned i = 0; i < 100; i++) {
        assert_true(script_replay(a, i));
    }
    assert_int_equal(fake_calls(), 32);
    for (unsigned i = 0; i < 40; i++) {
        char asked[16];
        snprintf(asked, sizeof asked, "%u", i);
        assert_string_equal(fake_call_arg(0, 3), asked); /* in the order in which they came */
        fake_answer("ok|e1|120|1|0|120");
    }
    assert_int_equal(count_of(script_told(), "page ok"), 40);
    assert_int_equal(fake_calls(), 32);
    fake_commands_full(true);
    fake_answer("ok|e1|120|1|0|120"); /* nothing more is taken: all that wait are told so */
    assert_int_equal(count_of(script_told(), "page refused"), 28);
    fake_commands_full(false);
    assert_int_equal(fake_calls(), 31);
    for (unsigned i = 0; i < 50; i++) {
        assert_true(script_replay(a, i));
    }
    fake_feed_down(); /* out or waiting, each is told once */
    assert_int_equal(count_of(script_told(), "page lost"), 81);
    script_link("2", "e1");
    fake_answer("ok|e1|100|0|0|ok|ok|0|0");
    script_filled("e1", "100");
    for (unsigned i = 0; i < 50; i++) {
        assert_true(script_replay(a, i));
    }
    assert_int_equal(fake_calls(), 1 + 32); /* prune is out too */
    (void)script_told();
    script_free();
    assert_int_equal(count_of(script_told(), "page lost"), 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, script_setup_two, script_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_taken_apart),           TEST(what_is_no_message_is_left_out_of_a_page),
        TEST(a_page_has_at_most_64_messages),  TEST(a_page_that_does_not_come),
        TEST(few_pages_are_asked_for_at_once),
    };
    return cmocka_run_group_tests_name("relay_replay", tests, NULL, NULL);
}
