/* test_relay_rounds.c - attaching every session again: broken links, holes, epochs, many sessions
 */
#include "tests/support/relay_script.h"

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOB "ok|e1|100|bob|Bob|8|0|6|90|0"
#define WINDOW 16 /* calls of a round at the same time */
#define BATCH 64  /* sessions in one call */

/* Alice's session 'a', attached. */
static int begin_alice(void **state)
{
    *state = script_begin();
    script_up();
    script_open('a');
    fake_answer(SCRIPT_ALICE);
    (void)script_told();
    return 0;
}

static int begin(void **state)
{
    *state = script_begin();
    script_up();
    return 0;
}

static const char *end_of(char letter)
{
    static char text[128];
    snprintf(text, sizeof text, "%s kicked", script_hash(letter));
    return text;
}

static const char *message_to(char receiver, char sender, int id)
{
    static char text[256];
    snprintf(text, sizeof text, "%d %s %s \"c1\"\n{\"message_id\":%d}", id, script_hash(sender),
             receiver == '*' ? "-" : script_hash(receiver), id);
    return text;
}

/* ---- Broken links ---------------------------------------------------------------------------- */

static void the_feed_drops_while_reattach_is_out(void **state)
{
    struct relay *r = *state;
    fake_feed_down();
    script_link("2", "e1");
    CALLS("parley_reattach gw 2 *");
    fake_feed_down(); /* and with it the commands: the answer never comes */
    TOLD("");
    assert_int_equal(r->state, LINK_DOWN);
    script_link("3", "e1");
    CALLS("parley_reattach gw 3 *");
    script_own("message", message_to('a', 'b', 101));
    script_group("message", message_to('*', 'a', 102));
    TOLD(""); /* nothing is delivered before the attach is done, */
    fake_answer("ok|e1|100|0|0|ok|0");
    script_group("message", message_to('*', 'a', 103));
    TOLD("attached a:Alice | "); /* nor before what was missed */
    script_filled("e1", "103");
    TOLD("message 101 to=a from=- c=\"c1\" | message 102 to=* from=a c=\"c1\" | "
         "message 103 to=* from=a c=\"c1\" | ");
    CALLS("parley_prune gw 3 0");
    script_group("message", message_to('*', 'a', 104));
    TOLD("message 104 to=* from=a c=\"c1\" | ");
}

static void a_session_of_which_nothing_is_left_is_closed(void **state)
{
    struct relay *r = *state;
    fake_commands_down();
    script_link("2", "e1");
    fake_answer("ok|e1|100|0|0|ended|0");
    TOLD("ended a session_expired | ");
    assert_int_equal(sessions_count(r->sessions), 0);
    CALLS("parley_prune gw 2 0");
}

static void what_is_left_of_the_life_goes_along(void **state)
{
    (void)state;
    script_open('b');
    fake_answer("ok|e1|100|bob|Bob|8|5000|6|90|0");
    fake_feed_down();
    script_pass(2000);
    script_link("2", "e1");
    CALLS("parley_reattach gw 2 bbb* bob Bob 8 3000 aaa* alice Alice 7 0");
    fake_feed_down();
    script_pass(9000);
    script_link("3", "e1");
    CALLS("parley_reattach gw 3 bbb* bob Bob 8 1 aaa* alice Alice 7 0"); /* 0 would be no end */
}

static void an_odd_answer_to_reattach_ends_no_session(void **state)
{
    static const char *const answers[] = {"ok|e1|100|0|0", "ok|e1|100|0|0|ok|0|0", "ok"};
    struct relay *r = *state;
    for (size_t i = 0; i < 3; i++) {
        fake_feed_down();
        script_link("2", "e1");
        (void)fake_resets();
        fake_answer(answers[i]);
        assert_int_equal(fake_resets(), 2);
        assert_int_equal(sessions_count(r->sessions), 1);
        fake_feed_up(); /* so that it can go down again */
        fake_commands_up();
    }
    TOLD("");
}

static void what_cannot_be_sent_starts_anew(void **state)
{
    (void)state;
    script_own_is_lost();
    fake_commands_full(true);
    script_own("message", message_to('a', 'a', 101));
    assert_int_equal(fake_resets(), 2); /* else alice would never be attached again */
    script_link("2", "e1");
    CALLS("parley_reattach gw 2 aaa*");
}

/* ---- Holes ----------------------------------------------------------------------------------- */

