/* test_relay.c - the relay's link and sessions, against a Redis that a script plays */
#include "gateway-svc/relay/relay_state.h"
#include "tests/support/log_lines.h"
#include "tests/support/relay_script.h"

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define DIGEST_BOB_HELLO "6fed55690b410786" /* FNV-1a, the lowest digit first */
#define ALICE "ok|e1|100|alice|Alice|7|0|5|90|0"

/* All unanswered calls, each by a pattern of fnmatch(3). */
#define CALLS(...) assert_calls((const char *const[]){__VA_ARGS__, NULL})
#define NO_CALLS() assert_int_equal(fake_calls(), 0)
#define TOLD(text) assert_string_equal(script_told(), text)

static void assert_calls(const char *const *patterns)
{
    size_t n = 0;
    for (; patterns[n]; n++) {
        if (fnmatch(patterns[n], fake_call(n), 0) != 0) {
            fail_msg("call %zu is \"%s\", not \"%s\"", n, fake_call(n), patterns[n]);
        }
    }
    assert_int_equal(fake_calls(), n);
}

static int begin(void **state)
{
    *state = script_begin();
    return 0;
}

static int begin_up(void **state)
{
    *state = script_begin();
    script_up();
    return 0;
}

static int end(void **state)
{
    (void)state;
    script_end();
    return 0;
}

/* Alice's session 'a', attached. */
static struct session *alice(void)
{
    struct session *s = script_open('a');
    fake_answer(ALICE);
    TOLD("attached a:Alice | ");
    return s;
}

static bool is_ready(struct relay *r)
{
    struct buf why;
    buf_init(&why, 256);
    bool ready = relay_is_ready(r, &why);
    assert_int_equal(ready, why.len == 0);
    buf_deinit(&why);
    return ready;
}

/* ---- The link -------------------------------------------------------------------------------- */

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
    alice();
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
    struct session *s = alice();
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

/* Many lines of one kind hide none of another. */
static void each_kind_of_log_line_has_a_limit_of_its_own(void **state)
{
    struct relay *r = *state;
    struct session *s = alice();
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
    alice();
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
    alice();
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

/* ---- One session ----------------------------------------------------------------------------- */

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
    fake_answer(ALICE);
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
    fake_answer(ALICE);
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
    fake_answer(ALICE);
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
    fake_answer(ALICE); /* to the first attempt, which was detached behind it */
    TOLD("");
    assert_false(s->attached);
    fake_answer("ok|e1");
    fake_answer(ALICE);
    TOLD("attached a:Alice | ");
}

static void close_while_there_is_no_link(void **state)
{
    struct relay *r = *state;
    struct session *s = alice();
    fake_feed_down();
    assert_false(s->attached);
    assert_ptr_equal(script_open('a'), s); /* who comes now waits with the others */
    relay_close(r, s, RELAY_WAS_HERE);
    script_link("2", "e1");
    CALLS("parley_prune gw 2 0"); /* which is what detaches it */
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
    struct session *s = alice();
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
    struct session *s = alice();
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
    struct session *s = alice();
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
    struct session *s = alice();
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
    struct session *s = alice();
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
    struct session *s = alice();
    script_say(s, "bob");
    relay_close(r, s, RELAY_WAS_HERE);
    CALLS("parley_send *", "parley_detach *");
    fake_answer("ok|e1|200|ok 200");
    fake_answer("ok|e1");
    (void)script_told();
    script_say(alice(), "bob");
    relay_leave(r);
    CALLS("parley_send *", "parley_leave *");
}

static void what_waits_for_the_end_of_the_turn_is_told_when_the_link_breaks(void **state)
{
    (void)state;
    struct session *s = alice();
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
    script_say(alice(), "bob");
    fake_commands_full(true);
    script_turn();
    fake_commands_full(false);
    NO_CALLS();
    TOLD("sent unavailable 0 | ");
}

