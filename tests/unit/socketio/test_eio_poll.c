/* test_eio_poll.c - the polling transport, over exchanges that only write down */
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/eio_poll.h"
#include "tests/support/exact_copy.h"
#include "tests/support/fake_wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S UINT64_C(1000000) /* a second in microseconds */

static struct eio_engine engine;
static struct eio_endpoint endpoint;
static struct buf heard;   /* what the endpoint was told */
static struct buf answers; /* "name:status body;" */
static unsigned released;
static uint64_t now_us;

/* ---- An endpoint, exchanges and a probe that write down -------------------------------------- */

static void on_open(struct eio_conn *conn)
{
    (void)conn;
    buf_append(&heard, SLICE("open;"));
}

static void on_text(struct eio_conn *conn, struct slice data)
{
    (void)conn;
    buf_printf(&heard, "text %.*s;", (int)data.len, data.ptr ? data.ptr : "");
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
    (void)ctx;
    (void)data;
    released++;
}

struct fake_exchange {
    struct eio_exchange x;
    char name;
    bool gone;
};

static void fake_answer(struct eio_exchange *x, const struct eio_answer *answer)
{
    struct fake_exchange *f = (struct fake_exchange *)(void *)x;
    assert_false(f->gone);
    assert_null(x->taker);
    f->gone = true;
    buf_printf(&answers, "%c:%u %.*s;", f->name, answer->status, (int)answer->body.len,
               answer->body.ptr ? answer->body.ptr : "");
}

static void fake_drop(struct eio_exchange *x)
{
    struct fake_exchange *f = (struct fake_exchange *)(void *)x;
    assert_false(f->gone);
    f->gone = true;
    buf_printf(&answers, "%c:dropped;", f->name);
}

static const struct eio_exchange_ops exchange_ops = {.answer = fake_answer, .drop = fake_drop};

static struct fake_exchange exchange(char name)
{
    return (struct fake_exchange){.x = {.ops = &exchange_ops}, .name = name};
}

static void probe_send(void *wire, struct sio_frame *frame)
{
    struct slice text = sio_frame_payload(frame);
    (void)wire;
    buf_printf(&heard, "probe<%.*s;", (int)text.len, text.ptr);
}

static void probe_drop(void *wire)
{
    (void)wire;
    buf_append(&heard, SLICE("probe dropped;"));
}

static struct eio_transport_ops probe_ops;

static int setup(void **state)
{
    struct sio_config config;
    (void)state;
    sio_config_defaults(&config);
    config.queue_max_bytes = 4000;
    config.max_payload = 1000;
    eio_engine_init(&engine, &config);
    engine.released = on_released;
    endpoint = (struct eio_endpoint){
        .path = "/x/", .open = on_open, .text = on_text, .binary = on_binary, .ended = on_ended};
    eio_engine_add(&engine, &endpoint);
    buf_init(&heard, 100000);
    buf_init(&answers, 100000);
    fake_wire_start();
    probe_ops = fake_ops;
    probe_ops.probe_send = probe_send;
    probe_ops.probe_drop = probe_drop;
    released = 0;
    now_us = S;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    eio_engine_close_all(&engine, now_us);
    eio_engine_kill_all(&engine, now_us);
    assert_int_equal(engine.stats.connections, 0);
    assert_int_equal(engine.stats.polling, 0);
    assert_int_equal(engine.stats.queued_bytes, 0);
    assert_int_equal(engine.sids.count, 0);
    eio_engine_deinit(&engine);
    buf_deinit(&heard);
    buf_deinit(&answers);
    fake_wire_end();
    return 0;
}

static const char *take(struct buf *b)
{
    static char taken[2][50000];
    static int which;
    which = !which;
    (void)snprintf(taken[which], sizeof taken[which], "%s", b->len > 0 ? b->ptr : "");
    buf_clear(b);
    return taken[which];
}

static void turn(void)
{
    eio_engine_settle(&engine, now_us);
}

static void run_to(uint64_t to_us)
{
    while (eio_engine_next_us(&engine) <= to_us) {
        now_us = eio_engine_next_us(&engine);
        eio_engine_tick(&engine, now_us);
        turn();
    }
    now_us = to_us;
    turn();
}

static void say(struct eio_conn *conn, const char *text, bool binary)
{
    struct slice part = slice_text(text);
    struct sio_frame *frame = sio_frame_new(binary ? WS_BINARY : WS_TEXT, &part, 1);
    eio_conn_send(conn, frame);
    sio_frame_unref(frame);
}

