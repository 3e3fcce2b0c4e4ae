/* test_relay_repair.c - what was missed: holes that the relay fills */
#include "tests/support/relay_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define WINDOW 16 /* questions at the same time */

/* The link breaks and comes back as number 2; `newest`: of b and a, whom the round names in this
 * order.  message:id is then `id`. */
static void relink(const char *id, const char *newest)
{
    char text[128];
    fake_feed_down();
    script_link("2", "e1");
    snprintf(text, sizeof text, "ok|e1|%s|0|0|ok|ok|%s", id, newest);
    fake_answer(text);
    TOLD("attached b:Userb | attached a:Usera | ");
}

/* ---- Attached later than messages ------------------------------------------------------------ */

static void messages_may_be_quicker_than_the_answer_to_connect(void **state)
{
    (void)state;
    script_open('c');
    script_group("message", script_message(101, 'a', '*'));
    script_own("message", script_message(102, 'a', 'c'));
    (void)script_told();
    fake_answer("ok|e1|100|userc|Userc|7|0|5|90|0||0|0");
    TOLD("attached c:Userc left=100 | ");
    script_open('d');
    fake_answer("ok|e1|102|userd|Userd|7|0|5|90|0|77|0|0");
    TOLD("attached d:Userd left=77 | "); /* was in grace */
    script_open('e');
    fake_answer("ok|e1|102|usere|Usere|7|0|5|90|0||0|0");
    TOLD("attached e:Usere | ");
}

/* ---- Filling --------------------------------------------------------------------------------- */

static void what_was_missed_comes_in_order_to_each(void **state)
{
    (void)state;
    relink("105", "104|104");
    CALLS("parley_replay gw 2 bbb* 100 inbox", "parley_replay gw 2 aaa* 100 inbox",
          "parley_group gw 2 100");
    script_answer("ok|e1|105|1|0|105", script_message(101, 'a', 'b'), script_message(104, 'b', 'a'),
                  NULL);
    script_answer("ok|e1|105|1|0|105", script_message(101, 'a', 'b'), script_message(103, 'z', 'a'),
                  script_message(104, 'b', 'a'));
    TOLD("");
    script_own("message", script_message(106, 'z', 'b'));
    TOLD(""); /* while anything is missing nothing else is delivered */
    script_answer("ok|e1|105|1|0|105|2", script_message(102, 'z', '*'),
                  script_message(105, 'a', '*'), NULL);
    TOLD("message 101 to=b from=- | message 101 to=- from=a | message 102 to=* from=- | "
         "message 103 to=a from=- | message 104 to=- from=b | message 104 to=a from=- | "
         "message 105 to=* from=a | message 106 to=b from=- | ");
    CALLS("parley_prune gw 2 0");
}

static void pages_go_on_until_the_end(void **state)
{
    (void)state;
    relink("105", "0|0");
    script_answer("ok|e1|105|1|1|102|9", script_message(101, 'z', '*'),
                  script_message(102, 'z', '*'), NULL);
    CALLS("parley_group gw 2 102");
    script_answer("ok|e1|107|1|1|105|9", script_message(103, 'z', '*'),
                  script_message(105, 'z', '*'), NULL);
    /* Nothing above the first answer's id is asked for: it comes by itself. */
    CALLS("parley_prune *");
    TOLD("message 101 to=* from=- | message 102 to=* from=- | message 103 to=* from=- | "
         "message 105 to=* from=- | ");
}

static void what_comes_by_itself_comes_once(void **state)
{
    (void)state;
    relink("102", "0|0");
    script_group("message", script_message(102, 'z', '*')); /* on its way while the round began */
    script_group("message", script_message(103, 'z', '*'));
    script_answer("ok|e1|104|1|0|104|9", script_message(102, 'z', '*'),
                  script_message(103, 'z', '*'), script_message(104, 'z', '*'));
    TOLD("message 102 to=* from=- | message 103 to=* from=- | ");
    script_group("message", script_message(104, 'z', '*'));
    TOLD("message 104 to=* from=- | ");
    script_group("message", script_message(104, 'z', '*'));
    TOLD(""); /* whatever a line says, ids rise */
}

