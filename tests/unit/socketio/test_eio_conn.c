/* test_eio_conn.c - an Engine.IO connection over a wire that only writes down */
#include "tests/support/exact_copy.h"
#include "tests/support/fake_wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S UINT64_C(1000000) /* a second in microseconds */

static struct eio_engine engine;
static struct eio_endpoint endpoint;
static struct buf heard; /* what the endpoint was told */
static unsigned released;
static bool emit_on_text; /* the endpoint answers from inside `text` */

static void on_open(struct eio_conn *conn)
{
    (void)conn;
    buf_append(&heard, SLICE("open;"));
}

static void say(struct eio_conn *conn, const char *text)
{
    struct slice part = slice_text(text);
    struct sio_frame *frame = sio_frame_new(WS_TEXT, &part, 1);
    eio_conn_send(conn, frame);
    sio_frame_unref(frame);
}

static void on_text(struct eio_conn *conn, struct slice data)
{
    buf_printf(&heard, "text %.*s;", (int)data.len, data.ptr ? data.ptr : "");
    if (emit_on_text) {
        say(conn, "4answer");
    }
}

static void on_binary(struct eio_conn *conn, struct slice data)
{
    (void)conn;
    buf_printf(&heard, "binary %zu;", data.len);
}

static void on_ended(struct eio_conn *conn, enum sio_reason reason)
{
    (void)conn;
    buf_printf(&heard, "ended %s;", sio_reason_name(reason));
}

static void on_released(void *ctx, void *data)
{
    assert_ptr_equal(ctx, &engine);
    assert_ptr_equal(data, &released);
    released++;
}

static int setup(void **state)
{
    struct sio_config config;
    (void)state;
    sio_config_defaults(&config);
    config.queue_max_bytes = 100;
    eio_engine_init(&engine, &config);
    engine.released = on_released;
    engine.released_ctx = &engine;
    endpoint = (struct eio_endpoint){.path = "/x/",
                                     .must_join = true,
                                     .open = on_open,
                                     .text = on_text,
                                     .binary = on_binary,
                                     .ended = on_ended};
    eio_engine_add(&engine, &endpoint);
    buf_init(&heard, 100000);
    fake_wire_start();
    released = 0;
    emit_on_text = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    eio_engine_deinit(&engine);
    buf_deinit(&heard);
    fake_wire_end();
    return 0;
}

static const char *take_heard(void)
{
    static char taken[10000];
    (void)snprintf(taken, sizeof taken, "%s", heard.len > 0 ? heard.ptr : "");
    buf_clear(&heard);
    return taken;
}

/* Opened at now_us, the open packet sent and forgotten. */
static struct eio_conn *opened(uint64_t now_us)
{
    struct eio_conn *conn = eio_conn_new(&endpoint, &fake_ops, &released);
    assert_non_null(conn);
    eio_conn_opened(conn, now_us);
    eio_engine_settle(&engine, now_us);
    assert_memory_equal(fake_wire_take(), "[0{\"sid\":\"", 10);
    assert_string_equal(take_heard(), "open;");
    return conn;
}

static void text(struct eio_conn *conn, const char *packet, uint64_t now_us)
{
    struct slice copy = exact_copy(slice_text(packet));
    eio_conn_text(conn, copy, now_us);
    exact_free(copy);
}

/* Time passes up to now_us, all deadlines on the way being served in time. */
static void run_to(uint64_t now_us)
{
    while (eio_engine_next_us(&engine) <= now_us) {
        uint64_t at_us = eio_engine_next_us(&engine);
        eio_engine_tick(&engine, at_us);
        eio_engine_settle(&engine, at_us);
    }
}

static void end(struct eio_conn *conn, const char *wanted)
{
    eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
    assert_string_equal(take_heard(), wanted);
    assert_int_equal(released, 1);
    assert_int_equal(engine.stats.connections, 0);
    assert_int_equal(engine.stats.queued_bytes, 0);
    assert_true(eio_engine_next_us(&engine) == EIO_NEVER);
}

/* ---- Heartbeat ------------------------------------------------------------------------------- */

