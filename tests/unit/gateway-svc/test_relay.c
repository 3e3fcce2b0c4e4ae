/* test_relay.c - the relay's link, against a Redis that a script plays */
#include "gateway-svc/relay/relay_state.h"
#include "tests/support/log_lines.h"
#include "tests/support/relay_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static bool is_ready(struct relay *r)
{
    struct buf why;
    buf_init(&why, 256);
    bool ready = relay_is_ready(r, &why);
    assert_int_equal(ready, why.len == 0);
    buf_deinit(&why);
    return ready;
}

static void a_link_keeps_its_order(void **state)
{
    struct relay *r = *state;
    fake_commands_up();
    NO_CALLS(); /* one connection is not enough */
    fake_feed_up();
    assert_true(fake_feed_is_subscribed("p:to:gw"));
    assert_true(fake_feed_is_subscribed("p:group"));
    assert_true(fake_feed_is_subscribed("p:presence"));
    CALLS("parley_renew gw new 0 ???????????????? "
          "{\"address\":\"10.0.0.1:8002\"*\"connections\":3*} many");
    assert_string_equal(fake_call_caller(0)->epoch, "");
    assert_int_equal(fake_call_caller(0)->lease_ms, SCRIPT_LEASE_MS);
    assert_null(script_open('a')); /* no number yet */
    script_nonce("0 e1");          /* it may be quicker than the answer */
    CALLS("parley_renew *");
    fake_answer("ok|e1|100|5|0|1|0|0");
    CALLS("parley_prune gw 5 0");
    assert_false(is_ready(r));
    fake_answer("ok|e1|17");
    CALLS("parley_prune gw 5 17");
    fake_answer("ok|e1|0");
    CALLS("parley_roster 0");
    assert_string_equal(fake_call_caller(0)->epoch, "e1");
    assert_int_equal(fake_call_caller(0)->seen, 100);
    assert_true(is_ready(r));
}

static void an_address_that_nobody_set_is_our_end_of_the_connection(void **state)
{
    struct relay *r = *state;
    r->config.address = NULL;
    r->config.port = 8002;
    fake_commands_up();
    fake_feed_up();
    CALLS("parley_renew gw new 0 ???????????????? {\"address\":\"[[]2001:db8::7]:8002\"*} many");
}

static void nothing_is_attached_before_the_nonce_is_back(void **state)
{
    (void)state;
    fake_feed_up();
    fake_commands_up();
    fake_answer("ok|e1|100|5|0|1|0|0");
    NO_CALLS();
    script_own("nonce", "0123456789abcdef 0 0 e1"); /* another's */
    NO_CALLS();
    assert_null(script_open('a'));
    script_tick();
    CALLS("parley_renew gw keep 5 *"); /* asks again, with the same nonce: any copy proves it */
    script_nonce("0 e1");
    CALLS("parley_renew gw keep 5 *", "parley_prune gw 5 0");
}

static void a_silent_subscription_ends_the_link(void **state)
{
    (void)state;
    fake_feed_up();
    fake_commands_up();
    fake_answer("ok|e1|100|5|0|1|0|0");
    script_pass(SCRIPT_LEASE_MS);
    script_tick();
    fake_answer("ok|e1|100|5|0|1|0|0");
    assert_int_equal(fake_resets(), 0);
    script_pass(1);
    script_tick();
    assert_int_equal(fake_resets(), 2);
}

static void a_renew_without_answer_ends_the_link(void **state)
{
    (void)state;
    fake_feed_up();
    fake_commands_up();
    fake_answer_error("READONLY You can't write against a read only replica.");
    script_pass(SCRIPT_LEASE_MS);
    script_tick();
    NO_CALLS();
    assert_int_equal(fake_resets(), 0);
    script_pass(1);
    script_tick();
    assert_int_equal(fake_resets(), 2);
}

static void the_lease_is_renewed_and_proven_each_time(void **state)
{
    struct relay *r = *state;
    char first[32];
    script_tick();
    CALLS("parley_renew gw keep 1 ???????????????? {*} many");
    snprintf(first, sizeof first, "%s", fake_call_arg(0, 3));
    script_nonce("0 e1");
    fake_answer("ok|e1|150|1|0|2|0|0");
    script_pass(1000);
    script_tick();
    CALLS("parley_renew gw keep 1 *");
    assert_string_not_equal(fake_call_arg(0, 3), first);
    assert_int_equal(fake_call_caller(0)->seen, 150);
    snprintf(first, sizeof first, "%s", fake_call_arg(0, 3));
    fake_answer("ok|e1|150|1|0|2|0|0");
    assert_true(is_ready(r));
    script_tick(); /* this one did not come back yet: it is asked for again ... */
    CALLS("parley_renew gw keep 1 *");
    assert_string_equal(fake_call_arg(0, 3), first);
    fake_answer("ok|e1|150|1|0|2|0|0");
    assert_int_equal(fake_resets(), 0);
    script_pass(SCRIPT_LEASE_MS * 2 / 3); /* ... but not until the lease is over */
    script_tick();
    assert_int_equal(fake_resets(), 2);
    assert_false(is_ready(r));
}