static void only_who_missed_something_is_asked_for(void **state)
{
    struct relay *r = *state;
    script_own("message", script_message(110, 'z', 'a'));
    (void)script_told();
    struct session *c = script_open('c');
    fake_answer("ok|e1|120|userc|Userc|7|0|5|90|0||0|115");
    (void)script_told();
    assert_int_equal(c->attach_id, 120);
    fake_feed_down();
    script_link("2", "e1");
    fake_answer("ok|e1|130|0|0|ok|ok|ok|119|100|111"); /* c, b, a; 119 is older than c here */
    CALLS("parley_replay gw 2 aaa* 110 inbox", "parley_group gw 2 100");
    fake_answer("ok|e1|130|1|0|130");
    script_filled("e1", "130");
    assert_int_equal(r->group_mark, 130);
    assert_int_equal(sessions_find(r->sessions, slice_text(script_hash('a')))->newest, 130);
}

static void what_nobody_has_any_more_is_told(void **state)
{
    (void)state;
    relink("105", "0|104");
    script_answer("ok|e1|105|0|0|105", script_message(104, 'z', 'a'), NULL, NULL);
    script_answer("ok|e1|105|1|0|105|2", script_message(105, 'z', '*'), NULL, NULL);
    TOLD("message 104 to=a from=- | message 105 to=* from=- | lost a 103 | ");
    fake_answer("ok|e1|0"); /* prune */
    fake_feed_down();
    script_link("3", "e1");
    fake_answer("ok|e1|109|0|0|ok|ok|0|104");
    (void)script_told();
    script_answer("ok|e1|109|0|0|109|2", script_message(109, 'z', '*'), NULL, NULL);
    TOLD("message 109 to=* from=- | lost * 108 | ");
}

static void what_is_lost_of_both_is_told_at_once(void **state)
{
    (void)state;
    relink("105", "102|104"); /* b, a */
    script_answer("ok|e1|105|0|0|105", script_message(102, 'z', 'b'), NULL, NULL);
    script_answer("ok|e1|105|0|0|105", script_message(104, 'z', 'a'), NULL, NULL);
    script_answer("ok|e1|105|0|0|105|2", script_message(103, 'z', '*'), NULL, NULL);
    TOLD("message 102 to=b from=- | message 103 to=* from=- | message 104 to=a from=- | "
         "lost b 102 | lost a 103 | lost * 102 | ");
}

/* A direct message was lost, and a later one to the group was not: ids would not rise. */
static void what_comes_too_late_is_lost(void **state)
{
    (void)state;
    script_own_is_lost();
    script_group("message", script_message(102, 'z', '*'));
    TOLD("message 102 to=* from=- | ");
    script_own("message", script_message(103, 'z', 'a'));
    fake_answer("ok|e1|103|0|0|ok|ok|0|103");
    (void)script_told();
    script_answer("ok|e1|103|1|0|103", script_message(101, 'z', 'a'), script_message(103, 'z', 'a'),
                  NULL);
    script_answer("ok|e1|103|1|0|103|1", NULL, NULL, NULL);
    TOLD("message 103 to=a from=- | lost a 101 | ");
}

/* Marks are never of an older epoch, or the next hole would look like a loss. */
static void whoever_missed_nothing_is_as_far_as_all(void **state)
{
    struct relay *r = *state;
    relink("105", "0|0");
    script_answer("ok|e1|105|1|0|105|2", script_message(105, 'z', '*'), NULL, NULL);
    (void)script_told();
    assert_int_equal(sessions_find(r->sessions, slice_text(script_hash('a')))->newest, 105);
    fake_answer("ok|e1|0"); /* prune */
    fake_feed_down();
    script_link("3", "e1");
    fake_answer("ok|e1|109|0|0|ok|ok|0|108");
    CALLS("parley_replay gw 3 aaa* 105 inbox", "parley_group gw 3 105");
    (void)script_told();
}

/* The nonce and a message are quicker than the answer to the renewal, and nobody is here. */
static void what_passes_by_before_anybody_is_here_is_missed_by_nobody(void **state)
{
    script_teardown(state);
    struct relay *r = script_begin();
    *state = r;
    fake_feed_up();
    fake_commands_up();
    script_nonce("0 e1");
    script_group("message", script_message(102, 'z', '*'));
    fake_answer("ok|e1|101|1|0|1|0|0");
    assert_int_equal(r->state, LINK_PRUNING);
    assert_int_equal(r->group_mark, 102);
    assert_int_equal(r->delivered, 102);
}

/* The lease had lapsed: what was sent to a was not published to us, what was sent to b still was.
 */