static struct eio_conn *opened(void)
{
    struct fake_exchange hello = exchange('h');
    struct eio_conn *conn = eio_poll_open(&endpoint, &released, &hello.x, now_us);
    assert_non_null(conn);
    assert_string_equal(take(&answers), ""); /* at the end of the turn, like everything */
    turn();
    const char *text = take(&answers);
    assert_memory_equal(text, "h:200 0{\"sid\":\"", 15);
    assert_non_null(strstr(text, "\"upgrades\":[\"websocket\"]"));
    assert_string_equal(take(&heard), "open;");
    struct slice sid = {text + 15, EIO_SID_RANDOM};
    assert_ptr_equal(eio_sids_find(&engine.sids, sid), conn);
    return conn;
}

static void body(struct fake_exchange *f, const char *text)
{
    struct slice copy = exact_copy(slice_text(text));
    assert_non_null(f->x.taker);
    f->x.taker->body(&f->x, copy, now_us);
    exact_free(copy);
}

static void post(struct eio_conn *conn, char name, const char *text)
{
    struct fake_exchange f = exchange(name);
    eio_poll_post(conn, &f.x);
    body(&f, text);
    assert_true(f.gone);
}

static void hang_up(struct fake_exchange *f)
{
    f->x.taker->gone(&f->x);
    turn();
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void a_get_is_held_until_there_is_something(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange get = exchange('g');
    eio_poll_get(conn, &get.x);
    turn();
    assert_string_equal(take(&answers), "");
    say(conn, "4one", false);
    say(conn, "\x01\x02", true);
    say(conn, "4two", false);
    turn();
    assert_string_equal(take(&answers), "g:200 4one\x1e"
                                        "bAQI=\x1e"
                                        "4two;");
}

static void what_waits_leaves_with_the_next_get_sixteen_at_a_time(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    for (int i = 0; i < 20; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "4%d", i);
        say(conn, text, false);
    }
    turn();
    assert_string_equal(take(&answers), "");
    struct fake_exchange a = exchange('a'), b = exchange('b');
    eio_poll_get(conn, &a.x);
    turn();
    const char *first = take(&answers);
    assert_memory_equal(first,
                        "a:200 40\x1e"
                        "41\x1e",
                        12);
    assert_non_null(strstr(first, "\x1e"
                                  "415;"));
    eio_poll_get(conn, &b.x);
    turn();
    assert_string_equal(take(&answers), "b:200 416\x1e"
                                        "417\x1e"
                                        "418\x1e"
                                        "419;");
}

static void an_answer_has_about_max_payload_bytes(void **state)
{
    (void)state;
    char text[700] = "4";
    struct eio_conn *conn = opened();
    memset(text + 1, 'x', sizeof text - 2);
    say(conn, text, false);
    say(conn, text, false);
    for (int i = 0; i < 2; i++) {
        struct fake_exchange get = exchange("ab"[i]);
        eio_poll_get(conn, &get.x);
        turn();
        assert_int_equal(strlen(take(&answers)), 6 + 699 + 1);
    }
}

static void a_post_is_many_packets(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    post(conn, 'p',
         "4a\x1e"
         "bAQID\x1e"
         "3\x1e"
         "6\x1e"
         "4b");
    assert_string_equal(take(&answers), "p:200 ok;");
    assert_string_equal(take(&heard), "text a;binary 3;text b;");
}

static void a_wrong_packet_ends_it_after_those_before(void **state)
{
    static const char *const bodies[] = {"4a\x1e",
                                         "4a\x1e\x1e"
                                         "4b",
                                         "4a\x1ex",
                                         "4a\x1e"
                                         "b*",
                                         "4a\x1e"
                                         "4\xc3\x28",
                                         "4a\x1e"
                                         "2"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct eio_conn *conn = opened();
        struct fake_exchange get = exchange('g');
        eio_poll_get(conn, &get.x);
        post(conn, 'p', bodies[i]);
        turn();
        assert_string_equal(take(&answers),
                            "p:400 {\"code\":3,\"message\":\"Bad request\"};g:200 1;");
        assert_string_equal(take(&heard), "text a;ended parse error;");
        assert_int_equal(engine.sids.count, 0);
    }
}

static void the_clients_goodbye(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange get = exchange('g');
    eio_poll_get(conn, &get.x);
    post(conn, 'p',
         "4a\x1e"
         "1");
    turn();
    assert_string_equal(take(&answers), "p:200 ok;g:200 6;");
    assert_string_equal(take(&heard), "text a;ended transport close;");
    assert_int_equal(released, 1);
}

