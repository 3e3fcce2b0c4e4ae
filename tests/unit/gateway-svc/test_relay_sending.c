/* test_relay_sending.c - messages on their way to Redis, and what became of them */
#include "gateway-svc/relay/relay_state.h"
#include "tests/support/relay_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define DIGEST_BOB_HELLO "6fed55690b410786" /* FNV-1a, the lowest digit first */

static unsigned sent_long;

static void count_sent(void *arg, enum relay_sent sent, uint64_t message_id, struct slice json)
{
    (void)arg;
    (void)message_id;
    (void)json;
    sent_long += sent == RELAY_SENT_OK ? 1 : 0;
}

static bool send_long(struct relay *r, struct session *s, size_t len)
{
    char *bytes = calloc(1, len);
    const struct relay_text text = {
        SLICE("bob"), SLICE("\"c1\""), {bytes, len}
    };
    bool sent = relay_send(r, s, &text, count_sent, NULL);
    free(bytes);
    return sent;
}

static void a_message_has_a_maximum(void **state)
{
    struct relay *r = *state;
    struct session *s = script_alice();
    size_t most = RELAY_MESSAGE_MAX - strlen("bob\"c1\"");
    assert_true(script_say(s, "bob")); /* the longest comes behind what is just below the call's */
    assert_true(send_long(r, s, (64U << 10) - 256));
    assert_int_equal(fake_calls(), 0);
    assert_false(send_long(r, s, most + 1));
    assert_true(send_long(r, s, most));
    CALLS("parley_send *");
    fake_answer("ok|e1|103|ok 101|ok 102|ok 103");
    assert_int_equal(sent_long, 2);
}

static void what_became_of_a_message(void **state)
{
    static const struct {
        const char *answer, *told;
    } rows[] = {
        {"ok|e1|199|ok 198",                   "sent ok 198 | "                  },
        {"ok|e1|200|dup 150 {\"a\": \"b c\"}", "sent dup 150 {\"a\": \"b c\"} | "},
        {"ok|e1|0|no_such_user",               "sent no_such_user 0 | "          },
        {"ok|e1|0|conflict",                   "sent conflict 0 | "              },
        {"ok|e1|0|ended",                      "sent ended 0 | "                 },
        {"ok|e1|0|unavailable",                "sent unavailable 0 | "           },
        {"ok|e1|0|surprise 7",                 "sent unavailable 7 | "           },
        {"ok|e1|0|failed 7 WRONGTYPE",         "sent unavailable 0 | "           },
        {"ok|e1|0|ok x",                       "sent ok 0 | "                    },
        {"ok|e1|0",                            "sent unavailable 0 | "           },
        {"ok",                                 "sent unavailable 0 | "           },
        {"unavailable|e1",                     "sent unavailable 0 | "           },
        {"unavailable|e1|0|ok 201",            "sent unavailable 0 | "           },
    };
    (void)state;
    struct session *s = script_alice();
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_true(script_send(s, "bob"));
        fake_answer(rows[i].answer);
        TOLD(rows[i].told);
    }
    assert_true(script_send(s, "bob"));
    fake_answer_error("OOM");
    TOLD("sent unavailable 0 | ");
    assert_true(script_send(s, "bob"));
    assert_int_equal(fake_call_caller(0)->seen, 200);
    assert_true(script_send(s, "group"));
    fake_commands_down();
    TOLD("sent unavailable 0 | sent unavailable 0 | ");
    assert_false(script_send(s, "bob"));
}

static void note_sent(void *arg, enum relay_sent sent, uint64_t id, struct slice json)
{
    (void)arg;
    (void)sent;
    (void)id;
    (void)json;
}

static void a_turn_is_one_call(void **state)
{
    struct relay *r = *state;
    struct session *s = script_alice();
    const char *const to[] = {"bob", "group", "carol"};
    for (size_t i = 0; i < ROWS(to); i++) {
        assert_true(script_say(s, to[i]));
        NO_CALLS();
    }
    assert_true(ev_is_active(&r->sending.awake)); /* the loop must not wait */
    script_turn();
    CALLS("parley_send gw 1 20000 aaa* alice bob \"c1\" \"hello\" " DIGEST_BOB_HELLO
          " aaa* alice group \"c1\" \"hello\" * aaa* alice carol \"c1\" \"hello\" *");
    assert_string_not_equal(fake_call_arg(0, 8), fake_call_arg(0, 14));
    assert_false(ev_is_active(&r->sending.turn) || ev_is_active(&r->sending.awake));
    fake_answer("ok|e1|201|ok 200|no_such_user|ok 201"); /* each has its own, in order */
    TOLD("sent ok 200 | sent no_such_user 0 | sent ok 201 | ");
}

