/* test_own.c - one's own messages from being written to being confirmed */
#include "client/terminal/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* What happens, in words of one letter and the message's number:
 *   a  another is written        n  whatever may go out goes out
 *   +1 -1  answered: yes, no     l1 answered: too many a second     u1 the service is away
 *   h1 answered: too long
 *   e1 the echo comes            x  the connection is lost          r  all that failed again
 *   t  5 s pass                  p  half a second passes
 * What is told: w waiting, s asked ("sent out"), + sent, ! failed, each with the number. */
static const struct {
    const char *label;
    bool script;
    const char *does, *told;
} cases[] = {
    {"answered",                      false, "a n +1",                 "w1 s1 +1"                  },
    {"the echo comes first",          false, "a n e1 +1",              "w1 s1 +1"                  },
    {"the answer comes first",        false, "a n +1 e1",              "w1 s1 +1"                  },
    {"refused",                       false, "a n -1",                 "w1 s1 !1"                  },
    {"no answer",                     false, "a n t",                  "w1 s1 !1"                  },
    {"a late answer",                 false, "a n t +1",               "w1 s1 !1 +1"               },
    {"a late echo",                   false, "a n t e1 +1",            "w1 s1 !1 +1"               },
    {"a late refusal",                false, "a n t -1",               "w1 s1 !1"                  },
    {"the connection is lost",        false, "a n x",                  "w1 s1 !1"                  },
    {"lost, then the echo",           false, "a n x e1",               "w1 s1 !1 +1"               },
    {"too long, never again",         false, "a n h1 r n",             "w1 s1 !1"                  },
    {"again",                         false, "a n x r n +1",           "w1 s1 !1 w1 s1 +1"         },
    {"written while offline",         false, "a x a n +1 +2",          "w1 w2 s1 s2 +1 +2"         },
    {"too many a second",             false, "a n l1 n p n +1",        "w1 s1 w1 s1 +1"            },
    {"the service is away",           false, "a n u1",                 "w1 s1 !1"                  },
    {"in order",                      false, "a a a n +2 +1 +3",       "w1 w2 w3 s1 s2 s3 +2 +1 +3"},
    {"answer for nobody",             false, "a n +7 e7 -7",           "w1 s1"                     },
    {"script: one at a time",         true,  "a a n n +1 n +2",        "w1 w2 s1 +1 s2 +2"         },
    {"script: refused is forgotten",  true,  "a n -1 r",               "w1 s1 !1"                  },
    {"script: lost, again by itself", true,  "a a n x n +1 n",         "w1 w2 s1 w1 s1 +1 s2"      },
    {"script: away, again by itself", true,  "a n u1 n p n +1",        "w1 s1 w1 s1 +1"            },
    {"script: too many, order kept",  true,  "a a n l1 n p n +1 n +2", "w1 w2 s1 w1 s1 +1 s2 +2"   },
    {"script: no answer, again",      true,  "a n t n +1",             "w1 s1 w1 s1 +1"            },
};

static void on_own(void *ctx, const struct own *own)
{
    static const char letters[OWN_STATES] = {'w', 's', '+', '!'};
    struct buf *told = ctx;
    buf_printf(told, "%s%c%llu", told->len > 0 ? " " : "", letters[own->state],
               (unsigned long long)own->number);
}

static void answer(struct own_list *list, char kind, uint64_t number, uint64_t now_ms)
{
    struct chat_answer a = {.ok = kind == '+', .id = 100 + number};
    static const char *const codes[] = {
        ['l'] = "rate_limited", ['u'] = "unavailable", ['h'] = "too_large", ['-'] = "no_such_user"};
    (void)snprintf(a.error.code, sizeof a.error.code, "%s", a.ok ? "" : codes[(unsigned char)kind]);
    a.error.retry_after_ms = 300;
    own_answered(list, number, &a, now_ms);
}

static void echo(struct own_list *list, uint64_t number)
{
    struct chat_message m = {.id = 100 + number};
    (void)snprintf(m.client_id, sizeof m.client_id, "pre-%llu", (unsigned long long)number);
    own_echoed(list, &m);
}

static void send_all(struct own_list *list, uint64_t now_ms)
{
    struct buf payload;
    buf_init(&payload, 4096);
    while (own_next(list, &payload, now_ms)) {
        buf_clear(&payload);
    }
    buf_deinit(&payload);
}