static void ready_is_only_who_was_proven_within_the_lease(void **state)
{
    struct relay *r = *state;
    script_pass(SCRIPT_LEASE_MS);
    assert_true(is_ready(r));
    script_pass(1);
    assert_false(is_ready(r));
}

/* Holes and new epochs begin rounds, however often; the lease must not wait for them. */
static void rounds_do_not_put_off_the_renewal(void **state)
{
    struct relay *r = *state;
    ev_tstamp before = r->tick.at;
    ev_tstamp then = ev_now(r->loop);
    while (ev_now(r->loop) <= then) {
        ev_now_update(r->loop);
    }
    script_own_is_lost();
    script_own("end", "x kicked"); /* not even a good line */
    script_own("nonce", "0123456789abcdef 0 0 e1");
    CALLS("parley_prune *");
    assert_true(r->tick.at == before);
}

static void what_happens_is_counted(void **state)
{
    struct relay *r = *state;
    const struct relay_stats *s = relay_stats(r);
    char end_of_a[128];
    assert_int_equal(s->links, 1);
    assert_int_equal(s->state[LINK_UP], 1);
    assert_int_equal(s->nonces.at[0], 1);
    script_alice();
    assert_int_equal(relay_stats(r)->sessions, 1);
    script_open('b');
    fake_answer("unknown|e1|100");
    assert_int_equal(s->refused, 1);
    fake_publish("p:to:gw", "no line of ours");
    assert_int_equal(s->bad_lines, 1);
    script_group_is_lost();
    script_group("message", "102 x - \n{}"); /* not good either, so it is no hole */
    assert_int_equal(s->group_holes, 0);
    assert_int_equal(s->bad_lines, 2);
    (void)script_told();
    /* These go to single gateways: they end nobody, and are no hole either. */
    snprintf(end_of_a, sizeof end_of_a, "end 9 %s kicked", script_hash('a'));
    fake_publish("p:group", end_of_a);
    fake_publish("p:group", "nonce 9 0123456789abcdef 0 0 e1");
    assert_int_equal(s->bad_lines, 4);
    TOLD("");
    fake_publish("p:presence", "e1 5 no change");
    assert_int_equal(s->bad_lines, 5);
    assert_int_equal(s->group_holes, 0);
    script_own_is_lost();
    script_own("nonce", "0123456789abcdef 0 0 e1");
    assert_int_equal(s->own_holes, 1);
    assert_int_equal(relay_stats(r)->state[LINK_ATTACHING], 1);
    assert_int_equal(s->state[LINK_UP], 0);
    fake_feed_down();
    assert_int_equal(s->losses, 1); /* of both its connections, which are one link */
    assert_int_equal(relay_stats(r)->state[LINK_DOWN], 1);
    assert_int_equal(s->links, 1);
}

/* Many lines of one kind hide none of another. */
static void each_kind_of_log_line_has_a_limit_of_its_own(void **state)
{
    struct relay *r = *state;
    struct session *s = script_alice();
    char message[128];
    for (int i = 0; i < 6; i++) {
        fake_publish("p:presence", "no line of ours");
    }
    assert_true(script_send(s, "bob"));
    fake_answer_error("OOM");
    assert_true(script_send(s, "bob"));
    fake_answer("ok|e1|0|failed WRONGTYPE");
    script_group_is_lost();
    snprintf(message, sizeof message, "101 %s - \n{}", script_hash('z'));
    script_group("message", message);
    assert_int_equal(r->stats.group_holes, 1);
    assert_int_equal(r->limits.holes.suppressed, 0);
    assert_int_equal(r->limits.bad_lines.suppressed, 1);
    assert_int_equal(r->limits.refused_calls.suppressed, 0);
    assert_int_equal(r->limits.refused_messages.suppressed, 0);
}

static void a_refused_link_is_made_anew_with_its_number(void **state)
{
    (void)state;
    script_alice();
    script_open('b');
    CALLS("parley_connect gw 1 bbb*");
    fake_answer("link|e1");
    assert_int_equal(fake_resets(), 2);
    TOLD("refused b unavailable | "); /* nobody knows whose it is; alice waits */
    assert_null(script_open('b'));
    script_link("2", "e1");
    CALLS("parley_reattach gw 2 aaa* alice Alice 7 0");
    fake_answer("ok|e1|100|0|0|ok|0");
    TOLD("attached a:Alice | ");
    CALLS("parley_group gw 2 100");
    script_filled("e1", "100");
    CALLS("parley_prune gw 2 0");
}