static void each_session_has_its_own_mark(void **state)
{
    (void)state;
    script_own("message", script_message(102, 'z', 'b'));
    (void)script_told();
    relink("102", "102|101");
    CALLS("parley_replay gw 2 aaa* 100 inbox", "parley_group gw 2 100");
    script_answer("ok|e1|102|1|0|102", script_message(101, 'z', 'a'), NULL, NULL);
    script_filled("e1", "102");
    TOLD("message 101 to=a from=- | ");
}

/* This process was stopped for so long: it must not go on as if nothing had been. */
static void after_a_long_pause_nothing_is_delivered_before_what_was_missed(void **state)
{
    (void)state;
    script_tick();
    script_nonce("0 e1");
    fake_answer("ok|e1|100|1|0|2|0|0|0");
    script_tick(); /* this nonce waits in the kernel while we sleep */
    fake_answer("ok|e1|100|1|0|3|0|0|0");
    script_pass(SCRIPT_LEASE_MS + 1);
    script_nonce("0 e1");
    script_group("message", script_message(102, 'z', '*'));
    TOLD("");
    CALLS("parley_reattach gw 1 *");
    script_tick(); /* a new one comes back in time */
    script_nonce("0 e1");
    fake_answer("ok|e1|102|0|0|ok|ok|0|101");
    fake_answer("ok|e1|102|1|0|4|1|0|0");
    script_answer("ok|e1|102|1|0|102", script_message(101, 'z', 'a'), NULL, NULL);
    script_answer("ok|e1|102|1|0|102|1", script_message(102, 'z', '*'), NULL, NULL);
    TOLD("attached b:Userb | attached a:Usera | message 101 to=a from=- | message 102 to=* from=- "
         "| ");
}

/* So was the machine, whose monotonic clock stood still. */
static void so_it_is_after_a_suspended_machine(void **state)
{
    (void)state;
    script_suspend(SCRIPT_LEASE_MS);
    script_own("message", script_message(101, 'z', 'a'));
    TOLD("message 101 to=a from=- | ");
    script_suspend(1);
    script_own("message", script_message(103, 'z', 'a'));
    TOLD("");
    CALLS("parley_reattach gw 1 *");
}

/* What shows that our lease held: '.' half a second passes, 't' a renewal is asked for, 'o' the
 * oldest one is accepted, 'e' it is answered with an error, 'n' its nonce comes back. */
static void take_step(char step)
{
    switch (step) {
    case '.': script_pass(500); break;
    case 't': script_tick(); break;
    case 'o': fake_answer("ok|e1|100|1|0|1|0|0|0"); break;
    case 'e': fake_answer_error("ERR no"); break;
    default: script_nonce("0 e1"); break;
    }
}

static void lines_are_delivered_while_the_lease_is_known_to_hold(void **state)
{
    static const struct {
        const char *steps;
        uint64_t left_ms; /* of it */
    } rows[] = {
        {"",         SCRIPT_LEASE_MS       }, /* the first nonce was of this moment */
        {"..",       SCRIPT_LEASE_MS - 1000},
        {"..t",      SCRIPT_LEASE_MS - 1000}, /* asking proves nothing */
        {"..te",     SCRIPT_LEASE_MS - 1000}, /* nor does an error */
        {"..to",     SCRIPT_LEASE_MS       },
        {"..tn",     SCRIPT_LEASE_MS       }, /* no nonce is published for who is refused */
        {"..t.o",    SCRIPT_LEASE_MS - 500 }, /* from when it was asked for */
        {"..t.n",    SCRIPT_LEASE_MS - 500 },
        {"..t.to",   SCRIPT_LEASE_MS - 500 }, /* of two, the older one was accepted */
        {"..t.tn",   SCRIPT_LEASE_MS - 500 }, /* it may be the older one's nonce */
        {"..t.too",  SCRIPT_LEASE_MS       },
        {"..t.toon", SCRIPT_LEASE_MS       }, /* a nonce that is late takes nothing back */
        {"..t.teo",  SCRIPT_LEASE_MS       },
        {"..t.toe",  SCRIPT_LEASE_MS - 500 },
    };
    script_teardown(state);
    for (size_t i = 0; i < ROWS(rows); i++) {
        script_setup_two(state);
        for (const char *step = rows[i].steps; *step; step++) {
            take_step(*step);
        }
        script_pass(rows[i].left_ms);
        script_own("message", script_message(101, 'z', 'a'));
        TOLD("message 101 to=a from=- | ");
        script_pass(1);
        script_own("message", script_message(102, 'z', 'a'));
        TOLD("");
        script_teardown(state);
    }
    script_setup_two(state);
}

