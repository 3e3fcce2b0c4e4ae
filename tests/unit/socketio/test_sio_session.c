/* test_sio_session.c - namespaces and sockets of one connection, over a wire that only writes down
 */
#include "gateway-svc/socketio/sio_session.h"
#include "gateway-svc/socketio/sio_socket.h"
#include "shared/clock.h"
#include "tests/support/exact_copy.h"
#include "tests/support/fake_wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum answer { ACCEPT, REFUSE, LATER, CLOSE };

static struct eio_engine engine;
static struct sio_sessions sessions;
static struct sio_namespace *root;
static struct eio_conn *conn;
static struct buf heard;
static enum answer answer;
static struct sio_socket *last; /* the one that connected last; a reference of the test's */
static void (*on_event_do)(struct sio_socket *socket);
static void (*on_disconnect_do)(struct sio_socket *socket);
static void (*on_drained_do)(struct sio_socket *socket);

static void keep(struct sio_socket *socket)
{
    sio_socket_ref(socket);
    sio_socket_unref(last);
    last = socket;
}

static void on_connect(void *app, struct sio_socket *socket, void *conn_data, struct slice auth)
{
    buf_printf(&heard, "%s connect %s %.*s;", (const char *)app, (const char *)conn_data,
               (int)auth.len, auth.ptr ? auth.ptr : "");
    keep(socket);
    switch (answer) {
    case ACCEPT: assert_true(sio_socket_accept(socket)); break;
    case REFUSE: sio_socket_refuse(socket, SLICE("no \"entry\""), SLICE("{\"c\":1}")); break;
    case CLOSE: sio_socket_close(socket, 4001); break;
    case LATER: break;
    }
}

static void on_event(void *app, struct sio_socket *socket, const struct sio_event *event)
{
    buf_printf(&heard, "%s %.*s(%.*s)", (const char *)app, (int)event->name.len, event->name.ptr,
               (int)event->args.len, event->args.ptr ? event->args.ptr : "");
    for (size_t i = 0; i < event->data_count; i++) {
        buf_printf(&heard, "+%.*s", (int)event->data[i].len, event->data[i].ptr);
    }
    if (event->wants_ack) {
        buf_printf(&heard, "#%llu", (unsigned long long)event->ack_id);
        sio_socket_ack_data(socket, event->ack_id, event->args, event->data, event->data_count);
    }
    buf_byte(&heard, ';');
    if (on_event_do) {
        on_event_do(socket);
    }
}

static void on_disconnect(void *app, struct sio_socket *socket, enum sio_reason reason)
{
    assert_false(sio_socket_is_open(socket));
    buf_printf(&heard, "%s disconnect %s;", (const char *)app, sio_reason_name(reason));
    if (on_disconnect_do) {
        on_disconnect_do(socket);
    }
}

static void on_drained(void *app, struct sio_socket *socket)
{
    assert_true(sio_socket_is_open(socket));
    assert_in_range(sio_socket_queued(socket), 0, SIO_DRAINED);
    buf_printf(&heard, "%s drained;", (const char *)app);
    if (on_drained_do) {
        on_drained_do(socket);
    }
}

static const struct sio_namespace_handler handler = {on_connect, on_event, on_disconnect,
                                                     on_drained};

static void on_answer(void *arg, struct sio_socket *socket, const struct sio_answer *got)
{
    assert_non_null(socket);
    buf_printf(&heard, "%s<%.*s", (const char *)arg, got ? (int)got->args.len : 4,
               got ? got->args.ptr ? got->args.ptr : "" : "none");
    for (size_t i = 0; got && i < got->data_count; i++) {
        buf_printf(&heard, "+%.*s", (int)got->data[i].len, got->data[i].ptr);
    }
    buf_byte(&heard, ';');
}

