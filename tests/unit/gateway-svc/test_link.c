/* test_link.c - every event in every state of the link */
#include "gateway-svc/relay/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* "-" stays and does nothing; else the next state and the action. */
/* clang-format off */
static const char *const wanted[LINK_STATES][LINK_EVENTS] = {
    /*                    CONNECTED             LOST           RENEWED         PROVEN                  ATTACHED        FILLED           PRUNED      STALE                   TICK                    REFUSED            DEAF               LEAVE */
    [LINK_DOWN] =        {"renewing RENEW_NEW", "-",           "-",            "-",                    "-",            "-",             "-",        "-",                    "-",                    "-",               "-",               "-"},
    [LINK_RENEWING] =    {"-",                  "down FORGET", "proving NONE", "-",                    "-",            "-",             "-",        "-",                    "-",                    "renewing RESET",  "renewing RESET",  "down NONE"},
    [LINK_PROVING] =     {"-",                  "down FORGET", "-",            "attaching ATTACH_ALL", "-",            "-",             "-",        "-",                    "proving RENEW_KEEP",   "proving RESET",   "proving RESET",   "down NONE"},
    [LINK_ATTACHING] =   {"-",                  "down FORGET", "-",            "-",                    "filling FILL", "-",             "-",        "attaching ATTACH_ALL", "attaching RENEW_KEEP", "attaching RESET", "attaching RESET", "down LEAVE"},
    [LINK_FILLING] =     {"-",                  "down FORGET", "-",            "-",                    "-",            "pruning PRUNE", "-",        "attaching ATTACH_ALL", "filling RENEW_KEEP",   "filling RESET",   "filling RESET",   "down LEAVE"},
    [LINK_PRUNING] =     {"-",                  "down FORGET", "-",            "-",                    "-",            "-",             "up SERVE", "attaching ATTACH_ALL", "pruning RENEW_KEEP",   "pruning RESET",   "pruning RESET",   "down LEAVE"},
    [LINK_UP] =          {"-",                  "down FORGET", "-",            "-",                    "-",            "-",             "-",        "attaching ATTACH_ALL", "up RENEW_KEEP",        "up RESET",        "up RESET",        "down LEAVE"},
};
/* clang-format on */

static const char *const actions[] = {
    [LINK_ACT_NONE] = "NONE",
    [LINK_ACT_RENEW_NEW] = "RENEW_NEW",
    [LINK_ACT_RENEW_KEEP] = "RENEW_KEEP",
    [LINK_ACT_ATTACH_ALL] = "ATTACH_ALL",
    [LINK_ACT_FILL] = "FILL",
    [LINK_ACT_PRUNE] = "PRUNE",
    [LINK_ACT_SERVE] = "SERVE",
    [LINK_ACT_FORGET] = "FORGET",
    [LINK_ACT_RESET] = "RESET",
    [LINK_ACT_LEAVE] = "LEAVE",
};

static void every_pair_follows_the_table(void **state)
{
    (void)state;
    for (int s = 0; s < LINK_STATES; s++) {
        for (int e = 0; e < LINK_EVENTS; e++) {
            struct link_step step = link_next((enum link_state)s, (enum link_event)e);
            const char *name = link_state_name(step.next);
            const char *want = wanted[s][e];
            assert_non_null(want);
            if (strcmp(want, "-") == 0) {
                assert_int_equal(step.next, s);
                assert_int_equal(step.action, LINK_ACT_NONE);
                continue;
            }
            print_message("  %s, event %d: %s\n", link_state_name((enum link_state)s), e, want);
            assert_memory_equal(want, name, strlen(name));
            assert_string_equal(want + strlen(name) + 1, actions[step.action]);
        }
    }
}

static void users_are_served_from_attaching_on(void **state)
{
    (void)state;
    for (int s = 0; s < LINK_STATES; s++) {
        assert_int_equal(link_is_open((enum link_state)s), s == LINK_ATTACHING ||
                                                               s == LINK_FILLING ||
                                                               s == LINK_PRUNING || s == LINK_UP);
    }
}

/* Whatever happens in between, nobody is attached before a number was given and proven. */
static void no_way_leads_around_the_proof(void **state)
{
    (void)state;
    for (int s = 0; s < LINK_STATES; s++) {
        for (int e = 0; e < LINK_EVENTS; e++) {
            struct link_step step = link_next((enum link_state)s, (enum link_event)e);
            if (link_is_open(step.next) && !link_is_open((enum link_state)s)) {
                assert_int_equal(s, LINK_PROVING);
                assert_int_equal(e, LINK_EV_PROVEN);
            }
            if (step.next == LINK_PROVING && s != LINK_PROVING) {
                assert_int_equal(s, LINK_RENEWING);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_follows_the_table),
        cmocka_unit_test(users_are_served_from_attaching_on),
        cmocka_unit_test(no_way_leads_around_the_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
