/* test_redis_conn_odd.c - subscriptions, nonsense, and callbacks that reset or free */
#include "tests/support/log_lines.h"
#include "tests/support/redis_world.h"

/* ---- Subscriptions --------------------------------------------------------------------------- */

#define CONFIRMED                                                                                  \
    "*3\r\n$9\r\nsubscribe\r\n$3\r\none\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$3\r\ntwo\r\n:2\r\n"
#define P_CONFIRMED                                                                                \
    "*3\r\n$10\r\npsubscribe\r\n$3\r\none\r\n:1\r\n*3\r\n$10\r\npsubscribe\r\n$3\r\ntwo\r\n:2\r\n"

static void until_commands(struct world *w, unsigned count)
{
    UNTIL(w->loop, w->fake.commands == count);
}

static void until_ups(struct world *w, unsigned count)
{
    UNTIL(w->loop, w->ups == count);
}

static void messages_arrive(void **state)
{
    struct world *w = *state;
    w->config.command_timeout_ms = 100;
    w->config.idle_ask_ms = 10;
    w->fake.answer = CONFIRMED;
    start_and_come_up(w);
    subscribe(w, false);
    assert_non_null(strstr(w->fake.log.ptr, "\nSUBSCRIBE one two\n"));
    assert_false(send_word(w, "x"));
    say(w, "*3\r\n$7\r\nmessage\r\n$3\r\ntwo\r\n$5\r\nhello\r\n");
    UNTIL(w->loop, w->messages == 1);
    assert_string_equal(w->message, "two|hello");
    say(w, "*3\r\n$7\r\nmessage\r\n$3\r\none\r\n$0\r\n\r\n");
    UNTIL(w->loop, w->messages == 2);
    assert_string_equal(w->message, "one|");
    uint64_t until_ms = clock_mono_ms() + 150; /* beyond any limit: silence is no fault here */
    while (clock_mono_ms() < until_ms) {
        ev_run(w->loop, EVRUN_NOWAIT);
    }
    assert_int_equal(w->downs, 0);
    assert_null(strstr(strstr(w->fake.log.ptr, "SUBSCRIBE"), "PING"));
}

static void patterns_tell_the_channel(void **state)
{
    struct world *w = *state;
    w->fake.answer = P_CONFIRMED;
    start_and_come_up(w);
    subscribe(w, true);
    assert_non_null(strstr(w->fake.log.ptr, "\nPSUBSCRIBE one two\n"));
    say(w, "*4\r\n$8\r\npmessage\r\n$3\r\non?\r\n$3\r\none\r\n$2\r\nhi\r\n");
    UNTIL(w->loop, w->messages == 1);
    assert_string_equal(w->message, "one|hi");
}

static void an_unconfirmed_subscription_drops_the_connection(void **state)
{
    struct world *w = *state;
    w->config.command_timeout_ms = 30;
    w->fake.answer = "*3\r\n$9\r\nsubscribe\r\n$3\r\none\r\n:1\r\n"; /* one of two */
    start_and_come_up(w);
    subscribe(w, false);
    UNTIL(w->loop, w->downs == 1);
    assert_non_null(strstr(w->why, "no answer to a command in time"));
    UNTIL(w->loop, w->ups == 2);
    w->fake.echo = true; /* the new connection is not subscribed */
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->replies == 1);
}

static void too_many_channels_are_refused(void **state)
{
    struct world *w = *state;
    struct slice channels[9];
    for (size_t i = 0; i < 9; i++) {
        channels[i] = SLICE("one");
    }
    start_and_come_up(w);
    assert_false(redis_conn_subscribe(w->conn, channels, 9, false, on_message, w));
    assert_false(redis_conn_subscribe(w->conn, channels, 0, false, on_message, w));
}

/* ---- Nonsense -------------------------------------------------------------------------------- */

static const char *const garbage[] = {
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "+OK\r\n", /* nobody asked */
    ":1\r\n",
    "$-1\r\n",
    "*0\r\n",
    "*3\r\n$7\r\nmessage\r\n$3\r\none\r\n$1\r\nx\r\n", /* not subscribed */
    "-ERR max number of clients reached\r\n",
    "-ERR \x1b[31m \"quoted\" \x7f\r\n",
    "$99999999999999999999\r\n",
    "*-7\r\n",
    "\x01\x02\x03",
    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
};