static void act(struct own_list *list, const char *word, uint64_t *now_ms)
{
    uint64_t number = (uint64_t)(word[1] - '0');
    switch (word[0]) {
    case 'a': (void)own_add(list, SLICE("bob"), SLICE("hi"), 1); break;
    case 'n': send_all(list, *now_ms); break;
    case 'e': echo(list, number); break;
    case 'x': own_connection_lost(list); break;
    case 'r': (void)own_retry(list); break;
    case 'p': *now_ms += 500; break;
    case 't':
        *now_ms += OWN_ANSWER_MS;
        own_tick(list, *now_ms);
        break;
    default: answer(list, word[0], number, *now_ms); break;
    }
}

static void states_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct buf told;
        uint64_t now_ms = 1000;
        buf_init(&told, 1024);
        struct own_list *list =
            own_new(cases[i].script ? own_for_scripts : own_for_people, "pre", on_own, &told);
        for (const char *word = cases[i].does; word; word = strchr(word, ' ')) {
            word += *word == ' ';
            act(list, word, &now_ms);
        }
        if (!slice_equal(buf_slice(&told), slice_text(cases[i].told))) {
            fail_msg("%s: %s", cases[i].label, told.ptr);
        }
        own_free(list);
        buf_deinit(&told);
    }
}

static void a_message_keeps_its_client_id(void **state)
{
    struct buf told, first, second;
    (void)state;
    buf_init(&told, 1024);
    buf_init(&first, 1024);
    buf_init(&second, 1024);
    struct own_list *list = own_new(own_for_people, "pre", on_own, &told);
    (void)own_add(list, SLICE("bob"), SLICE("a \"b\"\n"), 1);
    assert_non_null(own_next(list, &first, 0));
    assert_string_equal(first.ptr, "{\"receiver\":\"bob\",\"message_text\":\"a \\\"b\\\"\\n\","
                                   "\"client_id\":\"pre-1\"}");
    own_connection_lost(list);
    assert_int_equal(own_retry(list), 1);
    assert_non_null(own_next(list, &second, 0));
    assert_string_equal(first.ptr, second.ptr);
    assert_true(own_is_ours(list, "pre-99"));
    assert_false(own_is_ours(list, "pre"));
    assert_false(own_is_ours(list, "prefix-1"));
    own_free(list);
    buf_deinit(&told);
    buf_deinit(&first);
    buf_deinit(&second);
}

static void ignore(void *ctx, const struct own *own)
{
    (void)ctx;
    (void)own;
}

static void the_list_is_bounded(void **state)
{
    struct own_list *list = own_new(own_for_people, "pre", ignore, NULL);
    (void)state;
    for (uint64_t i = 1; i <= OWN_MAX; i++) {
        assert_int_equal(own_add(list, SLICE("bob"), SLICE("hi"), 1), i);
    }
    assert_int_equal(own_add(list, SLICE("bob"), SLICE("hi"), 1), 0);
    own_give_up(list, "no more");
    assert_int_equal(own_waiting(list), 0);
    assert_int_equal(own_retry(list), OWN_MAX);
    own_free(list);
}

static void a_text_too_long_fails_at_once(void **state)
{
    struct own_list *list = own_new(own_for_people, "pre", ignore, NULL);
    char *text = calloc(1, OWN_TEXT_MAX + 1);
    (void)state;
    assert_non_null(text);
    (void)own_add(list, SLICE("bob"), (struct slice){text, OWN_TEXT_MAX}, 1);
    assert_int_equal(own_waiting(list), 1);
    (void)own_add(list, SLICE("bob"), (struct slice){text, OWN_TEXT_MAX + 1}, 1);
    assert_int_equal(own_waiting(list), 1);
    assert_int_equal(own_retry(list), 0); /* it would be too long again */
    own_free(list);
    free(text);
}

/* When is there something to do? */
static void due_times(void **state)
{
    struct own_list *list = own_new(own_for_people, "pre", ignore, NULL);
    (void)state;
    assert_true(own_due_ms(list) == UINT64_MAX);
    (void)own_add(list, SLICE("bob"), SLICE("hi"), 1);
    assert_int_equal(own_due_ms(list), 0);
    send_all(list, 1000);
    assert_int_equal(own_due_ms(list), 1000 + OWN_ANSWER_MS);
    answer(list, 'l', 1, 1200);
    assert_int_equal(own_due_ms(list), 1500);
    send_all(list, 1499);
    assert_int_equal(own_due_ms(list), 1500);
    send_all(list, 1500);
    assert_int_equal(own_due_ms(list), 1500 + OWN_ANSWER_MS);
    own_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_follow_the_table),
        cmocka_unit_test(a_message_keeps_its_client_id),
        cmocka_unit_test(the_list_is_bounded),
        cmocka_unit_test(a_text_too_long_fails_at_once),
        cmocka_unit_test(due_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