static void a_hole_in_the_own_channel_attaches_everybody_again(void **state)
{
    (void)state;
    script_own("message", message_to('a', 'z', 101));
    TOLD("message 101 to=a from=- c=\"c1\" | ");
    script_own_is_lost();
    script_own("message", message_to('z', 'a', 103));
    TOLD("");
    CALLS("parley_reattach gw 1 aaa*"); /* the same link */
    assert_int_equal(fake_call_caller(0)->seen, 101);
    fake_answer("ok|e1|103|0|0|ended|0"); /* what was lost was a kick */
    TOLD("ended a session_expired | ");
    CALLS("parley_prune gw 1 0");
    fake_answer("ok|e1|0");
    CALLS("parley_changes 0");
}

static void a_renewal_shows_that_the_last_line_was_lost(void **state)
{
    (void)state;
    script_own_is_lost();
    script_tick();
    script_nonce("0 e1");
    CALLS("parley_renew *", "parley_reattach gw 1 aaa*");
}

/* Where a line of the group was lost one of the own channel may be. */
static void a_hole_in_the_group_attaches_everybody_again(void **state)
{
    (void)state;
    script_group_is_lost();
    script_group("message", message_to('*', 'z', 102));
    TOLD("");
    CALLS("parley_reattach gw 1 aaa*");
}

static void two_rounds_overlap(void **state)
{
    struct relay *r = *state;
    script_own_is_lost();
    script_own("end", end_of('z'));
    CALLS("parley_reattach gw 1 aaa*");
    script_own_is_lost();
    script_own("end", end_of('z'));
    CALLS("parley_reattach gw 1 aaa*", "parley_reattach gw 1 aaa*");
    fake_answer("ok|e1|100|0|0|ended|0"); /* to the first: older than what was asked since */
    TOLD("");
    assert_int_equal(r->state, LINK_ATTACHING);
    fake_answer("ok|e1|100|0|0|ok|0");
    TOLD("attached a:Alice | ");
    script_filled("e1", "100");
    CALLS("parley_prune gw 1 0");
}

static void a_session_without_a_name_is_asked_for_once_more(void **state)
{
    struct relay *r = *state;
    script_open('b');
    script_own_is_lost();
    script_own("end", end_of('z'));
    CALLS("parley_connect gw 1 bbb*", "parley_connect gw 1 bbb*", "parley_reattach gw 1 aaa*");
    fake_answer(BOB); /* from before the hole, in which there may have been a kick */
    TOLD("");
    fake_answer_error("OOM command not allowed");
    TOLD("refused b unavailable | ");
    fake_answer("ok|e1|100|0|0|ok|0");
    assert_int_equal(r->state, LINK_FILLING); /* the error did not keep the round from its end */
}

static void a_kick_while_a_round_is_out(void **state)
{
    struct relay *r = *state;
    script_own_is_lost();
    script_own("end", end_of('a'));
    TOLD("ended a kicked | ");
    fake_answer("ok|e1|100|0|0|ended|0"); /* nobody waits for it */
    TOLD("");
    CALLS("parley_prune gw 1 0"); /* nobody is left to ask for */
    script_open('b');
    script_own_is_lost();
    script_own("nonce", "0123456789abcdef 0 0 e1");
    script_own("end", end_of('b'));
    TOLD("ended b kicked | ");
    fake_answer("ok|e1|0"); /* prune */
    fake_answer(BOB);
    fake_answer(BOB);
    TOLD("");
    assert_int_equal(sessions_count(r->sessions), 0);
    assert_int_equal(r->state, LINK_PRUNING);
}

static void ended_while_pruning_or_closed_in_a_round(void **state)
{
    struct relay *r = *state;
    script_own_is_lost();
    script_own("end", end_of('z'));
    relay_close(r, sessions_at(r->sessions, 0), RELAY_WAS_HERE);
    CALLS("parley_reattach gw 1 aaa*", "parley_detach gw 1 aaa*");
    fake_answer("ok|e1|100|0|0|ok|0");
    TOLD("");
    CALLS("parley_detach *", "parley_prune gw 1 0");
}

/* ---- Calls to connect that have not left ------------------------------------------------------
 */

/* One call is out; 'c' waits for the next when it ends. */
static void who_is_kicked_before_the_call_leaves_is_not_in_it(void **state)
{
    (void)state;
    script_open('b');
    script_open('c');
    script_open('d');
    script_own("end", end_of('c'));
    TOLD("ended c kicked | ");
    fake_answer(BOB);
    CALLS("parley_connect gw 1 ddd*");
    assert_string_equal(fake_call_arg(0, 3), "");
}