static void a_lapsed_lease_is_found_by_the_renewal(void **state)
{
    (void)state;
    script_tick();
    fake_answer("link|e1");
    assert_int_equal(fake_resets(), 2);
}

/* Redis that was emptied, or that restarted, knows no link: so only the next one hears of the
 * epoch. */
static void lost_data_is_counted_though_the_link_is_lost_before(void **state)
{
    struct relay *r = *state;
    script_alice();
    assert_int_equal(r->stats.epochs, 0);
    script_tick();
    fake_answer("link|e2");
    script_link("2", "e2");
    assert_int_equal(r->stats.epochs, 1);
    fake_answer("ok|e2|100|0|0|ok|0"); /* the same in each answer to come */
    assert_int_equal(r->stats.epochs, 1);
}

static void either_connection_takes_the_other_with_it(void **state)
{
    (void)state;
    fake_feed_down();
    assert_int_equal(fake_resets(), 1);
    fake_feed_up();
    NO_CALLS();
    fake_commands_up();
    CALLS("parley_renew gw new 1 *");
    fake_commands_down();
    assert_int_equal(fake_resets(), 1);
}

static void a_link_is_lost_once_in_the_log(void **state)
{
    (void)state;
    struct log_lines log = log_lines_begin();
    fake_feed_down();
    assert_int_equal(fake_resets(), 1);
    assert_int_equal(log_lines_with(&log, "link lost number=1 state=up connection=subscriptions"),
                     1);
    fake_feed_up(); /* and the other one not: there is no link that could be lost */
    fake_feed_down();
    fake_commands_down();
    fake_commands_up();
    fake_feed_up(); /* it has asked for a number, and has none yet */
    fake_feed_down();
    log_lines_end(&log);
    assert_int_equal(log_lines_with(&log, "link lost"), 1);
    log_lines_free(&log);
}

static void an_attempt_that_fails_leaves_the_other_alone(void **state)
{
    (void)state;
    fake_feed_up();
    fake_commands_down();
    assert_int_equal(fake_resets(), 0);
    fake_commands_up();
    CALLS("parley_renew gw new 0 *");
}

static void a_subscription_that_cannot_be_made_is_tried_again(void **state)
{
    (void)state;
    fake_commands_up();
    fake_subscribe_fails(true);
    fake_feed_up();
    assert_int_equal(fake_resets(), 1);
    fake_subscribe_fails(false);
    fake_feed_up();
    CALLS("parley_renew gw new 0 *");
}

static void an_error_to_prune_starts_anew(void **state)
{
    (void)state;
    script_link("1", "e1");
    CALLS("parley_prune *");
    fake_answer_error("MISCONF");
    assert_int_equal(fake_resets(), 2);
}

static void who_leaves_does_not_come_back(void **state)
{
    struct relay *r = *state;
    relay_leave(r);
    CALLS("parley_leave gw 1");
    assert_false(ev_is_active(&r->tick));
    fake_commands_down();
    fake_feed_down();
    fake_feed_up();
    fake_commands_up();
    NO_CALLS();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_keeps_its_order, script_setup, script_teardown),
        cmocka_unit_test_setup_teardown(an_address_that_nobody_set_is_our_end_of_the_connection,
                                        script_setup, script_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_attached_before_the_nonce_is_back, script_setup,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(what_happens_is_counted, script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(each_kind_of_log_line_has_a_limit_of_its_own,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(a_silent_subscription_ends_the_link, script_setup,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_renew_without_answer_ends_the_link, script_setup,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(the_lease_is_renewed_and_proven_each_time, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(ready_is_only_who_was_proven_within_the_lease,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(rounds_do_not_put_off_the_renewal, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_refused_link_is_made_anew_with_its_number,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(a_lapsed_lease_is_found_by_the_renewal, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(lost_data_is_counted_though_the_link_is_lost_before,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(a_link_is_lost_once_in_the_log, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(either_connection_takes_the_other_with_it, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(an_attempt_that_fails_leaves_the_other_alone, script_setup,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_subscription_that_cannot_be_made_is_tried_again,
                                        script_setup, script_teardown),
        cmocka_unit_test_setup_teardown(an_error_to_prune_starts_anew, script_setup,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(who_leaves_does_not_come_back, script_setup_up,
                                        script_teardown),
    };
    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