static void two_gets_at_once_end_it(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange a = exchange('a'), b = exchange('b');
    eio_poll_get(conn, &a.x);
    turn();
    eio_poll_get(conn, &b.x);
    turn();
    assert_string_equal(take(&answers), "a:200 1;b:400 {\"code\":3,\"message\":\"Bad request\"};");
    assert_string_equal(take(&heard), "ended transport error;");
    assert_int_equal(released, 1);
}

static void two_posts_at_once_end_it(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange a = exchange('a'), b = exchange('b');
    eio_poll_post(conn, &a.x);
    eio_poll_post(conn, &b.x);
    turn();
    assert_string_equal(take(&answers),
                        "a:dropped;b:400 {\"code\":3,\"message\":\"Bad request\"};");
    assert_int_equal(released, 1);
}

static void a_client_that_hangs_up_has_gone(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct eio_conn *conn = opened();
        struct fake_exchange x = exchange('x');
        if (i == 0) {
            eio_poll_get(conn, &x.x);
        } else {
            eio_poll_post(conn, &x.x);
        }
        turn();
        hang_up(&x);
        assert_string_equal(take(&heard), "ended transport close;");
        assert_string_equal(take(&answers), "");
    }
    assert_int_equal(released, 2);
}

static void a_body_that_comes_after_the_end_is_nobodys(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange f = exchange('p');
    eio_poll_post(conn, &f.x);
    eio_conn_end(conn, SIO_PING_TIMEOUT, 0, NULL);
    turn();
    assert_int_equal(released, 1);
    assert_null(f.x.taker);
    assert_false(f.gone);
}

static void pings_and_their_timeout(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange get = exchange('g'), next = exchange('n');
    eio_poll_get(conn, &get.x);
    run_to(now_us + 25 * S);
    assert_string_equal(take(&answers), "g:200 2;");
    eio_poll_get(conn, &next.x);
    run_to(now_us + 20 * S - 1);
    assert_string_equal(take(&answers), "");
    run_to(now_us + 1);
    assert_string_equal(take(&answers), "n:400 {\"code\":1,\"message\":\"Session ID unknown\"};");
    assert_string_equal(take(&heard), "ended ping timeout;");
}

/* In an answer with an end, the official client would give it to its application only when it is
 * back, after it has said what it knows. */
static void what_waits_at_an_end_comes_alone(void **state)
{
    static const enum sio_reason reasons[] = {SIO_PING_TIMEOUT, SIO_SERVER_SHUTDOWN, SIO_SLOW,
                                              SIO_PARSE_ERROR, SIO_CONNECT_TIMEOUT};
    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct eio_conn *conn = opened();
        struct fake_exchange get = exchange('g');
        eio_poll_get(conn, &get.x);
        say(conn, "4last", false);
        eio_conn_end(conn, reasons[i], 0, NULL);
        turn();
        assert_string_equal(take(&answers), "g:200 4last;");
        assert_int_equal(engine.sids.count, 0);
        (void)take(&heard);
    }
}

static void without_a_get_a_timeout_is_final(void **state)
{
    (void)state;
    (void)opened();
    run_to(now_us + 45 * S);
    assert_string_equal(take(&heard), "ended ping timeout;");
    assert_int_equal(engine.sids.count, 0);
    assert_int_equal(released, 1);
}

static void a_close_of_ours_waits_for_the_next_get(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange get = exchange('g');
    say(conn, "4last", false);
    eio_conn_end(conn, SIO_SERVER_CLOSE, 0, NULL);
    turn();
    assert_string_equal(take(&heard), "ended forced server close;");
    run_to(now_us + 29 * S);
    assert_int_equal(released, 0);
    eio_poll_get(conn, &get.x);
    turn();
    assert_string_equal(take(&answers), "g:200 4last;");
    assert_int_equal(released, 0);
    struct fake_exchange next = exchange('g');
    eio_poll_get(conn, &next.x);
    turn();
    assert_string_equal(take(&answers), "g:400 {\"code\":1,\"message\":\"Session ID unknown\"};");
    assert_int_equal(released, 1);
    conn = opened();
    eio_conn_end(conn, SIO_SERVER_DISCONNECT, 0, NULL);
    turn();
    run_to(now_us + 30 * S);
    assert_int_equal(released, 2);
}

static void what_does_not_fit_into_the_last_answer_waits_for_a_get(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange get = exchange('g'), next = exchange('n');
    eio_poll_get(conn, &get.x);
    for (int i = 0; i < EIO_POLL_PACKETS + 1; i++) {
        say(conn, i < EIO_POLL_PACKETS ? "4x" : "4last", false);
    }
    eio_conn_end(conn, SIO_PING_TIMEOUT, 0, NULL);
    turn();
    assert_int_equal(released, 0);
    (void)take(&answers);
    eio_poll_get(conn, &next.x);
    turn();
    assert_string_equal(take(&answers), "n:200 4last;");
    assert_int_equal(released, 1);
}

