/* test_relay_roster.c - the list of users: loading it, and never missing a change for good */
#include "tests/support/relay_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The link is up and the first page is asked for. */
static int begin(void **state)
{
    *state = script_begin();
    script_link("1", "e1");
    fake_answer("ok|e1|0");
    return 0;
}

static void presence(const char *line)
{
    fake_publish("p:presence", line);
}

static void it_is_read_in_pages_and_then_change_by_change(void **state)
{
    (void)state;
    CALLS("parley_roster 0");
    fake_answer("ok|e1|5|0|33|Ann|bob");
    CALLS("parley_roster 33");
    fake_answer("ok|e1|8|0|0|Cat"); /* later than the first page: changes from 5 on make it exact */
    CALLS("parley_changes 5");
    fake_answer("ok|e1|9|6|+Dan|7|-bob|8|+Cat");
    CALLS("parley_changes 8");
    fake_answer("ok|e1|9|9|-Ann");
    NO_CALLS();
    TOLD("load | name Ann | name bob | name Cat | loaded e1/5 | change e1/6 +Dan | "
         "change e1/7 -bob | change e1/8 +Cat | change e1/9 -Ann | ");
}

static void a_line_brings_the_next_change(void **state)
{
    (void)state;
    presence("e1 1 +Ann -bob");
    presence("no line of ours");
    presence("e1 x +Ann");
    presence("e1 2 ");
    TOLD("change e1/1 +Ann -bob | ");
    NO_CALLS();
}

static void what_a_line_shows_to_be_missing_is_asked_for(void **state)
{
    (void)state;
    presence("e1 1 +Ann");
    script_roster_misses(true);
    presence("e1 4 +Dan");
    presence("e1 5 +Eve"); /* asked for already */
    script_roster_misses(false);
    CALLS("parley_changes 1");
    fake_answer("ok|e1|4|2|+Bob|3|+Cat|4|+Dan");
    CALLS("parley_changes 4"); /* because of line 5, which may have come too late for the answer */
    fake_answer("ok|e1|5|5|+Eve");
    NO_CALLS();
}

static void a_renewal_shows_that_the_last_change_was_missed(void **state)
{
    (void)state;
    script_tick();
    script_nonce("0 e1");
    CALLS("parley_renew *");
    fake_answer("ok|e1|100|1|0|2|0|0");
    script_tick();
    script_nonce("1 e1");
    CALLS("parley_renew *", "parley_changes 0");
}

static void a_log_that_was_cut_means_the_whole_list(void **state)
{
    (void)state;
    script_roster_misses(true);
    presence("e1 900 +Zoe");
    script_roster_misses(false);
    fake_answer("trimmed|e1");
    CALLS("parley_roster 0");
    (void)script_told();
    fake_answer("ok|e1|900|0|0|Zoe");
    TOLD("name Zoe | loaded e1/900 | ");
    CALLS("parley_changes 900");
}

static void a_change_that_does_not_fit_means_the_whole_list(void **state)
{
    (void)state;
    script_roster_misses(true);
    presence("e1 3 +Cat");
    fake_answer("ok|e1|3|1|+Ann|2|+Bob|3|+Cat");
    CALLS("parley_roster 0");
}

/* Both an answer and its line bring the same change; the line may be first. */
static void the_same_change_twice_is_no_step_back(void **state)
{
    struct relay *r = *state;
    script_roster_misses(true);
    presence("e1 2 +Bob");
    script_roster_misses(false);
    presence("e1 3 +Cat");
    assert_int_equal(r->roster.version, 3);
    fake_answer("ok|e1|2|1|+Ann|2|+Bob");
    assert_int_equal(r->roster.version, 3);
    NO_CALLS();
}

static void an_answer_that_brings_nothing_is_not_asked_for_again(void **state)
{
    (void)state;
    script_roster_misses(true);
    presence("e1 2 +Bob");
    fake_answer("ok|e1|7");
    NO_CALLS();
}

static void half_a_list_is_none_when_the_link_breaks(void **state)
{
    (void)state;
    fake_answer("ok|e1|5|0|33|Ann");
    fake_commands_down();
    script_link("2", "e1");
    fake_answer("ok|e1|0");   /* prune */
    CALLS("parley_roster 0"); /* not changes since 5: the list was never whole */
    TOLD("load | name Ann | load | ");
}

static void half_a_list_is_none_when_the_feed_breaks(void **state)
{
    (void)state;
    fake_answer("ok|e1|5|0|33|Ann");
    fake_feed_down();
    script_link("2", "e1");
    fake_answer("ok|e1|0");
    CALLS("parley_roster 0");
}

static void an_error_to_a_page_is_tried_again_with_the_next_nonce(void **state)
{
    (void)state;
    fake_answer("ok|e1|0|0|33|Ann");
    fake_answer_error("BUSY");
    NO_CALLS();
    script_tick();
    script_nonce("0 e1");
    CALLS("parley_renew *", "parley_roster 0");
}

