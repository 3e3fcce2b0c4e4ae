/* test_relay_attach.c - sessions come, are attached and go, against a Redis that a script plays */
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

static void a_session_is_attached_by_its_token(void **state)
{
    struct relay *r = *state;
    struct session *s = script_open('a');
    assert_ptr_equal(script_open('a'), s);
    CALLS("parley_connect gw 1 aaa*");
    assert_false(script_send(s, "bob"));
    TOLD("");
    fake_answer("ok|e1|120|alice|Alice|7|60000|5|90|0");
    TOLD("attached a:Alice | ");
    assert_true(s->attached);
    assert_int_equal(s->expires_ms, 1000000 + 60000);
    assert_true(script_send(s, "bob"));
    CALLS("parley_send gw 1 20000 aaa* alice bob \"c1\" \"hello\" " DIGEST_BOB_HELLO);
    assert_int_equal(fake_call_caller(0)->seen, 120);
    fake_answer("ok|e1|121|ok 121");
    relay_close(r, s, RELAY_WAS_HERE);
    CALLS("parley_detach gw 1 aaa* 120");
    assert_int_equal(fake_call_caller(0)->seen, 121);
    assert_ptr_not_equal(script_open('a'), NULL);
    CALLS("parley_detach *", "parley_connect *");
}

static const struct {
    const char *label, *answer, *told;
} refusals[] = {
    {"no such session", "unknown|e1",                       "refused a unknown | "    },
    {"settling",        "unavailable|e1",                   "refused a unavailable | "},
    {"a word of later", "perhaps|e1",                       "refused a unavailable | "},
    {"one item",        "ok",                               "refused a unavailable | "},
    {"an error",        NULL,                               "refused a unavailable | "},
    {"not a name",      "ok|e1|100|a\xff|a\xff|7|0|5|90|0", "refused a unavailable | "},
    {"no name",         "ok|e1|100|||7|0|5|90|0",           "refused a unavailable | "},
    {"reserved",        "ok|e1|100|group|group|7|0|5|90|0", "refused a unavailable | "},
    {"two names",       "ok|e1|100|alice|Bob|7|0|5|90|0",   "refused a unavailable | "},
    {"cut short",       "ok|e1|100",                        "refused a unavailable | "},
};

static void refusals_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(refusals); i++) {
        print_message("  %s\n", refusals[i].label);
        script_open('a');
        if (refusals[i].answer) {
            fake_answer(refusals[i].answer);
        } else {
            fake_answer_error("OOM command not allowed");
        }
        TOLD(refusals[i].told);
        assert_int_equal(fake_resets(), 0);
    }
}

static void a_call_that_cannot_be_sent_opens_nothing(void **state)
{
    (void)state;
    fake_commands_full(true);
    assert_null(script_open('b'));
    fake_commands_full(false);
    TOLD("");
    assert_non_null(script_open('b'));
}

static void who_comes_while_a_call_is_out_shares_the_next(void **state)
{
    (void)state;
    script_open('a');
    script_open('b');
    script_open('c');
    script_open('d');
    CALLS("parley_connect gw 1 aaa*61");
    fake_answer(SCRIPT_ALICE);
    TOLD("attached a:Alice | ");
    CALLS("parley_connect gw 1 bbb*62 ccc*63 ddd*64");
    script_open('e');
    fake_answer("ok|e1|110|bob|Bob|8|0|7|90|1||0|0|unknown|e1||||||||||||"
                "ok|e1|110|dan|Dan|9|0|7|90|1|5|0|0");
    TOLD("attached b:Bob | refused c unknown | attached d:Dan left=5 | ");
    CALLS("parley_connect gw 1 eee*65");
}

static void an_answer_that_is_too_short_lets_nobody_wait(void **state)
{
    (void)state;
    script_open('a');
    script_open('b');
    script_open('c');
    fake_answer(SCRIPT_ALICE);
    fake_answer("ok|e1|110|bob|Bob|8|0|7|90|1");
    TOLD("attached a:Alice | attached b:Bob | refused c unavailable | ");
}