static void whose_call_cannot_leave_any_more_is_told(void **state)
{
    struct relay *r = *state;
    script_tick();
    script_open('b');
    script_open('c');
    fake_answer("link|e1"); /* the renewal */
    TOLD("refused c unavailable | refused b unavailable | ");
    script_link("2", "e1");
    (void)script_told();
    fake_commands_full(true);
    assert_null(script_open('d')); /* is told so, and not once more */
    TOLD("");
    fake_commands_full(false);
    assert_int_equal(sessions_count(r->sessions), 0);
}

static void open_number(struct relay *r, int number)
{
    char hash[TOKEN_HASH_LEN + 1];
    snprintf(hash, sizeof hash, "%064d", number);
    assert_non_null(relay_open(r, slice_text(hash)));
}

/* In a long round the list is reordered, and so it comes to some who wait for a shared call. */
static void who_was_in_a_round_is_not_attached_behind_that(void **state)
{
    struct relay *r = *state;
    for (int i = 0; i < WINDOW + 2; i++) {
        open_number(r, i); /* without names each has a call of its own in the round */
    }
    script_own_is_lost();
    script_own("end", end_of('z'));
    fake_answer(BOB); /* from before the round */
    assert_int_equal(fake_calls(), WINDOW);
    script_open('a');
    struct session *closed = script_open('b'); /* wait until a's call is answered */
    struct session *kept = script_open('c');
    relay_close(r, sessions_at(r->sessions, 0), RELAY_WAS_HERE); /* the last takes its place */
    relay_close(r, sessions_at(r->sessions, 1), RELAY_WAS_HERE);
    assert_ptr_equal(sessions_at(r->sessions, 0), kept);
    assert_ptr_equal(sessions_at(r->sessions, 1), closed);
    fake_answer(BOB);
    fake_answer(BOB);
    relay_close(r, closed, RELAY_WAS_HERE);
    for (int i = 0; i < WINDOW - 2; i++) {
        fake_answer(BOB);
    }
    CALLS("parley_connect gw 1 aaa*", "parley_detach *", "parley_detach *",
          "parley_connect gw 1 bbb*", "parley_connect gw 1 ccc*", "parley_detach gw 1 bbb*");
    fake_answer(SCRIPT_ALICE);
    CALLS("parley_detach *", "parley_detach *", "parley_connect gw 1 bbb*",
          "parley_connect gw 1 ccc*", "parley_detach gw 1 bbb*"); /* not b or c once more */
}

/* ---- Lines of several messages -----------------------------------------------------------------
 */

static void a_line_of_several_messages_counts_once(void **state)
{
    struct relay *r = *state;
    char line[1024];
    snprintf(line, sizeof line, "%s", message_to('a', 'z', 101));
    snprintf(line + strlen(line), sizeof line - strlen(line), "\nnonsense\n{}\n%s",
             message_to('z', 'a', 103));
    script_own("message", line);
    TOLD("message 101 to=a from=- c=\"c1\" | message 103 to=- from=a c=\"c1\" | ");
    assert_int_equal(relay_stats(r)->bad_lines, 1);
    script_own("message", message_to('a', 'z', 104));
    snprintf(line, sizeof line, "%s", message_to('*', 'z', 105));
    snprintf(line + strlen(line), sizeof line - strlen(line), "\n%s", message_to('*', 'a', 106));
    script_group("message", line);
    TOLD("message 104 to=a from=- c=\"c1\" | message 105 to=* from=- c=\"c1\" | "
         "message 106 to=* from=a c=\"c1\" | ");
    assert_int_equal(relay_stats(r)->own_holes + relay_stats(r)->group_holes, 0);
}

static void each_message_of_a_line_waits_for_what_is_missing(void **state)
{
    char line[1024];
    (void)state;
    script_own_is_lost();
    snprintf(line, sizeof line, "%s", message_to('a', 'z', 102));
    snprintf(line + strlen(line), sizeof line - strlen(line), "\n%s", message_to('a', 'z', 103));
    script_own("message", line);
    TOLD("");
    fake_answer("ok|e1|101|0|0|ok|0");
    TOLD("attached a:Alice | ");
    script_filled("e1", "101");
    TOLD("message 102 to=a from=- c=\"c1\" | message 103 to=a from=- c=\"c1\" | ");
}

/* ---- Epochs ---------------------------------------------------------------------------------- */