static void an_error_to_changes_is_tried_again_with_the_next_nonce(void **state)
{
    (void)state;
    fake_answer("ok|e1|5|0|0|Ann");
    fake_answer_error("BUSY");
    script_tick();
    script_nonce("6 e1");
    CALLS("parley_renew *", "parley_changes 5");
}

static void what_cannot_be_asked_is_asked_later(void **state)
{
    (void)state;
    fake_commands_full(true);
    fake_answer("ok|e1|0|0|33|Ann");
    fake_commands_full(false);
    NO_CALLS();
    script_tick();
    script_nonce("0 e1");
    CALLS("parley_renew *", "parley_roster 0");
}

/* It goes into the cursors that clients get. */
static void an_epoch_that_cannot_be_one_is_an_error(void **state)
{
    static const char *const answers[] = {"ok|e\"1|5|0|0|Ann", "ok|e1 |5|0|0|Ann",
                                          "ok|0123456789abcdef012345678|5|0|0|Ann"};
    struct relay *r = *state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        CALLS("parley_roster 0");
        fake_answer(answers[i]);
        NO_CALLS();
        TOLD("load | ");
        assert_string_equal(r->heard_epoch, "e1");
        script_tick();
        fake_answer("ok|e1|100|1|0|2|0|0");
        script_nonce("5 e1"); /* asks for the list again */
    }
}

static void pages_of_two_epochs_begin_anew(void **state)
{
    (void)state;
    fake_answer("ok|e1|5|0|33|Ann");
    fake_answer("ok|e2|1|1|0|Bob");
    TOLD("load | name Ann | settling 1 | name Bob | load | ");
    CALLS("parley_prune *", "parley_roster 0");
    fake_answer("ok|e2|0"); /* the link is up again, and asks */
    fake_answer("ok|e2|1|1|0|Bob");
    CALLS("parley_changes 1");
    TOLD("name Bob | loaded e2/1 | ");
}

static void lines_of_a_new_epoch_mean_the_whole_list(void **state)
{
    (void)state;
    script_roster_misses(true);
    presence("e2 1 +Ann");
    script_roster_misses(false);
    CALLS("parley_changes 0");
    fake_answer("ok|e2|1|1|+Ann");
    TOLD("change e2/1 +Ann | settling 1 | load | ");
    CALLS("parley_prune *", "parley_roster 0");
}

static void whoever_attaches_is_in_the_list_at_once(void **state)
{
    struct relay *r = *state;
    script_open('a');
    fake_answer("ok|e1|100|alice|Alice|7|0|1|90|1");
    TOLD("change e1/1 +Alice | attached a:Alice | ");
    assert_int_equal(r->roster.version, 1);
    script_open('b'); /* was visible before */
    fake_answer("ok|e1|100|bob|Bob|8|0|1|90|0");
    TOLD("attached b:Bob | ");
    script_open('c'); /* somebody else's change is still on its way */
    fake_answer("ok|e1|100|cat|Cat|9|0|3|90|1");
    TOLD("attached c:Cat | ");
    assert_int_equal(r->roster.version, 1);
}

static void several_who_attach_are_one_change(void **state)
{
    struct relay *r = *state;
    script_open('a');
    script_open('b');
    script_open('c');
    script_open('d');
    fake_answer("ok|e1|100|alice|Alice|7|0|1|90|1||0|0");
    (void)script_told();
    fake_answer("ok|e1|100|bob|Bob|8|0|2|90|1||0|0|ok|e1|100|cat|Cat|9|0|2|90|0||0|0|"
                "ok|e1|100|dan|Dan|9|0|2|90|1||0|0");
    TOLD("change e1/2 +Bob +Dan | attached b:Bob | attached c:Cat | attached d:Dan | ");
    assert_int_equal(r->roster.version, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_who_attach_are_one_change, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(it_is_read_in_pages_and_then_change_by_change, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_line_brings_the_next_change, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(what_a_line_shows_to_be_missing_is_asked_for,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(a_renewal_shows_that_the_last_change_was_missed,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(a_log_that_was_cut_means_the_whole_list, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(a_change_that_does_not_fit_means_the_whole_list,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(the_same_change_twice_is_no_step_back, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(an_answer_that_brings_nothing_is_not_asked_for_again,
                                        script_setup_up, script_teardown),
        cmocka_unit_test_setup_teardown(half_a_list_is_none_when_the_link_breaks, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(half_a_list_is_none_when_the_feed_breaks, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(an_error_to_a_page_is_tried_again_with_the_next_nonce,
                                        begin, script_teardown),
        cmocka_unit_test_setup_teardown(an_error_to_changes_is_tried_again_with_the_next_nonce,
                                        begin, script_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_asked_is_asked_later, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(an_epoch_that_cannot_be_one_is_an_error, begin,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(pages_of_two_epochs_begin_anew, begin, script_teardown),
        cmocka_unit_test_setup_teardown(lines_of_a_new_epoch_mean_the_whole_list, script_setup_up,
                                        script_teardown),
        cmocka_unit_test_setup_teardown(whoever_attaches_is_in_the_list_at_once, script_setup_up,
                                        script_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