static void answers_come_even_when_the_relay_ends(void **state)
{
    (void)state;
    script_send(alice(), "bob");
    script_say(sessions_at(((struct relay *)*state)->sessions, 0), "bob");
    script_open('b');
    script_free();
    TOLD("sent unavailable 0 | sent unavailable 0 | ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_keeps_its_order, begin, end),
        cmocka_unit_test_setup_teardown(an_address_that_nobody_set_is_our_end_of_the_connection,
                                        begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_attached_before_the_nonce_is_back, begin, end),
        cmocka_unit_test_setup_teardown(what_happens_is_counted, begin_up, end),
        cmocka_unit_test_setup_teardown(a_message_has_a_maximum, begin_up, end),
        cmocka_unit_test_setup_teardown(each_kind_of_log_line_has_a_limit_of_its_own, begin_up,
                                        end),
        cmocka_unit_test_setup_teardown(a_silent_subscription_ends_the_link, begin, end),
        cmocka_unit_test_setup_teardown(a_renew_without_answer_ends_the_link, begin, end),
        cmocka_unit_test_setup_teardown(the_lease_is_renewed_and_proven_each_time, begin_up, end),
        cmocka_unit_test_setup_teardown(ready_is_only_who_was_proven_within_the_lease, begin_up,
                                        end),
        cmocka_unit_test_setup_teardown(rounds_do_not_put_off_the_renewal, begin_up, end),
        cmocka_unit_test_setup_teardown(a_refused_link_is_made_anew_with_its_number, begin_up, end),
        cmocka_unit_test_setup_teardown(a_lapsed_lease_is_found_by_the_renewal, begin_up, end),
        cmocka_unit_test_setup_teardown(lost_data_is_counted_though_the_link_is_lost_before,
                                        begin_up, end),
        cmocka_unit_test_setup_teardown(a_link_is_lost_once_in_the_log, begin_up, end),
        cmocka_unit_test_setup_teardown(either_connection_takes_the_other_with_it, begin_up, end),
        cmocka_unit_test_setup_teardown(an_attempt_that_fails_leaves_the_other_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_subscription_that_cannot_be_made_is_tried_again, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_error_to_prune_starts_anew, begin, end),
        cmocka_unit_test_setup_teardown(who_leaves_does_not_come_back, begin_up, end),
        cmocka_unit_test_setup_teardown(a_session_is_attached_by_its_token, begin_up, end),
        cmocka_unit_test_setup_teardown(refusals_follow_the_table, begin_up, end),
        cmocka_unit_test_setup_teardown(a_call_that_cannot_be_sent_opens_nothing, begin_up, end),
        cmocka_unit_test_setup_teardown(who_comes_while_a_call_is_out_shares_the_next, begin_up,
                                        end),
        cmocka_unit_test_setup_teardown(an_answer_that_is_too_short_lets_nobody_wait, begin_up,
                                        end),
        cmocka_unit_test_setup_teardown(who_goes_before_his_call_is_in_none, begin_up, end),
        cmocka_unit_test_setup_teardown(a_call_that_is_full_waits_for_no_answer, begin_up, end),
        cmocka_unit_test_setup_teardown(who_waits_for_a_call_goes_with_the_link, begin_up, end),
        cmocka_unit_test_setup_teardown(a_kick_closes_who_is_not_attached_yet, begin_up, end),
        cmocka_unit_test_setup_teardown(close_before_the_answer, begin_up, end),
        cmocka_unit_test_setup_teardown(close_while_there_is_no_link, begin_up, end),
        cmocka_unit_test_setup_teardown(what_became_of_a_message, begin_up, end),
        cmocka_unit_test_setup_teardown(a_turn_is_one_call, begin_up, end),
        cmocka_unit_test_setup_teardown(what_comes_while_a_call_is_out_is_the_next_one, begin_up,
                                        end),
        cmocka_unit_test_setup_teardown(what_waits_for_an_answer_is_told_when_the_link_breaks,
                                        begin_up, end),
        cmocka_unit_test_setup_teardown(a_call_takes_64_messages_or_64_kib, begin_up, end),
        cmocka_unit_test_setup_teardown(what_waits_for_the_end_of_the_turn_is_overtaken_by_nothing,
                                        begin_up, end),
        cmocka_unit_test_setup_teardown(
            what_waits_for_the_end_of_the_turn_is_told_when_the_link_breaks, begin_up, end),
        cmocka_unit_test_setup_teardown(a_call_that_cannot_be_sent_is_told, begin_up, end),
        cmocka_unit_test_setup_teardown(answers_come_even_when_the_relay_ends, begin_up, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