static void garbage_drops_the_connection(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    for (unsigned i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        say(w, garbage[i]);
        UNTIL(w->loop, w->downs == i + 1);
        for (const char *c = w->why; *c; c++) {
            assert_in_range(*c, ' ', '~');
        }
        UNTIL(w->loop, w->ups == i + 2);
    }
}

static const char *const odd_published[] = {
    "+OK\r\n",
    ":5\r\n",
    "*0\r\n",
    "*1\r\n$7\r\nmessage\r\n",
    "*2\r\n$7\r\nmessage\r\n$3\r\none\r\n",
    "*4\r\n$7\r\nmessage\r\n$3\r\none\r\n$1\r\nx\r\n$1\r\ny\r\n",
    "*3\r\n:1\r\n:2\r\n:3\r\n",
    "*3\r\n$-1\r\n$-1\r\n$-1\r\n",
    "*3\r\n*0\r\n*0\r\n*0\r\n",
    "*3\r\n$8\r\nsmessage\r\n$3\r\none\r\n$1\r\nx\r\n",
    "*3\r\n$8\r\npmessage\r\n$3\r\none\r\n$1\r\nx\r\n",
    "*3\r\n$9\r\nsubscribe\r\n$5\r\nthree\r\n:3\r\n", /* all were confirmed */
    "-NOPERM this user has no permissions to access the channel\r\n",
};

static void odd_replies_drop_a_subscribed_connection(void **state)
{
    struct world *w = *state;
    w->fake.answer = CONFIRMED;
    start_and_come_up(w);
    for (unsigned i = 0; i < sizeof odd_published / sizeof *odd_published; i++) {
        struct slice channels[] = {SLICE("one"), SLICE("two")};
        assert_true(redis_conn_subscribe(w->conn, channels, 2, false, on_message, w));
        until_commands(w, i + 1);
        say(w, odd_published[i]);
        until_ups(w, i + 2);
        assert_int_equal(w->downs, i + 1);
    }
    assert_int_equal(w->messages, 0);
}

/* Parts of a message that are no strings are empty, and nothing worse. */
static void a_message_of_numbers_is_empty(void **state)
{
    struct world *w = *state;
    w->fake.answer = CONFIRMED;
    start_and_come_up(w);
    subscribe(w, false);
    say(w, "*3\r\n$7\r\nmessage\r\n:1\r\n*1\r\n:2\r\n");
    UNTIL(w->loop, w->messages == 1);
    assert_string_equal(w->message, "|");
}

/* ---- Reset and free inside callbacks --------------------------------------------------------- */

static void up_may(void **state)
{
    struct world *w = *state;
    w->in_up = RESET;
    redis_puppet_listen(&w->fake);
    start(w);
    UNTIL(w->loop, w->ups == 2);
    assert_int_equal(w->downs, 2);
    w->in_up = FREE;
    UNTIL(w->loop, !w->conn);
    assert_int_equal(w->ups, 3);
}

/* It comes up each time, and is good for nothing: attempts 1, 2, 4, 8 and 16 are told. */
static void what_comes_and_goes_is_not_told_each_time(void **state)
{
    struct world *w = *state;
    struct log_lines log = log_lines_begin();
    w->in_up = RESET;
    w->config.backoff_max_ms =
        200; /* no connection lasts so long, whatever else the machine does */
    redis_puppet_listen(&w->fake);
    start(w);
    UNTIL(w->loop, w->downs == 17);
    w->in_up = NOTHING;
    UNTIL(w->loop, w->ups == 18);
    log_lines_end(&log);
    assert_int_equal(log_lines_with(&log, "redis unavailable"), 5);
    assert_int_equal(log_lines_with(&log, "redis connected"), 6);
    assert_int_equal(log_lines_with(&log, "redis connected connection=test.0 address=\"127.0.0.1:"),
                     6);
    assert_int_equal(log_lines_with(&log, " attempts=17"), 1);
    log_lines_free(&log);
}

static void down_may_free(void **state)
{
    struct world *w = *state;
    w->fake.answer = NULL;
    w->in_down = FREE;
    start_and_come_up(w);
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->fake.commands == 1);
    redis_puppet_hang_up(&w->fake);
    UNTIL(w->loop, w->downs == 1);
    assert_null(w->conn);
    assert_int_equal(w->nulls, 1);
}