static void who_joins_nothing_may_come_back(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange get = exchange('g');
    eio_poll_get(conn, &get.x);
    eio_conn_end(conn, SIO_CONNECT_TIMEOUT, 0, NULL);
    turn();
    assert_string_equal(take(&answers), "g:400 {\"code\":1,\"message\":\"Session ID unknown\"};");
}

static void who_shall_not_come_back_is_told_a_1(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange get = exchange('g'), next = exchange('n');
    eio_poll_get(conn, &get.x);
    say(conn, "441", false);
    eio_conn_end(conn, SIO_SERVER_DISCONNECT, 0, NULL);
    turn();
    assert_string_equal(take(&answers), "g:200 441;");
    eio_poll_get(conn, &next.x);
    turn();
    assert_string_equal(take(&answers), "n:200 1;");
    assert_int_equal(released, 1);
}

/* ---- Upgrade --------------------------------------------------------------------------------- */

static struct eio_conn *probing(void)
{
    struct eio_conn *conn = opened();
    assert_true(eio_poll_may_probe(conn));
    eio_poll_probe_opened(conn, &probe_ops, &probe_ops, now_us);
    assert_false(eio_poll_may_probe(conn));
    assert_true(eio_poll_is_probe(conn, &probe_ops));
    return conn;
}

static void an_upgrade_answers_every_get_at_once(void **state)
{
    (void)state;
    struct eio_conn *conn = probing();
    struct fake_exchange a = exchange('a'), b = exchange('b'), c = exchange('c');
    eio_poll_get(conn, &a.x);
    turn();
    eio_poll_probe_text(conn, SLICE("2probe"), now_us);
    turn();
    assert_string_equal(take(&heard), "probe<3probe;");
    assert_string_equal(take(&answers), "a:200 6;");
    eio_poll_get(conn, &b.x);
    turn();
    assert_string_equal(take(&answers), "b:200 6;");
    say(conn, "4queued", false);
    turn();
    assert_string_equal(fake_wire_take(), ""); /* not on the WebSocket before "5" */
    eio_poll_get(conn, &c.x);
    turn();
    assert_string_equal(take(&answers), "c:200 4queued;");
    say(conn, "4later", false);
    assert_int_equal(engine.stats.polling, 1);
    assert_int_equal(engine.stats.upgraded, 0);
    eio_poll_probe_text(conn, SLICE("5"), now_us);
    turn();
    assert_int_equal(engine.stats.polling, 0);
    assert_int_equal(engine.stats.upgraded, 1);
    assert_int_equal(engine.stats.connections, 1);
    assert_string_equal(fake_wire_take(), "[4later]");
    assert_false(eio_poll_is_polling(conn));
    assert_false(eio_poll_is_probe(conn, &probe_ops));
    assert_ptr_equal(conn->wire, &probe_ops);
    struct fake_exchange late = exchange('l');
    eio_poll_get(conn, &late.x);
    assert_string_equal(take(&answers), "l:400 {\"code\":3,\"message\":\"Bad request\"};");
    late = exchange('l');
    eio_poll_post(conn, &late.x);
    assert_string_equal(take(&answers), "l:400 {\"code\":3,\"message\":\"Bad request\"};");
    eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
}

static void a_get_that_waits_when_the_upgrade_is_done_gets_a_noop(void **state)
{
    (void)state;
    struct eio_conn *conn = probing();
    struct fake_exchange get = exchange('g'), p = exchange('p');
    eio_poll_get(conn, &get.x);
    eio_poll_post(conn, &p.x);
    eio_poll_probe_text(conn, SLICE("5"), now_us);
    turn();
    assert_string_equal(take(&answers), "g:200 6;");
    assert_null(p.x.taker); /* its body belongs to nobody */
    run_to(now_us + 11 * S);
    assert_string_equal(take(&heard), "");
    eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
}