static int setup(void **state)
{
    static char data[] = "data";
    static char name_root[] = "root";
    static char name_custom[] = "custom";
    struct sio_config config;
    (void)state;
    sio_config_defaults(&config);
    config.max_namespaces = 2;
    config.max_payload = 100;
    eio_engine_init(&engine, &config);
    sio_sessions_init(&sessions, &engine);
    root = sio_sessions_open(&sessions, "/", &handler, name_root);
    (void)sio_sessions_open(&sessions, "/custom", &handler, name_custom);
    (void)sio_sessions_open(&sessions, "/third", &handler, name_custom);
    buf_init(&heard, 100000);
    fake_wire_start();
    answer = ACCEPT;
    on_event_do = NULL;
    on_disconnect_do = NULL;
    on_drained_do = NULL;
    last = NULL;
    conn = eio_conn_new(&sessions.endpoint, &fake_ops, data);
    eio_conn_opened(conn, 0);
    eio_engine_settle(&engine, 0);
    (void)fake_wire_take();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sio_socket_unref(last);
    if (conn) {
        eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
    }
    sio_sessions_deinit(&sessions);
    eio_engine_deinit(&engine);
    buf_deinit(&heard);
    fake_wire_end();
    return 0;
}

/* One turn of the loop in which this text comes. */
static void turn(const char *text)
{
    struct slice copy = exact_copy(slice_text(text));
    eio_conn_text(conn, copy, 1);
    exact_free(copy);
    eio_engine_settle(&engine, 1);
}

static void assert_heard(const char *wanted)
{
    assert_string_equal(heard.len > 0 ? heard.ptr : "", wanted);
    buf_clear(&heard);
}

/* Public ids are random: they count as their length. */
static void assert_sent(const char *wanted)
{
    char *text = fake_wire_take();
    for (char *id = strstr(text, "{\"sid\":\""); id; id = strstr(id + 1, "{\"sid\":\"")) {
        char *end = strchr(id + 8, '"');
        assert_non_null(end);
        assert_int_equal(end - (id + 8), 20);
        memmove(id + 8, end, strlen(end) + 1);
    }
    assert_string_equal(text, wanted);
}

static void join(void)
{
    turn("40");
    assert_heard("root connect data ;");
    assert_sent("[40{\"sid\":\"\"}]");
}

static void gone(void)
{
    eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
    conn = NULL;
}

/* ---- Joining --------------------------------------------------------------------------------- */

static void connect_is_answered_with_a_public_id(void **state)
{
    (void)state;
    assert_true(eio_deadline_is_running(&conn->limit));
    turn("40{\"token\":\"t\"}");
    assert_heard("root connect data {\"token\":\"t\"};");
    assert_sent("[40{\"sid\":\"\"}]");
    turn("40/custom,");
    assert_heard("custom connect data ;");
    assert_sent("[40/custom,{\"sid\":\"\"}]");
    assert_false(eio_deadline_is_running(&conn->limit)); /* the time to join something is off */
}

static void a_refusal_carries_message_and_data(void **state)
{
    (void)state;
    answer = REFUSE;
    turn("40");
    assert_heard("root connect data ;");
    assert_sent("[44{\"message\":\"no \\\"entry\\\"\",\"data\":{\"c\":1}}]");
    assert_false(sio_socket_is_open(last));
    assert_false(sio_socket_accept(last));
    gone();
    assert_heard(""); /* no disconnect for one that was refused */
}

static void a_message_that_does_not_fit_is_replaced(void **state)
{
    (void)state;
    answer = LATER;
    turn("40");
    char *large = malloc(70000);
    assert_non_null(large);
    memset(large, 'x', 70000);
    sio_socket_refuse(last, (struct slice){large, 70000}, SLICE(""));
    free(large);
    eio_engine_settle(&engine, 1);
    assert_sent("[44{\"message\":\"refused\"}]");
}

static void an_answer_may_come_later(void **state)
{
    (void)state;
    answer = LATER;
    turn("40");
    assert_sent("");
    assert_true(sio_socket_accept(last));
    assert_false(sio_socket_accept(last)); /* once */
    eio_engine_settle(&engine, 2);
    assert_sent("[40{\"sid\":\"\"}]");
    assert_true(sio_socket_is_open(last));
}

static void an_answer_that_comes_too_late_does_nothing(void **state)
{
    (void)state;
    answer = LATER;
    turn("40");
    assert_heard("root connect data ;");
    gone();
    assert_heard("root disconnect transport close;");
    assert_false(sio_socket_accept(last));
    sio_socket_refuse(last, SLICE("x"), SLICE(""));
    sio_socket_disconnect(last, true);
    sio_socket_close(last, 4000);
    sio_socket_ack(last, 1, SLICE("1"));
    assert_int_equal(sio_socket_queued(last), 0);
    assert_sent("");
    assert_heard("");
}