/* Else it would begin with that anew each time, and never end. */
static void attaching_everybody_may_take_longer_than_the_lease(void **state)
{
    struct relay *r = *state;
    script_own_is_lost();
    script_own("message", script_message(110, 'z', 'a'));
    fake_answer("ok|e1|109|0|0|ok|ok|0|109");
    script_answer("ok|e1|109|1|1|101", script_message(101, 'z', 'a'), NULL, NULL);
    fake_answer("ok|e1|109|1|0|109|0"); /* the group missed nothing; what a did comes slowly */
    for (unsigned ms = 0, id = 102; ms <= SCRIPT_LEASE_MS; ms += 1000, id++) {
        char head[64];
        snprintf(head, sizeof head, "ok|e1|109|1|1|%u", id);
        script_pass(1000);
        script_tick();
        script_nonce("0 e1");
        script_answer(head, script_message((int)id, 'z', 'a'), NULL, NULL);
        fake_answer("ok|e1|109|1|0|1|0|0|0");
    }
    (void)script_told();
    fake_answer("ok|e1|109|1|0|109");
    (void)script_told();
    assert_int_equal(r->state, LINK_PRUNING);
    script_own("message", script_message(111, 'z', 'a'));
    TOLD("message 111 to=a from=- | ");
}

static void who_ends_or_closes_meanwhile_gets_nothing(void **state)
{
    struct relay *r = *state;
    char rest[128];
    relink("105", "104|104");
    snprintf(rest, sizeof rest, "%s kicked", script_hash('a'));
    script_own("end", rest);
    TOLD("ended a kicked | "); /* at once */
    relay_close(r, sessions_at(r->sessions, 0), RELAY_WAS_HERE);
    assert_string_equal(fake_call_arg(fake_calls() - 1, 3),
                        "100"); /* what is missing it never got */
    script_answer("ok|e1|105|0|0|105", script_message(104, 'z', 'b'), NULL, NULL);
    fake_answer("unknown|e1");
    script_answer("ok|e1|105|1|0|105|2", script_message(105, 'z', '*'), NULL, NULL);
    TOLD("message 105 to=* from=- | ");
    CALLS("parley_detach *", "parley_prune *");
}

static void a_copy_that_is_not_its_owners_is_not_delivered(void **state)
{
    (void)state;
    relink("105", "0|104");
    script_answer("ok|e1|105|1|0|105", script_message(103, 'z', 'b'), script_message(104, 'z', 'a'),
                  NULL);
    script_filled("e1", "105");
    TOLD("message 104 to=a from=- | ");
}

static void a_link_that_breaks_while_filling_starts_over(void **state)
{
    struct relay *r = *state;
    relink("105", "0|104");
    script_answer("ok|e1|105|1|0|105", script_message(104, 'z', 'a'), NULL, NULL);
    script_own("message", script_message(106, 'z', 'a'));
    fake_feed_down();
    TOLD("");
    assert_int_equal(r->group_mark, 100);
    script_link("3", "e1");
    fake_answer("ok|e1|106|0|0|ok|ok|0|106");
    (void)script_told();
    CALLS("parley_replay gw 3 aaa* 100 inbox", "parley_group gw 3 100");
    script_answer("ok|e1|106|1|0|106", script_message(104, 'z', 'a'), script_message(106, 'z', 'a'),
                  NULL);
    script_filled("e1", "106");
    TOLD("message 104 to=a from=- | message 106 to=a from=- | ");
}

static void an_answer_that_cannot_be_ends_the_link(void **state)
{
    (void)state;
    relink("105", "0|0");
    (void)fake_resets();
    fake_answer_error("OOM");
    assert_int_equal(fake_resets(), 2);
    relink("105", "0|0");
    (void)fake_resets();
    fake_commands_full(true);
    script_answer("ok|e1|105|1|1|102|9", script_message(101, 'z', '*'), NULL, NULL);
    assert_int_equal(fake_resets(), 2);
}

static void a_page_that_is_none_is_a_loss(void **state)
{
    (void)state;
    relink("105", "0|0");
    fake_answer("ok|e1|105|1|0|105"); /* without the count */
    TOLD("lost * 105 | ");            /* what comes later may be lost, too, and is told then */
}