static void down_may_free_in_each_state(void **state)
{
    struct world *w = *state;
    w->in_down = FREE;
    start(w);
    UNTIL(w->loop, w->downs == 1); /* refused */
    redis_puppet_listen(&w->fake);
    w->fake.silent = true;
    w->config.connect_timeout_ms = 20;
    start(w);
    UNTIL(w->loop, w->downs == 2); /* silent */
    w->fake.silent = false;
    w->config.connect_timeout_ms = PATIENT_MS;
    w->fake.ping = "-LOADING\r\n";
    start(w);
    UNTIL(w->loop, w->downs == 3); /* refused in the handshake */
    w->config.url = "unix:///nonexistent/parley.sock";
    start(w);
    UNTIL(w->loop, w->downs == 4); /* fails at once */
    w->config.url = w->fake.url;
    w->fake.ping = "+PONG\r\n";
    start(w);
    UNTIL(w->loop, w->ups == 1);
    redis_conn_reset(w->conn, "x");
    assert_null(w->conn);
    assert_int_equal(w->downs, 5);
}

static void down_may_reset(void **state)
{
    struct world *w = *state;
    w->in_down = RESET;
    start_and_come_up(w);
    redis_puppet_hang_up(&w->fake);
    UNTIL(w->loop, w->ups == 2);
    assert_int_equal(w->downs, 1);
}

static void replies_may_reset(void **state)
{
    struct world *w = *state;
    w->in_reply = RESET;
    start_and_come_up(w);
    for (int i = 0; i < 3; i++) {
        assert_true(send_word(w, "x"));
    }
    UNTIL(w->loop, w->ups == 2);
    assert_int_equal(w->replies, 1); /* the others must not get what was read already */
    assert_int_equal(w->nulls_at_down, 2);
    assert_int_equal(w->downs, 1);
}

static void replies_may_free(void **state)
{
    struct world *w = *state;
    w->in_reply = FREE;
    start_and_come_up(w);
    for (int i = 0; i < 3; i++) {
        assert_true(send_word(w, "x"));
    }
    UNTIL(w->loop, !w->conn);
    assert_int_equal(w->replies, 1);
    assert_int_equal(w->nulls, 2);
    assert_int_equal(w->downs, 0);
}

static void null_replies_may_free(void **state)
{
    struct world *w = *state;
    w->in_null = FREE;
    w->fake.answer = NULL;
    start_and_come_up(w);
    for (int i = 0; i < 3; i++) {
        assert_true(send_word(w, "x"));
    }
    UNTIL(w->loop, w->fake.commands == 3);
    redis_puppet_hang_up(&w->fake);
    UNTIL(w->loop, !w->conn);
    assert_int_equal(w->nulls, 3); /* all of them, though the first freed the connection */
    assert_int_equal(w->downs, 0);
}

static void late_null_replies_may_free(void **state)
{
    struct world *w = *state;
    w->in_null = FREE;
    w->config.command_timeout_ms = 20;
    w->fake.answer = NULL;
    start_and_come_up(w);
    assert_true(send_word(w, "x"));
    assert_true(send_word(w, "y"));
    UNTIL(w->loop, !w->conn);
    assert_int_equal(w->nulls, 2);
    assert_int_equal(w->downs, 0);
}

static void messages_may_reset_and_free(void **state)
{
    static const char two[] = "*3\r\n$7\r\nmessage\r\n$3\r\none\r\n$1\r\nx\r\n"
                              "*3\r\n$7\r\nmessage\r\n$3\r\none\r\n$1\r\ny\r\n";
    struct world *w = *state;
    w->fake.answer = CONFIRMED;
    w->in_message = RESET;
    start_and_come_up(w);
    subscribe(w, false);
    say(w, two);
    UNTIL(w->loop, w->ups == 2);
    assert_int_equal(w->messages, 1);
    assert_int_equal(w->downs, 1);
    w->in_message = FREE;
    w->fake.commands = 0;
    subscribe(w, false);
    say(w, two);
    UNTIL(w->loop, !w->conn);
    assert_int_equal(w->messages, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, redis_world_setup, redis_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(messages_arrive),
        T(patterns_tell_the_channel),
        T(an_unconfirmed_subscription_drops_the_connection),
        T(too_many_channels_are_refused),
        T(garbage_drops_the_connection),
        T(odd_replies_drop_a_subscribed_connection),
        T(a_message_of_numbers_is_empty),
        T(up_may),
        T(what_comes_and_goes_is_not_told_each_time),
        T(down_may_free),
        T(down_may_free_in_each_state),
        T(down_may_reset),
        T(replies_may_reset),
        T(replies_may_free),
        T(null_replies_may_free),
        T(late_null_replies_may_free),
        T(messages_may_reset_and_free),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("redis_conn_odd", tests, NULL, NULL);
}
