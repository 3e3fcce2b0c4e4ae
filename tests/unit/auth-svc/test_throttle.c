/* test_throttle.c - how often one address may log in */
#include "auth-svc/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* after those it needs */
#include <cmocka.h>

#define LONG "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0001"

static const struct rate two_at_once = {.per_second = 1, .burst = 2};

static struct throttle *new_throttle(void)
{
    struct throttle *t = throttle_new(two_at_once, 12345);
    assert_non_null(t);
    return t;
}

static void exhaust(struct throttle *t, const char *address, uint64_t now_ms)
{
    assert_int_equal(throttle_take(t, slice_text(address), now_ms), 0);
    assert_int_equal(throttle_take(t, slice_text(address), now_ms), 0);
    assert_int_equal(throttle_take(t, slice_text(address), now_ms), 1000);
}

static void a_burst_then_the_rate(void **state)
{
    struct throttle *t = new_throttle();

    (void)state;
    exhaust(t, "192.0.2.1", 5000);
    assert_int_equal(throttle_take(t, SLICE("192.0.2.1"), 5999), 1);
    assert_int_equal(throttle_take(t, SLICE("192.0.2.1"), 6000), 0);
    assert_int_equal(throttle_take(t, SLICE("192.0.2.1"), 6000), 1000);
    throttle_free(t);
}

/* Is `other` counted together with `one`? */
static const struct {
    const char *label, *one, *other;
    bool together;
} addresses[] = {
    {"itself",                       "192.0.2.1",    "192.0.2.1",            true },
    {"another",                      "192.0.2.1",    "192.0.2.2",            false},
    {"IPv4 written as IPv6",         "192.0.2.1",    "::ffff:192.0.2.1",     true },
    {"written in two ways",          "2001:db8::1",  "2001:0db8::0:0:1",     true },
    {"the same /64",                 "2001:db8::1",  "2001:db8::ffff:0:0:0", true },
    {"another /64",                  "2001:db8::1",  "2001:db8:0:1::1",      false},
    {"IPv4 and its number in a /64", "192.0.2.1",    "0:ffff:c000:201::",    false},
    {"IPv4 and its number alone",    "192.0.2.1",    "0:0:c000:201::",       false},
    {"no address, and loopback",     "",             "::1",                  false},
    {"loopback of both kinds",       "127.0.0.1",    "::1",                  false},
    {"no address, and another",      "unknown",      "",                     true },
    {"no address, and one",          "unknown",      "192.0.2.1",            false},
    {"with a port it is none",       "192.0.2.1:80", "unknown",              true },
    {"very long",                    LONG,           "unknown",              true },
};

static void addresses_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct throttle *t = new_throttle();
        exhaust(t, addresses[i].one, 1);
        bool limited = throttle_take(t, slice_text(addresses[i].other), 1) > 0;
        if (limited != addresses[i].together) {
            fail_msg("%s", addresses[i].label);
        }
        throttle_free(t);
    }
}

static struct slice numbered(char text[32], unsigned i)
{
    snprintf(text, 32, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
    return slice_text(text);
}

static void a_crowd_neither_grows_it_nor_stops_it(void **state)
{
    struct throttle *t = new_throttle();
    char text[32];

    (void)state;
    for (unsigned i = 0; i < 20 * THROTTLE_ADDRESSES; i++) {
        assert_int_equal(throttle_take(t, numbered(text, i), 1000), 0);
    }
    throttle_free(t);
}

static void few_addresses_are_all_remembered(void **state)
{
    struct throttle *t = new_throttle();
    char text[32];
    unsigned forgotten = 0;

    (void)state;
    for (unsigned i = 0; i < THROTTLE_ADDRESSES / 8; i++) {
        throttle_take(t, numbered(text, i), 1000);
        throttle_take(t, numbered(text, i), 1000);
    }
    for (unsigned i = 0; i < THROTTLE_ADDRESSES / 8; i++) {
        forgotten += throttle_take(t, numbered(text, i), 1000) == 0;
    }
    assert_int_equal(forgotten, 0);
    throttle_free(t);
}

/* The one that is limited keeps trying; others come and go with full buckets, or silent longer. */
static void who_keeps_trying_is_not_pushed_out(void **state)
{
    struct throttle *t = new_throttle();
    char text[32];
    uint64_t now_ms = 1000;

    (void)state;
    exhaust(t, "192.0.2.1", now_ms);
    for (unsigned i = 0; i < 20 * THROTTLE_ADDRESSES; i++) {
        if (i % 64 == 0) {
            now_ms++;
            uint64_t wait_ms = throttle_take(t, SLICE("192.0.2.1"), now_ms);
            if (wait_ms == 0) {
                assert_int_equal((now_ms - 1000) % 1000, 0); /* its own rate, nothing more */
            }
        }
        throttle_take(t, numbered(text, i), now_ms);
    }
    throttle_free(t);
}

/* Whoever has the whole burst again goes first, however short ago that was. */
static void who_used_much_outlives_who_used_little(void **state)
{
    struct throttle *t = throttle_new((struct rate){.per_second = 1, .burst = 100}, 12345);
    char text[32];
    uint64_t now_ms = 1000;
    unsigned crowd = 0, taken = 0;

    (void)state;
    assert_non_null(t);
    while (throttle_take(t, SLICE("192.0.2.1"), now_ms) == 0) {
        taken++;
    }
    assert_int_equal(taken, 100);
    for (int step = 0; step < 50; step++) {
        now_ms += 1000;
        for (int i = 0; i < THROTTLE_ADDRESSES / 8; i++) {
            throttle_take(t, numbered(text, crowd++), now_ms);
        }
    }
    taken = 0;
    while (throttle_take(t, SLICE("192.0.2.1"), now_ms) == 0) {
        taken++;
    }
    assert_int_equal(taken, 50);
    throttle_free(t);
}

static void the_lowest_network_is_remembered_too(void **state)
{
    struct throttle *t = new_throttle();
    char text[32];

    (void)state;
    exhaust(t, "::1", 1000);
    for (unsigned i = 0; i < THROTTLE_ADDRESSES / 2; i++) {
        throttle_take(t, numbered(text, i), 1000);
    }
    assert_int_equal(throttle_take(t, SLICE("::1"), 1000), 1000);
    throttle_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_the_rate),
        cmocka_unit_test(addresses_follow_the_table),
        cmocka_unit_test(a_crowd_neither_grows_it_nor_stops_it),
        cmocka_unit_test(few_addresses_are_all_remembered),
        cmocka_unit_test(who_keeps_trying_is_not_pushed_out),
        cmocka_unit_test(who_used_much_outlives_who_used_little),
        cmocka_unit_test(the_lowest_network_is_remembered_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