static void what_comes_while_a_call_is_out_is_the_next_one(void **state)
{
    struct relay *r = *state;
    struct session *s = script_alice();
    script_send(s, "bob");
    script_send(s, "carol");
    script_send(s, "dave");
    CALLS("parley_send * bob *");
    assert_false(ev_is_active(&r->sending.awake)); /* the loop may wait for the answer */
    fake_answer("ok|e1|200|ok 200");
    assert_true(ev_is_active(&r->sending.awake));
    script_turn();
    CALLS("parley_send * carol * dave *");
    fake_answer("ok|e1|202|ok 201|ok 202");
    TOLD("sent ok 200 | sent ok 201 | sent ok 202 | ");
    script_send(s, "bob");
    CALLS("parley_send * bob *");
}

static void what_waits_for_an_answer_is_told_when_the_link_breaks(void **state)
{
    (void)state;
    struct session *s = script_alice();
    script_send(s, "bob");
    script_send(s, "carol");
    fake_commands_down();
    TOLD("sent unavailable 0 | sent unavailable 0 | ");
    script_turn();
    NO_CALLS();
}

static void a_call_takes_64_messages_or_64_kib(void **state)
{
    (void)state;
    static char text[8003];
    struct session *s = script_alice();
    for (size_t i = 0; i < 65; i++) {
        script_say(s, "bob");
    }
    CALLS("parley_send *");
    assert_string_equal(fake_call_arg(0, 3 + 64 * 6), "");
    fake_answer("ok|e1|264");
    (void)script_told();
    script_turn();
    CALLS("parley_send *");
    assert_string_equal(fake_call_arg(0, 3 + 6), "");
    memset(text, 'x', sizeof text - 1);
    text[0] = text[sizeof text - 2] = '"';
    const struct relay_text large = {SLICE("bob"), SLICE("\"c1\""), slice_text(text)};
    for (size_t i = 0; i < 9; i++) {
        CALLS("parley_send *");
        assert_true(relay_send(*state, s, &large, note_sent, NULL));
    }
    CALLS("parley_send *", "parley_send *"); /* a full one waits for no answer */
}

static void what_waits_for_the_end_of_the_turn_is_overtaken_by_nothing(void **state)
{
    struct relay *r = *state;
    struct session *s = script_alice();
    script_say(s, "bob");
    relay_close(r, s, RELAY_WAS_HERE);
    CALLS("parley_send *", "parley_detach *");
    fake_answer("ok|e1|200|ok 200");
    fake_answer("ok|e1");
    (void)script_told();
    script_say(script_alice(), "bob");
    relay_leave(r);
    CALLS("parley_send *", "parley_leave *");
}

static void what_waits_for_the_end_of_the_turn_is_told_when_the_link_breaks(void **state)
{
    (void)state;
    struct session *s = script_alice();
    script_say(s, "bob");
    script_say(s, "carol");
    fake_commands_down();
    TOLD("sent unavailable 0 | sent unavailable 0 | ");
    script_turn();
    NO_CALLS();
}

static void a_call_that_cannot_be_sent_is_told(void **state)
{
    (void)state;
    script_say(script_alice(), "bob");
    fake_commands_full(true);
    script_turn();
    fake_commands_full(false);
    NO_CALLS();
    TOLD("sent unavailable 0 | ");
}

static void answers_come_even_when_the_relay_ends(void **state)
{
    (void)state;
    script_send(script_alice(), "bob");
    script_say(sessions_at(((struct relay *)*state)->sessions, 0), "bob");
    script_open('b');
    script_free();
    TOLD("sent unavailable 0 | sent unavailable 0 | ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_has_a_maximum, script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(what_became_of_a_message, script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(a_turn_is_one_call, script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(what_comes_while_a_call_is_out_is_the_next_one,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(what_waits_for_an_answer_is_told_when_the_link_breaks,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(a_call_takes_64_messages_or_64_kib, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(what_waits_for_the_end_of_the_turn_is_overtaken_by_nothing,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(
            what_waits_for_the_end_of_the_turn_is_told_when_the_link_breaks, script_setup_up,
            script_teardown),
        cmocka_unit_test_setup_teardown(a_call_that_cannot_be_sent_is_told, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(answers_come_even_when_the_relay_ends, script_setup_up,
                                        script_teardown),
    };
    return cmocka_run_group_tests_name("relay_sending", tests, NULL, NULL);
}