static void pings_follow_the_pongs(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    eio_conn_joined(conn);
    assert_int_equal(eio_engine_next_us(&engine), 25 * S);
    run_to(25 * S - 1);
    assert_string_equal(fake_wire_take(), "");
    run_to(25 * S);
    assert_string_equal(fake_wire_take(), "[2]");
    text(conn, "3", 26 * S);
    assert_int_equal(eio_engine_next_us(&engine), 51 * S);
    run_to(51 * S);
    assert_string_equal(fake_wire_take(), "[2]");
    end(conn, "ended transport close;");
}

static void no_pong_is_the_end(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    eio_conn_joined(conn);
    run_to(45 * S - 1);
    assert_string_equal(fake_wire_take(), "[2]");
    run_to(45 * S);
    assert_string_equal(take_heard(), "ended ping timeout;");
    assert_string_equal(fake_wire_take(), "<close 0>");
    end(conn, "");
    assert_int_equal(engine.stats.closed[SIO_PING_TIMEOUT], 1);
    assert_int_equal(engine.stats.closed[SIO_TRANSPORT_CLOSE], 0);
}

/* One turn of the loop, and one of the kernel's, for both. */
static void pings_that_are_due_at_about_the_same_time_leave_together(void **state)
{
    struct eio_conn *one = opened(1);
    struct eio_conn *two = opened(EIO_PING_STEP_US);
    (void)state;
    eio_conn_joined(one);
    eio_conn_joined(two);
    run_to(25 * S + EIO_PING_STEP_US - 1);
    assert_string_equal(fake_wire_take(), "");
    eio_engine_tick(&engine, 25 * S + EIO_PING_STEP_US);
    assert_int_equal(engine.dirty_count, 2);
    eio_engine_settle(&engine, 25 * S + EIO_PING_STEP_US);
    assert_string_equal(fake_wire_take(), "[2][2]");
    eio_conn_transport_gone(one, SIO_TRANSPORT_CLOSE);
    eio_conn_transport_gone(two, SIO_TRANSPORT_CLOSE);
}

static void a_late_tick_within_the_slack_does_not_move_the_schedule(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    eio_conn_joined(conn);
    eio_engine_tick(&engine, 25 * S + EIO_TICK_SLACK_US);
    assert_int_equal(eio_engine_next_us(&engine), 45 * S);
    end(conn, "ended transport close;");
}

static void our_own_lateness_is_not_charged_to_the_client(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    eio_conn_joined(conn);
    eio_engine_tick(&engine, 60 * S); /* we were stopped: the time for the pong starts now */
    eio_engine_settle(&engine, 60 * S);
    assert_string_equal(fake_wire_take(), "[2]");
    assert_int_equal(eio_engine_next_us(&engine), 80 * S);
    end(conn, "ended transport close;");
}

static void a_sign_of_life_extends_the_time_once(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    eio_conn_joined(conn);
    text(conn, "4early", 24 * S); /* with no ping outstanding it changes nothing */
    run_to(25 * S);
    text(conn, "4one", 30 * S);
    assert_int_equal(eio_engine_next_us(&engine), 50 * S);
    text(conn, "4two", 40 * S);
    assert_int_equal(eio_engine_next_us(&engine), 50 * S);
    text(conn, "3", 49 * S);
    assert_int_equal(eio_engine_next_us(&engine), 74 * S);
    run_to(74 * S);
    eio_conn_binary(conn, SLICE("x"), 80 * S); /* binary counts, and for each ping anew */
    assert_int_equal(eio_engine_next_us(&engine), 100 * S);
    buf_clear(&heard);
    end(conn, "ended transport close;");
}

static void pongs_without_a_ping_change_nothing(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    eio_conn_joined(conn);
    text(conn, "3", 10 * S);
    assert_int_equal(eio_engine_next_us(&engine), 25 * S);
    end(conn, "ended transport close;");
}

/* ---- Time limits ----------------------------------------------------------------------------- */

static void who_joins_nothing_is_ended(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    run_to(25 * S);
    text(conn, "3", 25 * S);
    run_to(45 * S);
    assert_string_equal(take_heard(), "ended connect timeout;");
    assert_string_equal(fake_wire_take(), "[2]<close 0>");
    end(conn, "");
}