static void who_goes_before_his_call_is_in_none(void **state)
{
    struct relay *r = *state;
    script_open('a');
    struct session *b = script_open('b');
    script_open('c');
    relay_close(r, b, 0);
    CALLS("parley_connect gw 1 aaa*", "parley_detach gw 1 bbb* 0");
    fake_answer(SCRIPT_ALICE);
    fake_answer("ok|e1");
    CALLS("parley_connect gw 1 ccc*63");
    relay_close(r, script_open('d'), 0); /* the only one of the next */
    fake_answer("ok|e1|110|cat|Cat|8|0|7|90|0||0|0");
    TOLD("attached a:Alice | attached c:Cat | ");
    CALLS("parley_detach gw 1 ddd* 0");
}

static void a_call_that_is_full_waits_for_no_answer(void **state)
{
    struct relay *r = *state;
    char hash[TOKEN_HASH_LEN + 1];
    for (unsigned i = 0; i < 1 + 32 + 2; i++) {
        snprintf(hash, sizeof hash, "%064x", i);
        struct session *s = relay_open(r, slice_text(hash));
        assert_non_null(s);
        s->owner = s; /* somebody has it */
    }
    assert_int_equal(fake_calls(), 2);
    assert_int_equal(strlen(fake_call(0)), strlen("parley_connect gw 1") + 65);
    assert_int_equal(strlen(fake_call(1)), strlen("parley_connect gw 1") + 32 * (size_t)65);
    fake_commands_full(true);
    fake_answer("unknown|e1"); /* the next cannot be sent: those in it are told */
    fake_commands_full(false);
    TOLD("refused 0 unknown | refused 0 unavailable | refused 0 unavailable | ");
}

static void who_waits_for_a_call_goes_with_the_link(void **state)
{
    (void)state;
    script_open('a');
    script_open('b');
    script_open('c');
    fake_feed_down();
    TOLD("refused c unavailable | refused b unavailable | refused a unavailable | ");
    script_link("2", "e1");
    CALLS("parley_prune gw 2 0");
}

static void a_kick_closes_who_is_not_attached_yet(void **state)
{
    (void)state;
    script_open('a');
    script_own("end", script_hash('a'));
    TOLD(""); /* without a code it is no line of ours */
    char rest[128];
    snprintf(rest, sizeof rest, "%s kicked", script_hash('a'));
    script_own("end", rest);
    TOLD("ended a kicked | ");
    fake_answer("unknown|e1"); /* whatever it is, nobody waits for it */
    TOLD("");
}

static void close_before_the_answer(void **state)
{
    struct relay *r = *state;
    relay_close(r, script_open('a'), 77);
    CALLS("parley_connect gw 1 aaa*", "parley_detach gw 1 aaa* 77");
    struct session *s = script_open('a');
    fake_answer(SCRIPT_ALICE); /* to the first attempt, which was detached behind it */
    TOLD("");
    assert_false(s->attached);
    fake_answer("ok|e1");
    fake_answer(SCRIPT_ALICE);
    TOLD("attached a:Alice | ");
}

static void close_while_there_is_no_link(void **state)
{
    struct relay *r = *state;
    struct session *s = script_alice();
    fake_feed_down();
    assert_false(s->attached);
    assert_ptr_equal(script_open('a'), s); /* who comes now waits with the others */
    relay_close(r, s, RELAY_WAS_HERE);
    script_link("2", "e1");
    CALLS("parley_prune gw 2 0"); /* which is what detaches it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_is_attached_by_its_token, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(refusals_follow_the_table, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_call_that_cannot_be_sent_opens_nothing, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(who_comes_while_a_call_is_out_shares_the_next,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(an_answer_that_is_too_short_lets_nobody_wait,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(who_goes_before_his_call_is_in_none, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_call_that_is_full_waits_for_no_answer, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(who_waits_for_a_call_goes_with_the_link, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_kick_closes_who_is_not_attached_yet, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(close_before_the_answer, script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(close_while_there_is_no_link, script_setup_up,
                                        script_teardown),
    };
    return cmocka_run_group_tests_name("relay_attach", tests, NULL, NULL);
}