/* His copies were asked for when he was here before; now he has attached behind them. */
static void who_comes_again_meanwhile_gets_nothing_of_before(void **state)
{
    struct relay *r = *state;
    relink("105", "0|104");
    relay_close(r, sessions_find(r->sessions, slice_text(script_hash('a'))), RELAY_WAS_HERE);
    (void)script_open('a');
    CALLS("parley_replay gw 2 aaa* 100 inbox", "parley_group gw 2 100", "parley_detach *",
          "parley_connect *");
    script_answer("ok|e1|105|1|1|103", script_message(103, 'z', 'a'), NULL, NULL);
    script_answer("ok|e1|105|1|0|105|2", NULL, NULL, NULL);
    fake_answer("ok|e1");
    fake_answer("ok|e1|106|usera|Usera|7|0|5|106|0||0|0");
    TOLD("attached a:Usera | ");
    script_answer("ok|e1|106|1|0|106", script_message(104, 'z', 'a'), NULL, NULL);
    TOLD("");
}

static void another_hole_while_filling_begins_anew(void **state)
{
    (void)state;
    relink("105", "0|104");
    script_own_is_lost();
    script_own("message", script_message(107, 'z', 'a'));
    CALLS("parley_replay *", "parley_group *", "parley_reattach gw 2 *");
    script_answer("ok|e1|105|1|0|105", script_message(104, 'z', 'a'), NULL, NULL);
    script_answer("ok|e1|105|1|0|105|2", script_message(105, 'z', '*'), NULL, NULL);
    TOLD(""); /* they were for the round before */
    fake_answer("ok|e1|107|0|0|ok|ok|0|107");
    (void)script_told();
    CALLS("parley_replay gw 2 aaa* 100 inbox", "parley_group gw 2 100");
}

/* ---- Much ------------------------------------------------------------------------------------ */

static void not_all_questions_at_once(void **state)
{
    struct relay *r = *state;
    char text[4096];
    for (int letter = 'c'; letter <= 'z'; letter++) {
        (void)script_open_at_100((char)letter);
    }
    size_t count = sessions_count(r->sessions), used;
    fake_feed_down();
    script_link("2", "e1");
    used = (size_t)snprintf(text, sizeof text, "ok|e1|105|0|0");
    for (size_t i = 0; i < 2 * count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, i < count ? "|ok" : "|105");
    }
    fake_answer(text);
    assert_int_equal(fake_calls(), WINDOW);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(r->state, LINK_FILLING);
        fake_answer("ok|e1|105|1|0|105");
    }
    script_filled("e1", "105");
    assert_int_equal(r->state, LINK_PRUNING);
}

/* A message whose text has so many bytes. */
static char *large(int id, char from, char to, size_t bytes)
{
    char *text = malloc(bytes + 512);
    assert_non_null(text);
    int head = snprintf(text, 512, "%d %s %s \n{\"t\":\"", id, script_hash(from),
                        to == '*' ? "-" : script_hash(to));
    memset(text + head, 'x', bytes);
    memcpy(text + head + bytes, "\"}", 3);
    return text;
}

static char *with_head(const char *head, char *text)
{
    size_t len = strlen(head) + strlen(text) + 2;
    char *both = malloc(len);
    assert_non_null(both);
    snprintf(both, len, "%s|%s", head, text);
    free(text);
    return both;
}

static void too_much_is_left_to_each_client(void **state)
{
    struct relay *r = *state;
    relink("105", "0|0");
    char *page = with_head("ok|e1|105|1|1|101|9", large(101, 'z', '*', SCRIPT_QUEUE_BYTES / 4));
    fake_answer(page);
    free(page);
    page = with_head("ok|e1|105|1|1|102|9", large(102, 'z', '*', SCRIPT_QUEUE_BYTES / 4));
    script_group("message", script_message(106, 'z', '*'));
    fake_answer(page);
    free(page);
    TOLD("behind | message 106 to=* from=- | "); /* what waited still comes */
    assert_int_equal(r->group_mark, 106);
    CALLS("parley_prune *");
}

/* Alice's inbox, a quarter of what may wait for her. */
static void so_is_too_much_of_one_session(void **state)
{
    struct relay *r = *state;
    relink("105", "0|101");
    CALLS("parley_replay gw 2 aaa*", "parley_group gw 2 *");
    char *page = with_head("ok|e1|105|1|0|105", large(101, 'z', 'a', SCRIPT_QUEUE_BYTES / 4));
    fake_answer(page);
    free(page);
    script_filled("e1", "105");
    TOLD("behind | ");
    assert_int_equal(r->group_mark, 105);
}

/* Alice asks for what came behind the last that she got, which is of the group: what was lost
 * before that only the fill can find. */