static void close_is_an_answer_too(void **state)
{
    (void)state;
    answer = CLOSE;
    turn("40");
    assert_heard("root connect data ;root disconnect forced server close;");
    assert_sent("<close 4001>");
}

static void unknown_namespaces_are_an_error(void **state)
{
    (void)state;
    turn("40/nope,{}");
    assert_sent("[44/nope,{\"message\":\"Invalid namespace\"}]");
    assert_heard("");
    join();
}

static void namespaces_are_capped(void **state)
{
    (void)state;
    join();
    turn("40/custom");
    (void)fake_wire_take();
    turn("40/third");
    assert_sent("[44/third,{\"message\":\"Too many namespaces\"}]");
    turn("41/custom");
    turn("40/third");
    assert_sent("[40/third,{\"sid\":\"\"}]");
}

/* ---- What ends the connection ---------------------------------------------------------------- */

static void what_is_not_allowed_now_ends_the_connection(void **state)
{
    static const struct {
        const char *before; /* or NULL */
        const char *text;
    } cases[] = {
        {NULL, "42[\"a\"]"                                    },
        {NULL, "431[]"                                        },
        {NULL, "41"                                           },
        {NULL, "42/nope,[\"a\"]"                              },
        {"40", "40"                                           },
        {"40", "42/custom,[\"a\"]"                            },
        {"40", "44{}"                                         },
        {NULL, "451-[\"a\"]"                                  },
        {"40", "450-[\"a\"]"                                  },
        {"40", "4511-[\"a\"]"                                 },
        {"40", "451-/custom,[\"a\"]"                          },
        {"40", "451-/nope,[\"a\"]"                            },
        {"40", "451-[\"a\",{\"_placeholder\":true,\"num\":1}]"},
        {"40", "461-1"                                        },
        {"40", "42[\"connect\"]"                              },
        {"40", "4"                                            },
        {"40", "40[]"                                         },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (i > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        if (cases[i].before) {
            join();
        }
        turn(cases[i].text);
        assert_sent("<close 0>");
        assert_heard(cases[i].before ? "root disconnect parse error;" : "");
        assert_int_equal(engine.stats.closed[SIO_PARSE_ERROR], 1);
    }
}

static void before_the_answer_nothing_but_waiting_is_allowed(void **state)
{
    static const char *const texts[] = {"40", "41", "42[\"a\"]", "431[]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (i > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        answer = LATER;
        turn("40");
        turn(texts[i]);
        assert_heard("root connect data ;root disconnect parse error;");
        assert_sent("<close 0>");
    }
}

static void binary_messages_end_the_connection(void **state)
{
    (void)state;
    join();
    eio_conn_binary(conn, SLICE("x"), 1);
    eio_engine_settle(&engine, 1);
    assert_heard("root disconnect parse error;");
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void events_and_acks_go_both_ways(void **state)
{
    (void)state;
    join();
    turn("42[\"hey\",1,{}]");
    assert_heard("root hey(1,{});");
    turn("42007[\"hey\",1.0]");
    assert_heard("root hey(1.0)#7;");
    assert_sent("[437[1.0]]");
    turn("431[\"nobody asked\"]");
    turn("43");
    assert_heard("");
    assert_sent("");
    struct sio_frame *frame = sio_event_frame(root, SLICE("news"), SLICE("[1]"));
    sio_socket_emit(last, frame);
    sio_socket_emit(last, frame);
    assert_int_equal(sio_socket_queued(last), 2 * sio_frame_size(frame));
    eio_engine_settle(&engine, 2);
    sio_frame_unref(frame);
    assert_sent("[42[\"news\",[1]]][42[\"news\",[1]]]");
    assert_int_equal(engine.stats.packets_in, 5);
}

static void emitting_before_the_answer_does_nothing(void **state)
{
    (void)state;
    answer = LATER;
    turn("40");
    struct sio_frame *frame = sio_event_frame(root, SLICE("news"), SLICE(""));
    sio_socket_emit(last, frame);
    sio_socket_ack(last, 1, SLICE(""));
    sio_frame_unref(frame);
    eio_engine_settle(&engine, 2);
    assert_sent("");
}

/* ---- Leaving --------------------------------------------------------------------------------- */

static void a_client_may_leave_and_join_anew(void **state)
{
    (void)state;
    join();
    turn("41");
    assert_heard("root disconnect client namespace disconnect;");
    assert_sent("");
    join();
    turn("41");
    turn("42[\"a\"]"); /* having left of its own will, it must not speak */
    assert_heard("root disconnect client namespace disconnect;");
    assert_sent("<close 0>");
}

static void leaving_and_joining_in_one_turn_is_told_in_order(void **state)
{
    (void)state;
    join();
    eio_conn_text(conn, SLICE("41"), 1);
    eio_conn_text(conn, SLICE("40"), 1);
    eio_engine_settle(&engine, 1);
    assert_heard("root disconnect client namespace disconnect;root connect data ;");
}

static void disconnect_here(struct sio_socket *socket)
{
    sio_socket_disconnect(socket, false);
    assert_false(sio_socket_is_open(socket));
    buf_append(&heard, SLICE("(still inside)"));
}

static void the_server_may_leave(void **state)
{
    (void)state;
    join();
    on_event_do = disconnect_here;
    eio_conn_text(conn, SLICE("42[\"kick\"]"), 1);
    eio_conn_text(conn, SLICE("42[\"on its way\"]"), 1);
    eio_conn_text(conn, SLICE("41"), 1);
    assert_heard("root kick();(still inside)"); /* the callback waits for the end of the turn */
    eio_engine_settle(&engine, 1);
    assert_heard("root disconnect server namespace disconnect;");
    assert_sent("[41]");
    turn("42[\"later\"]");
    turn("430[]");
    assert_heard("");
    on_event_do = NULL;
    join(); /* forgives no longer */
    turn("41");
    turn("41");
    assert_sent("<close 0>");
}

static void a_predecessor_is_told_before_the_next_one_connects(void **state)
{
    (void)state;
    join();
    sio_socket_disconnect(last, false);
    eio_conn_text(conn, SLICE("40"), 1);
    assert_heard("root disconnect server namespace disconnect;root connect data ;");
    eio_engine_settle(&engine, 1);
    assert_sent("[41][40{\"sid\":\"\"}]");
}

static void closing_leaves_every_namespace_first(void **state)
{
    (void)state;
    join();
    turn("40/custom");
    (void)fake_wire_take();
    buf_clear(&heard);
    sio_socket_disconnect(last, true);
    assert_heard("");
    eio_engine_settle(&engine, 1);
    assert_sent("[41/custom,][41]<close 0>");
    assert_heard("custom disconnect server namespace disconnect;"
                 "root disconnect server namespace disconnect;");
}

static void close_takes_all_sockets_along_without_a_word(void **state)
{
    (void)state;
    join();
    turn("40/custom");
    (void)fake_wire_take();
    buf_clear(&heard);
    sio_socket_close(last, 4000);
    assert_false(sio_socket_is_open(last));
    eio_engine_settle(&engine, 1);
    assert_sent("<close 4000>");
    assert_heard("custom disconnect forced server close;root disconnect forced server close;");
}

static void emit_to_the_gone(struct sio_socket *socket)
{
    struct sio_frame *frame = sio_event_frame(root, SLICE("news"), SLICE(""));
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
    sio_socket_disconnect(socket, true);
    sio_socket_close(socket, 4000);
}

static void emitting_to_a_socket_that_is_gone_does_nothing(void **state)
{
    (void)state;
    join();
    on_disconnect_do = emit_to_the_gone;
    turn("41");
    assert_sent("");
    assert_heard("root disconnect client namespace disconnect;");
    on_disconnect_do = NULL;
    join(); /* the connection was not closed by what the gone socket asked for */
    gone();
    emit_to_the_gone(last);
    assert_heard("root disconnect transport close;");
    assert_int_equal(last->refs, 1); /* ours alone: nothing leaks, nothing dangles */
}

static void data_belongs_to_the_application(void **state)
{
    int mine = 0;
    (void)state;
    join();
    assert_null(sio_socket_data(last));
    sio_socket_set_data(last, &mine);
    gone();
    assert_ptr_equal(sio_socket_data(last), &mine);
}

/* ---- Binary ---------------------------------------------------------------------------------- */

static void bytes_come(const char *text)
{
    struct slice copy = exact_copy(slice_text(text));
    eio_conn_binary(conn, copy, 1);
    exact_free(copy);
    eio_engine_settle(&engine, 1);
}

#define HERE(n) "{\"_placeholder\":true,\"num\":" #n "}"

static void attachments_come_with_their_event(void **state)
{
    (void)state;
    join();
    turn("452-[\"up\"," HERE(1) "," HERE(0) "]");
    assert_heard("");
    bytes_come("one");
    assert_heard("");
    turn("3"); /* a pong is no packet of this protocol, and may come between */
    bytes_come("");
    assert_heard("root up(" HERE(1) "," HERE(0) ")+one+;");
    turn("42[\"next\"]");
    assert_heard("root next();");
    assert_sent("");
    assert_int_equal(engine.stats.packets_in, 3);
}

static void attachments_may_come_as_base64(void **state)
{
    (void)state;
    join();
    turn("451-[\"up\"," HERE(0) "]");
    turn("bb25l");
    assert_heard("root up(" HERE(0) ")+one;");
}

static void acks_carry_attachments_both_ways(void **state)
{
    (void)state;
    join();
    turn("451-9[\"up\"," HERE(0) "]");
    bytes_come("one");
    assert_heard("root up(" HERE(0) ")+one#9;");
    assert_sent("[461-9[" HERE(0) "]][one]");
    static char name[] = "q";
    assert_true(sio_socket_ask(last, SLICE("q"), SLICE("1"), on_answer, name));
    turn("461-0[" HERE(0) "]");
    assert_heard("");
    bytes_come("two");
    assert_heard("q<" HERE(0) "+two;");
}

static void events_with_attachments_go_out_together(void **state)
{
    const struct slice data[] = {SLICE("one"), SLICE(""), SLICE("two")};
    (void)state;
    join();
    struct sio_frame *frame = sio_event_frame_data(root, SLICE("down"), SLICE(HERE(0)), data, 3);
    sio_socket_emit(last, frame);
    sio_socket_emit(last, frame);
    sio_frame_unref(frame);
    eio_engine_settle(&engine, 2);
    assert_sent("[453-[\"down\"," HERE(0) "]][one][][two][453-[\"down\"," HERE(0) "]][one][][two]");
}

static void text_in_the_place_of_an_attachment_ends_the_connection(void **state)
{
    static const char *const texts[] = {"42[\"a\"]", "41", "40/custom", "451-[\"b\"]", "4"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (i > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        join();
        turn("451-[\"up\"]");
        turn(texts[i]);
        assert_heard("root disconnect parse error;");
        assert_sent("<close 0>");
        assert_null(conn->partial);
    }
}

static void attachments_count_as_payload(void **state)
{
    static const char text[] = "51-[\"up\"]";
    for (size_t extra = 0; extra < 2; extra++) {
        if (extra > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        char bytes[101] = "";
        memset(bytes, 'x', 100 - (sizeof text - 1) + extra);
        join();
        turn("451-[\"up\"]");
        bytes_come(bytes);
        assert_sent(extra ? "<close 1009>" : "");
        assert_int_equal(engine.stats.closed[SIO_TOO_LARGE], extra);
        if (extra) {
            assert_heard("root disconnect message too large;");
        }
    }
}

static void half_a_packet_goes_with_its_connection(void **state)
{
    (void)state;
    join();
    turn("452-[\"up\"]");
    bytes_come("one");
    assert_non_null(conn->partial);
    gone();
    assert_heard("root disconnect transport close;"); /* ASan counts */
}

static void attachments_for_a_namespace_that_the_server_left_are_swallowed(void **state)
{
    (void)state;
    join();
    sio_socket_disconnect(last, false);
    eio_engine_settle(&engine, 1);
    assert_heard("root disconnect server namespace disconnect;");
    assert_sent("[41]");
    turn("451-[\"up\"]");
    bytes_come("one");
    assert_heard("");
    assert_sent("");
    assert_true(eio_conn_is_open(conn));
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static char a[] = "a", b[] = "b";

static bool ask(struct sio_socket *socket, char *name)
{
    return sio_socket_ask(socket, SLICE("q"), SLICE(""), on_answer, name);
}

static void what_is_asked_is_answered_once(void **state)
{
    (void)state;
    join();
    assert_true(ask(last, a) && ask(last, b));
    eio_engine_settle(&engine, 1);
    assert_sent("[420[\"q\"]][421[\"q\"]]");
    turn("431[1]");
    assert_heard("b<1;");
    turn("431[2]");
    turn("432[2]");
    turn("434294967296[2]"); /* 0 in 32 bits */
    assert_heard("");
    turn("430");
    assert_heard("a<;");
}

static void another_sockets_answer_is_none(void **state)
{
    (void)state;
    join();
    assert_true(ask(last, a));
    turn("40/custom");
    buf_clear(&heard);
    turn("43/custom,0[1]");
    assert_heard("");
    turn("430[1]");
    assert_heard("a<1;");
}

static void who_does_not_answer_is_told_of(void **state)
{
    (void)state;
    join();
    assert_true(ask(last, a));
    eio_engine_tick(&engine, clock_mono_us() + 9900000);
    assert_heard("");
    eio_engine_tick(&engine, clock_mono_us() + 10100000);
    assert_heard("a<none;");
    turn("430[1]");
    assert_heard("");
}

static void a_socket_that_goes_answers_nothing(void **state)
{
    (void)state;
    join();
    assert_true(ask(last, a));
    assert_true(ask(last, b));
    turn("41");
    struct slice all = buf_slice(&heard);
    assert_non_null(strstr(all.ptr, "a<none;"));
    assert_non_null(strstr(all.ptr, "b<none;"));
    assert_int_equal(all.len, strlen("a<none;b<none;root disconnect client namespace disconnect;"));
    assert_int_equal(last->asked, 0);
    buf_clear(&heard);
    assert_false(ask(last, a));
    assert_heard("");
}

static void at_most_256_answers_are_outstanding(void **state)
{
    (void)state;
    join();
    for (int i = 0; i < SIO_ACKS_MAX; i++) {
        assert_true(ask(last, a));
    }
    assert_false(ask(last, b));
    turn("4300[1]");
    turn("4377[1]");
    assert_heard("a<1;a<1;");
    assert_true(ask(last, b));
    turn("43256[1]");
    assert_heard("b<1;");
    gone();
}

static void ids_of_questions_fit_31_bits(void **state)
{
    (void)state;
    join();
    sessions.acks.next_id = 0x7fffffff;
    assert_true(ask(last, a));
    assert_true(ask(last, b));
    eio_engine_settle(&engine, 1);
    assert_sent("[422147483647[\"q\"]][420[\"q\"]]");
    turn("432147483647[1]");
    turn("430[1]");
    assert_heard("a<1;b<1;");
}

static void ask_again(void *arg, struct sio_socket *socket, const struct sio_answer *got)
{
    on_answer(arg, socket, got);
    buf_append(&heard, sio_socket_ask(socket, SLICE("again"), SLICE(""), on_answer, b)
                           ? SLICE("asked;")
                           : SLICE("gone;"));
}

static void an_answer_may_be_a_new_question(void **state)
{
    (void)state;
    join();
    assert_true(sio_socket_ask(last, SLICE("q"), SLICE(""), ask_again, a));
    turn("430[1]");
    assert_heard("a<1;asked;");
    assert_sent("[420[\"q\"]][421[\"again\"]]");
    turn("431[2]");
    assert_heard("b<2;");
    assert_true(sio_socket_ask(last, SLICE("q"), SLICE(""), ask_again, a));
    gone();
    assert_heard("a<none;gone;root disconnect transport close;");
}

/* ---- Draining -------------------------------------------------------------------------------- */

static void emit_bytes(struct sio_socket *socket, size_t len)
{
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '1', len);
    struct sio_frame *frame = sio_event_frame(root, SLICE("e"), (struct slice){text, len});
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
    free(text);
}

/* The kernel takes so many bytes more, and the transport is told that it does. */
static void kernel_takes(size_t bytes)
{
    fake_wire.room = bytes;
    conn->transport->flush(&conn, 1);
    eio_engine_settle(&engine, 2);
}

static void who_asks_is_told_when_little_is_left(void **state)
{
    (void)state;
    join();
    sio_socket_when_drained(last);
    assert_heard(""); /* never from inside */
    eio_engine_settle(&engine, 1);
    assert_heard("root drained;");
    kernel_takes(0);
    emit_bytes(last, 40000);
    emit_bytes(last, 40000);
    sio_socket_when_drained(last);
    eio_engine_settle(&engine, 1);
    emit_bytes(last, 60000);
    eio_engine_settle(&engine, 1);
    assert_heard("");
    kernel_takes(50000);
    assert_heard("");
    kernel_takes(50000);
    assert_heard("root drained;");
    kernel_takes(SIZE_MAX);
    assert_heard(""); /* once */
}

static void send_once_more(struct sio_socket *socket)
{
    on_drained_do = NULL;
    emit_bytes(socket, 70000);
    sio_socket_when_drained(socket);
}

static void what_is_sent_then_may_drain_in_the_same_turn(void **state)
{
    (void)state;
    join();
    on_drained_do = send_once_more;
    sio_socket_when_drained(last);
    eio_engine_settle(&engine, 1);
    assert_heard("root drained;root drained;");
}

static void who_has_gone_is_not_told(void **state)
{
    (void)state;
    join();
    kernel_takes(0);
    emit_bytes(last, 70000);
    sio_socket_when_drained(last);
    turn("41");
    assert_heard("root disconnect client namespace disconnect;");
    kernel_takes(SIZE_MAX);
    assert_heard("");
    sio_socket_when_drained(last);
    eio_engine_settle(&engine, 1);
    assert_heard("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_init("test", LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(connect_is_answered_with_a_public_id),
        TEST(attachments_come_with_their_event),
        TEST(attachments_may_come_as_base64),
        TEST(acks_carry_attachments_both_ways),
        TEST(events_with_attachments_go_out_together),
        TEST(text_in_the_place_of_an_attachment_ends_the_connection),
        TEST(attachments_count_as_payload),
        TEST(half_a_packet_goes_with_its_connection),
        TEST(attachments_for_a_namespace_that_the_server_left_are_swallowed),
        TEST(what_is_asked_is_answered_once),
        TEST(another_sockets_answer_is_none),
        TEST(who_does_not_answer_is_told_of),
        TEST(a_socket_that_goes_answers_nothing),
        TEST(at_most_256_answers_are_outstanding),
        TEST(ids_of_questions_fit_31_bits),
        TEST(an_answer_may_be_a_new_question),
        TEST(a_refusal_carries_message_and_data),
        TEST(a_message_that_does_not_fit_is_replaced),
        TEST(an_answer_may_come_later),
        TEST(an_answer_that_comes_too_late_does_nothing),
        TEST(close_is_an_answer_too),
        TEST(unknown_namespaces_are_an_error),
        TEST(namespaces_are_capped),
        TEST(what_is_not_allowed_now_ends_the_connection),
        TEST(before_the_answer_nothing_but_waiting_is_allowed),
        TEST(binary_messages_end_the_connection),
        TEST(events_and_acks_go_both_ways),
        TEST(emitting_before_the_answer_does_nothing),
        TEST(a_client_may_leave_and_join_anew),
        TEST(leaving_and_joining_in_one_turn_is_told_in_order),
        TEST(the_server_may_leave),
        TEST(a_predecessor_is_told_before_the_next_one_connects),
        TEST(closing_leaves_every_namespace_first),
        TEST(close_takes_all_sockets_along_without_a_word),
        TEST(emitting_to_a_socket_that_is_gone_does_nothing),
        TEST(data_belongs_to_the_application),
        TEST(who_asks_is_told_when_little_is_left),
        TEST(what_is_sent_then_may_drain_in_the_same_turn),
        TEST(who_has_gone_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