static void a_probe_that_does_wrong_is_dropped_alone(void **state)
{
    static const char *const wrong[] = {"40", "", "2", "2probe2", "probe", "55"};
    (void)state;
    struct eio_conn *conn = opened();
    struct fake_exchange get = exchange('g');
    eio_poll_get(conn, &get.x);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        eio_poll_probe_opened(conn, &probe_ops, &probe_ops, now_us);
        eio_poll_probe_text(conn, slice_text(wrong[i]), now_us);
        turn();
        assert_string_equal(take(&heard), "probe dropped;");
        assert_true(eio_poll_may_probe(conn));
    }
    assert_string_equal(take(&answers), "");
    eio_poll_probe_opened(conn, &probe_ops, &probe_ops, now_us);
    run_to(now_us + 10 * S);
    assert_string_equal(take(&heard), "probe dropped;");
    assert_true(eio_conn_is_open(conn));
    hang_up(&get);
}

static void polls_are_held_again_when_a_probe_has_gone(void **state)
{
    (void)state;
    struct eio_conn *conn = probing();
    struct fake_exchange get = exchange('g');
    eio_poll_probe_text(conn, SLICE("2probe"), now_us);
    eio_poll_probe_gone(conn);
    eio_poll_get(conn, &get.x);
    turn();
    assert_string_equal(take(&answers), "");
    assert_true(eio_poll_may_probe(conn));
    hang_up(&get);
}

static void the_end_takes_the_probe_along(void **state)
{
    (void)state;
    struct eio_conn *conn = probing();
    eio_conn_end(conn, SIO_PING_TIMEOUT, 0, NULL);
    turn();
    assert_string_equal(take(&heard), "ended ping timeout;probe dropped;");
}

/* The official client pauses its polling when it has "3probe", and does not go on if the probe
 * fails then: it would hear of nothing any more. */
static void a_close_of_ours_waits_for_the_probe(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        struct eio_conn *conn = probing();
        eio_poll_probe_text(conn, SLICE("2probe"), now_us);
        turn();
        (void)take(&heard);
        say(conn, "4last", false);
        eio_conn_end(conn, SIO_SERVER_CLOSE, 4000, NULL);
        if (!early) {
            turn();
            assert_string_equal(take(&heard), "ended forced server close;");
            run_to(now_us + 9 * S);
        }
        eio_poll_probe_text(conn, SLICE("5"), now_us);
        turn();
        assert_string_equal(fake_wire_take(), "[4last]<close 4000>");
        run_to(now_us + 5 * S);
        assert_string_equal(fake_wire_take(), "<kill>");
        eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
        (void)take(&heard);
    }
}

static void a_close_of_ours_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct eio_conn *conn = probing();
    eio_poll_probe_text(conn, SLICE("2probe"), now_us);
    eio_conn_end(conn, SIO_SERVER_DISCONNECT, 0, NULL);
    turn();
    (void)take(&heard);
    run_to(now_us + 10 * S);
    assert_string_equal(take(&heard), "probe dropped;");
    assert_int_equal(released, 0);
    run_to(now_us + 20 * S);
    assert_int_equal(released, 1);
}

static void a_pong_that_is_due_stays_due_across_the_upgrade(void **state)
{
    (void)state;
    struct eio_conn *conn = opened();
    run_to(now_us + 26 * S);
    eio_poll_probe_opened(conn, &probe_ops, &probe_ops, now_us);
    eio_poll_probe_text(conn, SLICE("5"), now_us);
    run_to(now_us + 19 * S);
    assert_string_equal(take(&heard), "ended ping timeout;");
    eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_get_is_held_until_there_is_something),
        T(what_waits_leaves_with_the_next_get_sixteen_at_a_time),
        T(an_answer_has_about_max_payload_bytes),
        T(a_post_is_many_packets),
        T(a_wrong_packet_ends_it_after_those_before),
        T(the_clients_goodbye),
        T(two_gets_at_once_end_it),
        T(two_posts_at_once_end_it),
        T(a_client_that_hangs_up_has_gone),
        T(a_body_that_comes_after_the_end_is_nobodys),
        T(pings_and_their_timeout),
        T(what_waits_at_an_end_comes_alone),
        T(without_a_get_a_timeout_is_final),
        T(a_close_of_ours_waits_for_the_next_get),
        T(what_does_not_fit_into_the_last_answer_waits_for_a_get),
        T(who_joins_nothing_may_come_back),
        T(who_shall_not_come_back_is_told_a_1),
        T(an_upgrade_answers_every_get_at_once),
        T(a_get_that_waits_when_the_upgrade_is_done_gets_a_noop),
        T(a_probe_that_does_wrong_is_dropped_alone),
        T(polls_are_held_again_when_a_probe_has_gone),
        T(the_end_takes_the_probe_along),
        T(a_close_of_ours_waits_for_the_probe),
        T(a_close_of_ours_does_not_wait_for_ever),
        T(a_pong_that_is_due_stays_due_across_the_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