static void what_comes_too_late_is_told_when_it_is_too_much(void **state)
{
    (void)state;
    script_own_is_lost();
    script_group("message", script_message(103, 'z', '*'));
    TOLD("message 103 to=* from=- | ");
    script_own("message", script_message(110, 'z', 'a'));
    fake_answer("ok|e1|110|0|0|ok|ok|109|110");
    (void)script_told();
    CALLS("parley_replay gw 1 bbb* 100 inbox", "parley_replay gw 1 aaa* 100 inbox",
          "parley_group gw 1 103");
    char *page = with_head("ok|e1|110|1|1|108", large(108, 'z', 'b', SCRIPT_QUEUE_BYTES / 4));
    fake_answer(page);
    free(page);
    script_answer("ok|e1|110|1|1|101", script_message(101, 'z', 'a'), NULL, NULL);
    CALLS("parley_group gw 1 103",
          "parley_replay gw 1 aaa* 101 inbox"); /* is there more of that? */
    fake_answer("ok|e1|110|1|0|103|9");
    script_answer("ok|e1|110|1|1|105", script_message(102, 'z', 'a'), script_message(105, 'z', 'a'),
                  NULL);
    TOLD("behind | lost a 102 | ");
    CALLS("parley_prune *");
}

/* A queue of any length: of the group half, of a session a quarter, and not more than is healthy.
 */
static void what_comes_at_once_has_room_in_the_queue(void **state)
{
    static const struct {
        size_t queue, group, session;
    } rows[] = {
        {256 << 10, 128 << 10, 64 << 10 },
        {1 << 20,   512 << 10, 256 << 10},
        {1 << 30,   512 << 10, 256 << 10},
    };
    struct fill f;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fill_init(&f, rows[i].queue);
        fill_clear(&f); /* which forgets no limit */
        assert_int_equal(f.group_max, rows[i].group);
        assert_int_equal(f.session_max, rows[i].session);
        fill_clear(&f);
    }
}

static void more_than_may_wait_is_fetched_once_more(void **state)
{
    struct relay *r = *state;
    relink("105", "0|0");
    for (int i = 0; i < 5; i++) {
        char *line = large(106 + i, 'z', '*', 1000000);
        script_group("message", line);
        free(line);
    }
    script_answer("ok|e1|105|1|0|105|9", script_message(105, 'z', '*'), NULL, NULL);
    TOLD("message 105 to=* from=- | ");
    assert_int_equal(r->held.count, 0);
    CALLS("parley_prune *", "parley_reattach gw 2 *");
    fake_answer("ok|e1|0");
    fake_answer("ok|e1|110|0|0|ok|ok|0|0");
    CALLS("parley_group gw 2 105");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, script_setup_two, script_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_may_be_quicker_than_the_answer_to_connect),
        TEST(what_was_missed_comes_in_order_to_each),
        TEST(pages_go_on_until_the_end),
        TEST(what_comes_by_itself_comes_once),
        TEST(only_who_missed_something_is_asked_for),
        TEST(what_nobody_has_any_more_is_told),
        TEST(what_is_lost_of_both_is_told_at_once),
        TEST(what_comes_too_late_is_lost),
        TEST(whoever_missed_nothing_is_as_far_as_all),
        TEST(each_session_has_its_own_mark),
        TEST(what_passes_by_before_anybody_is_here_is_missed_by_nobody),
        TEST(after_a_long_pause_nothing_is_delivered_before_what_was_missed),
        TEST(so_it_is_after_a_suspended_machine),
        TEST(lines_are_delivered_while_the_lease_is_known_to_hold),
        TEST(attaching_everybody_may_take_longer_than_the_lease),
        TEST(who_ends_or_closes_meanwhile_gets_nothing),
        TEST(a_copy_that_is_not_its_owners_is_not_delivered),
        TEST(a_link_that_breaks_while_filling_starts_over),
        TEST(an_answer_that_cannot_be_ends_the_link),
        TEST(a_page_that_is_none_is_a_loss),
        TEST(who_comes_again_meanwhile_gets_nothing_of_before),
        TEST(another_hole_while_filling_begins_anew),
        TEST(not_all_questions_at_once),
        TEST(too_much_is_left_to_each_client),
        TEST(so_is_too_much_of_one_session),
        TEST(what_comes_too_late_is_told_when_it_is_too_much),
        TEST(what_comes_at_once_has_room_in_the_queue),
        TEST(more_than_may_wait_is_fetched_once_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