/* Redis would refuse every later call with it, and no answer would ever tell a better one. */
static void an_id_of_too_many_digits_is_not_taken_over(void **state)
{
    struct relay *r = *state;
    uint64_t before = r->caller.seen;
    script_send(sessions_at(r->sessions, 0), "bob");
    fake_answer("ok|e1|1000000000000000|1000000000000000|5|0");
    assert_true(r->caller.seen == before && r->heard_id <= before);
    script_send(sessions_at(r->sessions, 0), "bob");
    fake_answer("ok|e1|999999999999999|999999999999999|5|0");
    assert_true(r->caller.seen == COUNT_MAX && r->heard_id == COUNT_MAX);
    (void)script_told();
}

static void a_new_epoch_is_noticed_in_any_answer(void **state)
{
    struct relay *r = *state;
    script_own("message", message_to('a', 'z', 333));
    script_send(sessions_at(r->sessions, 0), "bob");
    (void)script_told();
    fake_answer("unavailable|e2");
    TOLD("settling 1 | sent unavailable 0 | ");
    CALLS("parley_reattach gw 1 aaa* alice Alice 7 0");
    assert_string_equal(fake_call_caller(0)->epoch, "e1"); /* only so it may return */
    assert_int_equal(fake_call_caller(0)->seen, 333);
    script_own("message", message_to('z', 'z', 2000000));
    assert_int_equal(r->caller.seen, 333); /* an id of another epoch */
    fake_answer("ok|e2|1000333|1|1000333|ok|0");
    TOLD("attached a:Alice | ");
    CALLS("parley_group gw 1 100");
    fake_answer("ok|e2|1000333|0|0|0|0");
    TOLD("lost * 1000333 | message 2000000 to=- from=- c=\"c1\" | ");
    CALLS("parley_prune gw 1 0");
    assert_string_equal(fake_call_caller(0)->epoch, "e2");
    assert_int_equal(fake_call_caller(0)->seen, 2000000);
    fake_answer("ok|e2|0");
    CALLS("parley_roster 0"); /* versions of two epochs do not compare */
    fake_answer("ok|e2|1|1|0|Alice");
    fake_answer("ok|e2|1");
    (void)script_told();
    script_tick();
    fake_answer("ok|e2|1000333|1|0|9|0|1");
    TOLD("settling 0 | ");
    assert_int_equal(r->stats.epochs, 1);
}

static void a_round_in_two_epochs_is_done_again(void **state)
{
    struct relay *r = *state;
    script_open('b');
    script_own_is_lost();
    script_own("end", end_of('z'));
    CALLS("parley_connect *", "parley_connect *", "parley_reattach *");
    fake_answer(BOB);
    fake_answer(BOB);
    fake_answer("ok|e2|1000100|0|0|ok|0");
    CALLS("parley_reattach gw 1 bbb* bob Bob 8 0 aaa* alice Alice 7 0");
    assert_string_equal(fake_call_caller(0)->epoch, "e1");
    fake_answer("ok|e2|1000100|0|0|ok|ok|0|0");
    script_filled("e2", "1000100");
    CALLS("parley_prune *");
    assert_string_equal(r->caller.epoch, "e2");
}

static void settling_is_told_by_the_renewal(void **state)
{
    (void)state;
    script_tick();
    fake_answer("ok|e1|100|1|1|2|0|0");
    TOLD("settling 1 | ");
    script_nonce("0 e1");
    script_tick();
    fake_answer("ok|e1|100|1|0|3|0|0");
    TOLD("settling 0 | ");
}

/* ---- Many ------------------------------------------------------------------------------------ */

static void open_many(struct relay *r, int count)
{
    char answer[128];
    for (int i = 0; i < count; i++) {
        snprintf(answer, sizeof answer, "ok|e1|100|u%d|U%d|%d|0|5|90|0", i, i, i + 1);
        open_number(r, i);
        fake_answer(answer);
    }
    (void)script_told();
}

static size_t sessions_in(size_t call)
{
    size_t n = 0;
    while (fake_call_arg(call, 2 + 5 * n)[0]) {
        n++;
    }
    return n;
}

static void answer_all_ok(void)
{
    char answer[64 + 5 * BATCH];
    size_t n = sessions_in(0), used = 0;
    used += (size_t)snprintf(answer, sizeof answer, "ok|e1|100|0|0");
    for (size_t i = 0; i < 2 * n; i++) {
        used += (size_t)snprintf(answer + used, sizeof answer - used, i < n ? "|ok" : "|0");
    }
    fake_answer(answer);
}