static void who_does_not_follow_a_close_is_hung_up(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    eio_conn_end(conn, SIO_SERVER_CLOSE, 4000, NULL);
    eio_engine_settle(&engine, 7 * S);
    assert_string_equal(fake_wire_take(), "<close 4000>");
    run_to(12 * S - 1);
    assert_string_equal(fake_wire_take(), "");
    run_to(12 * S);
    assert_string_equal(fake_wire_take(), "<kill>");
    end(conn, "ended forced server close;");
}

/* ---- Packets --------------------------------------------------------------------------------- */

static void packets_follow_the_table(void **state)
{
    static const struct {
        const char *packet;
        const char *heard;
        const char *sent;
    } cases[] = {
        {"4hello", "text hello;",            ""         },
        {"4",      "text ;",                 ""         },
        {"0",      "",                       ""         },
        {"3",      "",                       ""         },
        {"5",      "",                       ""         },
        {"6",      "",                       ""         },
        {"1",      "ended transport close;", "<close 0>"},
        {"2",      "ended parse error;",     "<close 0>"},
        {"2probe", "ended parse error;",     "<close 0>"},
        {"",       "ended parse error;",     "<close 0>"},
        {"7",      "ended parse error;",     "<close 0>"},
        {"bAQI=",  "binary 2;",              ""         },
        {"b",      "binary 0;",              ""         },
        {"b4*",    "ended parse error;",     "<close 0>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (i > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        struct eio_conn *conn = opened(0);
        text(conn, cases[i].packet, S);
        eio_engine_settle(&engine, S);
        assert_string_equal(take_heard(), cases[i].heard);
        assert_string_equal(fake_wire_take(), cases[i].sent);
        eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
    }
}

static void nothing_is_heard_after_the_end(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    text(conn, "7", S);
    text(conn, "4behind", S);
    eio_conn_binary(conn, SLICE("x"), S);
    assert_string_equal(take_heard(), ""); /* not even of the end, before the turn is over */
    assert_false(eio_conn_is_open(conn));
    say(conn, "4too late");
    eio_engine_settle(&engine, S);
    text(conn, "4behind", S);
    assert_string_equal(fake_wire_take(), "<close 0>");
    end(conn, "ended parse error;");
}

/* ---- The queue ------------------------------------------------------------------------------- */

static void what_one_turn_says_leaves_at_its_end_in_order(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    say(conn, "4a");
    say(conn, "4b");
    assert_string_equal(fake_wire_take(), "");
    assert_int_equal(eio_conn_queued(conn), 8);
    assert_int_equal(engine.stats.queued_bytes, 8);
    eio_conn_end(conn, SIO_SERVER_CLOSE, 4000, NULL);
    eio_engine_settle(&engine, S);
    assert_string_equal(fake_wire_take(), "[4a][4b]<close 4000>");
    assert_int_equal(eio_conn_queued(conn), 0);
    end(conn, "ended forced server close;");
}

/* Frames of 10 bytes into a queue of 100. */
static void a_full_queue_is_flushed_early_before_it_is_too_full(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    for (int i = 0; i < 25; i++) {
        say(conn, "4-------");
    }
    assert_true(eio_conn_is_open(conn));
    assert_int_equal(engine.stats.queued_bytes, 50);
    end(conn, "ended transport close;");
}

static void a_client_too_slow_is_closed_and_its_queue_dropped(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    fake_wire.room = 0;
    for (int i = 0; i < 10; i++) {
        say(conn, "4-------");
    }
    assert_true(eio_conn_is_open(conn));
    assert_int_equal(eio_conn_queued(conn), 100);
    say(conn, "4");
    assert_false(eio_conn_is_open(conn));
    assert_int_equal(eio_conn_queued(conn), 0);
    assert_string_equal(take_heard(), ""); /* not from inside the call */
    fake_wire.room = SIZE_MAX;
    eio_engine_settle(&engine, S);
    assert_string_equal(fake_wire_take(), "<close 4008>");
    end(conn, "ended slow client;");
}

static void a_frame_larger_than_the_queue_may_be_ends_it(void **state)
{
    char bytes[100];
    struct slice part = {bytes, sizeof bytes - 1};
    struct eio_conn *conn = opened(0);
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    struct sio_frame *frame = sio_frame_new(WS_TEXT, &part, 1); /* 101 bytes */
    eio_conn_send(conn, frame);
    sio_frame_unref(frame);
    assert_false(eio_conn_is_open(conn));
    eio_engine_settle(&engine, S);
    assert_string_equal(fake_wire_take(), "<close 4008>");
    end(conn, "ended slow client;");
}

/* A pong for each ping, and room for so many frames of ten bytes each time. */
static void run_answering_to(struct eio_conn *conn, uint64_t from_us, uint64_t to_us, size_t frames)
{
    for (uint64_t now_us = from_us; now_us <= to_us && eio_conn_is_open(conn); now_us += S) {
        fake_wire.room = frames * 10;
        eio_engine_tick(&engine, now_us);
        text(conn, "3", now_us);
        eio_conn_touch(conn);
        eio_engine_settle(&engine, now_us);
    }
}

static struct eio_conn *joined(uint64_t now_us)
{
    struct eio_conn *conn = opened(now_us);
    eio_conn_joined(conn);
    return conn;
}

static void what_waits_for_too_long_ends_it(void **state)
{
    struct eio_conn *conn = joined(0);
    (void)state;
    fake_wire.room = 0;
    say(conn, "4-------");
    eio_engine_settle(&engine, S);
    run_answering_to(conn, S, 30 * S, 0);
    assert_true(eio_conn_is_open(conn));
    run_answering_to(conn, 31 * S, 31 * S, 0);
    assert_false(eio_conn_is_open(conn));
    assert_int_equal(engine.stats.closed[SIO_SLOW], 1);
    fake_wire.room = SIZE_MAX;
    eio_conn_touch(conn);
    eio_engine_settle(&engine, 31 * S);
    assert_string_equal(fake_wire_take(), "<close 4008>"); /* what waited is dropped */
    end(conn, "ended slow client;");
}

/* Something waits all the time, but nothing for long. */
static void a_slow_reader_that_reads_goes_on(void **state)
{
    struct eio_conn *conn = joined(0);
    (void)state;
    fake_wire.room = 0;
    for (int i = 0; i < 5; i++) {
        say(conn, "4-------");
    }
    for (uint64_t now_us = S; now_us < 200 * S; now_us += 2 * S) {
        if (eio_conn_queued(conn) < 60) {
            say(conn, "4-------");
        }
        run_answering_to(conn, now_us, now_us, 1);
        assert_true(eio_conn_queued(conn) > 0);
    }
    assert_true(eio_conn_is_open(conn));
    run_answering_to(conn, 200 * S, 300 * S, 1);
    assert_int_equal(eio_conn_queued(conn), 0);
    assert_true(eio_conn_is_open(conn)); /* nothing waits: nothing is late */
    eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
    assert_true(eio_engine_next_us(&engine) == EIO_NEVER);
}

/* The rest of what waited when we looked leaves too slowly, though something leaves each time. */
static void a_reader_that_drips_is_too_slow(void **state)
{
    struct eio_conn *conn = joined(0);
    (void)state;
    fake_wire.room = 0;
    for (int i = 0; i < 8; i++) {
        say(conn, "4-------");
    }
    eio_engine_settle(&engine, S);
    for (uint64_t now_us = S; now_us <= 40 * S && eio_conn_is_open(conn); now_us += S) {
        run_answering_to(conn, now_us, now_us, now_us % (10 * S) == 0 ? 1 : 0);
    }
    assert_false(eio_conn_is_open(conn));
    assert_int_equal(engine.stats.closed[SIO_SLOW], 1);
    end(conn, "ended slow client;");
}

static void joining_once_more_does_not_forgive_what_waits(void **state)
{
    struct eio_conn *conn = joined(0);
    (void)state;
    fake_wire.room = 0;
    say(conn, "4-------");
    eio_engine_settle(&engine, S);
    for (uint64_t now_us = 2 * S; now_us <= 31 * S; now_us += S) {
        eio_conn_joined(conn);
        run_answering_to(conn, now_us, now_us, 0);
    }
    assert_int_equal(engine.stats.closed[SIO_SLOW], 1);
    end(conn, "ended slow client;");
}

/* A pong that waits to be read counts as soon as somebody reads it, and not before. */
static void nobody_is_late_whom_we_do_not_hear(void **state)
{
    struct eio_conn *conn = joined(0);
    (void)state;
    fake_wire.room = 20;
    conn->deaf = true; /* as a transport does that reads nothing */
    run_to(25 * S);
    run_to(80 * S);
    assert_true(eio_conn_is_open(conn));
    conn->deaf = false;
    run_to(200 * S);
    assert_int_equal(engine.stats.closed[SIO_PING_TIMEOUT], 1);
    end(conn, "ended ping timeout;");
}

/* Of a queue of 100: clogged above the half, until a quarter is left. */
static void it_is_clogged_until_half_of_that_has_left(void **state)
{
    struct eio_conn *conn = joined(0);
    (void)state;
    fake_wire.room = 0;
    for (size_t bytes = 10; bytes <= 60; bytes += 10) {
        say(conn, "4-------");
        assert_int_equal(eio_conn_is_clogged(conn), bytes > 50);
    }
    conn->deaf = true;
    for (size_t bytes = 50; bytes > 0; bytes -= 10) {
        fake_wire.room = 10;
        conn->transport->flush(&conn, 1);
        assert_int_equal(eio_conn_queued(conn), bytes);
        assert_int_equal(eio_conn_is_clogged(conn), bytes > 25);
    }
    engine.config.queue_max_bytes = 1000000; /* not more than EIO_QUEUE_SOFT */
    conn->deaf = false;
    while (eio_conn_queued(conn) < 65536) {
        assert_false(eio_conn_is_clogged(conn));
        say(conn, "4-------");
    }
    assert_true(eio_conn_is_clogged(conn));
    end(conn, "ended transport close;");
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void one_that_never_opened_is_released_silently(void **state)
{
    struct eio_conn *conn = eio_conn_new(&endpoint, &fake_ops, &released);
    (void)state;
    eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
    assert_string_equal(take_heard(), "");
    assert_int_equal(released, 1);
    assert_int_equal(engine.stats.accepted, 0);
}

/* Emits to another, which has had its own turn: that goes with what it gets anyway. */
static void on_turn(struct eio_conn *conn)
{
    struct eio_conn *const *others = conn->data;
    for (size_t i = 0; others[i]; i++) {
        say(others[i], "4to each");
    }
}

static void what_many_say_to_many_in_a_turn_leaves_once_for_each(void **state)
{
    static struct eio_conn *all[EIO_SENDS_MAX + 6 + 1]; /* more than leave together */
    static const size_t count = sizeof all / sizeof all[0] - 1;
    size_t told = 0;
    (void)state;
    engine.config.queue_max_bytes = 100000;
    engine.released = NULL;
    endpoint.turn = on_turn;
    for (size_t i = 0; i < count; i++) {
        all[i] = opened(1);
        all[i]->data = all;
    }
    uint64_t before = engine.stats.frames_out;
    eio_conn_touch(all[0]);
    eio_conn_touch(all[1]);
    eio_conn_touch(all[count - 1]);
    eio_engine_settle(&engine, 2);
    assert_int_equal(engine.stats.frames_out - before, 3 * count);
    assert_int_equal(engine.dirty_count, 0);
    for (const char *at = fake_wire_take(); (at = strstr(at, "[4to each]")); at++) {
        told++;
    }
    assert_int_equal(told, 3 * count);
    for (size_t i = 0; i < count; i++) {
        eio_conn_transport_gone(all[i], SIO_TRANSPORT_CLOSE);
    }
}

static void the_transport_may_go_before_the_turn_ends(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    say(conn, "4a");
    eio_conn_end(conn, SIO_PARSE_ERROR, 0, "a test");
    end(conn, "ended parse error;"); /* the first reason stays */
    eio_engine_settle(&engine, S);   /* must not meet it any more */
    assert_string_equal(fake_wire_take(), "");
}

static void only_the_first_reason_counts(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    eio_conn_end(conn, SIO_TOO_LARGE, 1009, "a test");
    eio_conn_end(conn, SIO_SERVER_CLOSE, 4000, NULL);
    eio_engine_settle(&engine, S);
    assert_string_equal(fake_wire_take(), "<close 1009>");
    end(conn, "ended message too large;");
    assert_int_equal(engine.stats.closed[SIO_SERVER_CLOSE], 0);
}

static void close_all_ends_every_connection_before_it_returns(void **state)
{
    struct eio_conn *fresh = opened(0);
    struct eio_conn *pinged = opened(0);
    struct eio_conn *closing = opened(0);
    (void)state;
    eio_conn_end(closing, SIO_PARSE_ERROR, 0, NULL);
    eio_engine_settle(&engine, S);
    run_to(25 * S);
    text(fresh, "3", 25 * S); /* waits for its next ping, the other one for its pong */
    buf_clear(&heard);
    (void)fake_wire_take();
    eio_engine_close_all(&engine, 26 * S);
    assert_string_equal(take_heard(), "ended server shutting down;ended server shutting down;");
    assert_string_equal(fake_wire_take(), "<close 1001><close 1001>");
    assert_true(engine.draining);
    eio_conn_transport_gone(fresh, SIO_TRANSPORT_CLOSE);
    eio_conn_transport_gone(pinged, SIO_TRANSPORT_CLOSE);
    eio_conn_transport_gone(closing, SIO_TRANSPORT_CLOSE);
    assert_int_equal(released, 3);
    assert_string_equal(take_heard(), "");
}

/* The first one's answer makes the second one dirty while the list is being worked off. */
static void settling_reaches_what_becomes_dirty_meanwhile(void **state)
{
    struct eio_conn *conn = opened(0);
    (void)state;
    emit_on_text = true;
    text(conn, "4q", S);
    eio_engine_settle(&engine, S);
    assert_string_equal(fake_wire_take(), "[4answer]");
    buf_clear(&heard);
    end(conn, "ended transport close;");
}

static void paths_match_with_and_without_the_last_slash(void **state)
{
    (void)state;
    assert_ptr_equal(eio_engine_find(&engine, SLICE("/x/")), &endpoint);
    assert_ptr_equal(eio_engine_find(&engine, SLICE("/x")), &endpoint);
    static const char *const others[] = {"", "/", "/x//", "/x/y", "/xy", "x", "/X/"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_null(eio_engine_find(&engine, slice_text(others[i])));
    }
}

static void a_connection_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct eio_conn) <= 136);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_init("test", LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(pings_follow_the_pongs),
        TEST(no_pong_is_the_end),
        TEST(pings_that_are_due_at_about_the_same_time_leave_together),
        TEST(a_late_tick_within_the_slack_does_not_move_the_schedule),
        TEST(our_own_lateness_is_not_charged_to_the_client),
        TEST(a_sign_of_life_extends_the_time_once),
        TEST(pongs_without_a_ping_change_nothing),
        TEST(who_joins_nothing_is_ended),
        TEST(who_does_not_follow_a_close_is_hung_up),
        TEST(packets_follow_the_table),
        TEST(nothing_is_heard_after_the_end),
        TEST(what_one_turn_says_leaves_at_its_end_in_order),
        TEST(a_full_queue_is_flushed_early_before_it_is_too_full),
        TEST(a_client_too_slow_is_closed_and_its_queue_dropped),
        TEST(a_frame_larger_than_the_queue_may_be_ends_it),
        TEST(what_waits_for_too_long_ends_it),
        TEST(a_slow_reader_that_reads_goes_on),
        TEST(a_reader_that_drips_is_too_slow),
        TEST(joining_once_more_does_not_forgive_what_waits),
        TEST(nobody_is_late_whom_we_do_not_hear),
        TEST(it_is_clogged_until_half_of_that_has_left),
        TEST(one_that_never_opened_is_released_silently),
        TEST(what_many_say_to_many_in_a_turn_leaves_once_for_each),
        TEST(the_transport_may_go_before_the_turn_ends),
        TEST(only_the_first_reason_counts),
        TEST(close_all_ends_every_connection_before_it_returns),
        TEST(settling_reaches_what_becomes_dirty_meanwhile),
        TEST(paths_match_with_and_without_the_last_slash),
        TEST(a_connection_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