static void not_all_calls_at_once(void **state)
{
    struct relay *r = *state;
    open_many(r, BATCH * WINDOW + BATCH + 1);
    script_own_is_lost();
    script_own("end", end_of('z'));
    assert_int_equal(fake_calls(), WINDOW);
    assert_int_equal(sessions_in(0), BATCH);
    answer_all_ok();
    assert_int_equal(fake_calls(), WINDOW);
    answer_all_ok();
    assert_int_equal(fake_calls(), WINDOW);
    assert_int_equal(sessions_in(WINDOW - 1), 1);
    for (int i = 0; i < WINDOW; i++) {
        assert_int_equal(r->state, LINK_ATTACHING);
        answer_all_ok();
    }
    assert_int_equal(r->state, LINK_FILLING);
    for (size_t i = 0; i < sessions_count(r->sessions); i++) {
        assert_true(sessions_at(r->sessions, i)->attached);
        assert_int_equal(sessions_at(r->sessions, i)->round, r->round.number);
    }
}

/* A second round begins where the first did; what the first had asked for later is still out. */
static void answers_to_an_older_round_do_not_count(void **state)
{
    struct relay *r = *state;
    open_many(r, BATCH * WINDOW * 2);
    fake_feed_down();
    script_link("2", "e1");
    for (int i = 0; i < 5; i++) {
        answer_all_ok();
    }
    (void)script_told();
    script_own_is_lost();
    script_own("end", end_of('z'));
    assert_int_equal(fake_calls(), 2 * WINDOW);
    for (int i = 0; i < WINDOW; i++) {
        answer_all_ok();
    }
    TOLD("");
    while (r->state == LINK_ATTACHING) {
        answer_all_ok();
    }
    for (size_t i = 0; i < sessions_count(r->sessions); i++) {
        assert_true(sessions_at(r->sessions, i)->attached);
    }
}

/* Sessions come and go while the round is on its way: the list is reordered under it. */
static void nobody_is_left_out_of_a_long_round(void **state)
{
    struct relay *r = *state;
    open_many(r, BATCH * WINDOW * 2);
    fake_feed_down(); /* nobody is attached any more */
    script_link("2", "e1");
    srand(1);
    while (r->state == LINK_ATTACHING) {
        size_t count = sessions_count(r->sessions);
        for (int i = 0; i < 7; i++) {
            relay_close(r, sessions_at(r->sessions, (size_t)rand() % count--), RELAY_WAS_HERE);
        }
        while (fnmatch("parley_reattach *", fake_call(0), 0) != 0) {
            fake_answer("ok|e1"); /* detach */
        }
        answer_all_ok();
    }
    assert_in_range(sessions_count(r->sessions), 1500, 2000);
    for (size_t i = 0; i < sessions_count(r->sessions); i++) {
        assert_true(sessions_at(r->sessions, i)->attached);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_feed_drops_while_reattach_is_out, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_session_of_which_nothing_is_left_is_closed, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(what_is_left_of_the_life_goes_along, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(an_odd_answer_to_reattach_ends_no_session, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_sent_starts_anew, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_hole_in_the_own_channel_attaches_everybody_again,
                                        begin_alice, script_teardown),
        cmocka_unit_test_setup_teardown(a_renewal_shows_that_the_last_line_was_lost, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_hole_in_the_group_attaches_everybody_again, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(two_rounds_overlap, begin_alice, script_teardown),
        cmocka_unit_test_setup_teardown(a_session_without_a_name_is_asked_for_once_more,
                                        begin_alice, script_teardown),
        cmocka_unit_test_setup_teardown(a_kick_while_a_round_is_out, begin_alice, script_teardown),
        cmocka_unit_test_setup_teardown(ended_while_pruning_or_closed_in_a_round, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(who_is_kicked_before_the_call_leaves_is_not_in_it, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(whose_call_cannot_leave_any_more_is_told, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(who_was_in_a_round_is_not_attached_behind_that, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_line_of_several_messages_counts_once, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(each_message_of_a_line_waits_for_what_is_missing,
                                        begin_alice, script_teardown),
        cmocka_unit_test_setup_teardown(an_id_of_too_many_digits_is_not_taken_over, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_new_epoch_is_noticed_in_any_answer, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_round_in_two_epochs_is_done_again, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(settling_is_told_by_the_renewal, begin_alice,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(not_all_calls_at_once, begin, script_teardown),
        cmocka_unit_test_setup_teardown(answers_to_an_older_round_do_not_count, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(nobody_is_left_out_of_a_long_round, begin, script_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
