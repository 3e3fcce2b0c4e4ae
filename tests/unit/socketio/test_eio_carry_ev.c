/* test_eio_carry_ev.c - requests that are carried to another server, which is a socket of this test
 */
#include "gateway-svc/socketio/eio_carry_ev.h"
#include "gateway-svc/socketio/eio_lookup.h"
#include "gateway-svc/socketio/eio_tunnel_lws.h"
#include "tests/support/exact_copy.h"
#include "tests/support/tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD "GET /engine.io/?sid=anna.x HTTP/1.1\r\nHost: here\r\n"
#define POST_HEAD "POST /engine.io/?sid=anna.x HTTP/1.1\r\nHost: here\r\n"
#define UNKNOWN "400 {\"code\":1,\"message\":\"Session ID unknown\"};"
#define HEAD_MAX 16384
#define SHORT_S 0.05
#define NEVER_S 1000.0

static struct ev_loop *loop;
static struct tcp_peer peers[2]; /* "anna" and "bert" */
static struct sio_config config;
static struct eio_carrier carrier;

/* ---- The application, which knows where nodes are -------------------------------------------- */

static unsigned asked;
static bool answers_later;
static struct sio_lookup *lookup; /* that waits for its answer */
static char asked_for[64];

static void answer_lookup(void)
{
    struct sio_lookup *waiting = lookup;
    lookup = NULL;
    bool is_anna = strcmp(asked_for, "anna") == 0;
    bool known = is_anna || strcmp(asked_for, "bert") == 0;
    waiting->done(waiting, known ? "127.0.0.1" : NULL, known ? peers[is_anna ? 0 : 1].port : 0);
}

static void find(void *app, struct slice node, struct sio_lookup *l)
{
    assert_ptr_equal(app, &asked);
    assert_null(lookup);
    assert_in_range(node.len, 0, sizeof asked_for - 1);
    memcpy(asked_for, node.ptr, node.len);
    asked_for[node.len] = '\0';
    asked++;
    lookup = l;
    if (!answers_later) {
        answer_lookup();
    }
}

static const struct sio_server_handler app_handler = {.find = find};

/* ---- Exchanges and a tunnel that write down -------------------------------------------------- */

static struct eio_tunnels all_tunnels;
static struct buf noted; /* "status body;" or "raw bytes;" or "raw-close bytes;" ... */

struct fake_exchange {
    struct eio_exchange x;
    int fd; /* that take_socket gives */
    bool gone;
};

static void leave(struct eio_exchange *x)
{
    struct fake_exchange *f = (struct fake_exchange *)(void *)x;
    assert_false(f->gone);
    assert_null(x->taker);
    f->gone = true;
}

static void fake_answer(struct eio_exchange *x, const struct eio_answer *answer)
{
    leave(x);
    buf_printf(&noted, "%u ", answer->status);
    buf_append(&noted, answer->body);
    buf_byte(&noted, ';');
}

static void fake_answer_raw(struct eio_exchange *x, const struct buf *bytes, bool close)
{
    leave(x);
    buf_append(&noted, close ? SLICE("raw-close ") : SLICE("raw "));
    buf_append(&noted, buf_slice(bytes));
    buf_byte(&noted, ';');
}

static int fake_take_socket(struct eio_exchange *x, struct buf *early)
{
    leave(x);
    buf_append(&noted, SLICE("taken;"));
    buf_init(early, 100);
    buf_append(early, SLICE("client's"));
    return ((struct fake_exchange *)(void *)x)->fd;
}

static const struct eio_exchange_ops exchange_ops = {
    .answer = fake_answer, .answer_raw = fake_answer_raw, .take_socket = fake_take_socket};

static struct fake_exchange exchange(void)
{
    return (struct fake_exchange){.x = {.ops = &exchange_ops}, .fd = 1000};
}

/* The client hangs up. */
static void hang_up(struct fake_exchange *f)
{
    assert_false(f->gone);
    f->gone = true;
    f->x.taker->gone(&f->x);
}

size_t eio_tunnel_max_waiting(const struct sio_config *c)
{
    assert_ptr_equal(c, &config);
    return 1000;
}

void eio_tunnel_open(struct eio_ws *ws, struct eio_tunnels *tunnels,
                     const struct eio_ws_client *client, struct eio_upstream *up,
                     struct slice early)
{
    assert_ptr_equal(ws, carrier.ws);
    assert_ptr_equal(tunnels, &all_tunnels);
    assert_true(slice_equal(client->early, SLICE("client's")));
    buf_printf(&noted, "tunnel %d %s %s early=", client->fd, client->handshake->key,
               client->handshake->subprotocol);
    buf_append(&noted, early);
    buf_byte(&noted, ';');
    assert_true(eio_upstream_write(up, SLICE("through the tunnel")));
    eio_upstream_finish(up, NEVER_S);
}

static bool logged(const char *text)
{
    return slice_equal(buf_slice(&noted), slice_text(text));
}

static void assert_logged(const char *text)
{
    UNTIL(loop, noted.len > 0);
    if (!logged(text)) {
        print_error("it was: %s\n", noted.ptr);
    }
    assert_true(logged(text));
    buf_clear(&noted);
}

/* All that is there to be read is. */
static void turn(void)
{
    ev_run(loop, EVRUN_NOWAIT);
    ev_run(loop, EVRUN_NOWAIT);
}

static int setup(void **state)
{
    static char ws; /* stands for libwebsockets: nobody looks at it */
    (void)state;
    loop = test_loop();
    assert_true(peer_listen(&peers[0], loop, AF_INET));
    assert_true(peer_listen(&peers[1], loop, AF_INET));
    config.max_payload = 1000;
    carrier = (struct eio_carrier){.loop = loop,
                                   .ws = (struct eio_ws *)(void *)&ws,
                                   .config = &config,
                                   .tunnels = &all_tunnels,
                                   .handler = &app_handler,
                                   .app = &asked,
                                   .answer_s = NEVER_S};
    asked = 0;
    answers_later = false;
    lookup = NULL;
    buf_init(&noted, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(noted.len, 0); /* nothing was answered twice */
    peer_end(&peers[0]);
    peer_end(&peers[1]);
    ev_run(loop, 0); /* returns when nothing is watched any more: no timer, no connection is left */
    ev_loop_destroy(loop);
    buf_deinit(&noted);
    return 0;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static struct fake_exchange *get_from(const char *node)
{
    static struct fake_exchange places[8];
    static unsigned next;
    struct fake_exchange *f = &places[next++ % 8];
    *f = exchange();
    struct slice name = exact_copy(slice_text(node));
    struct slice head = exact_copy(SLICE(HEAD));
    eio_carry_get(&carrier, name, &f->x, head);
    exact_free(name);
    exact_free(head);
    return f;
}

/* The request that was just made has come to anna, and nothing else with it. */
static void until_arrived(void)
{
    unsigned before = peers[0].accepted;
    UNTIL(loop, peers[0].accepted > before && peer_has(&peers[0], HEAD "\r\n"));
}

/* A GET that has arrived at anna's. */
static struct fake_exchange *arrived_get(void)
{
    struct fake_exchange *f = get_from("anna");
    until_arrived();
    assert_false(f->gone);
    return f;
}

static void websocket(struct fake_exchange *f)
{
    struct eio_handshake handshake = {.key = "dGhlIHNhbXBsZSBub25jZQ==", .subprotocol = "chat"};
    eio_carry_websocket(&carrier, SLICE("anna"), &f->x, SLICE(HEAD), &handshake);
    memset(&handshake, 'x', sizeof handshake); /* it was borrowed for the call alone */
}

static void arrived_websocket(struct fake_exchange *f)
{
    *f = exchange();
    websocket(f);
    until_arrived();
    assert_false(f->gone);
}

/* ---- Polls ----------------------------------------------------------------------------------- */

#define ANSWER                                                                                     \
    "HTTP/1.1 200 OK\r\ncontent-length:  5 \r\nX: \xff\r\nConnection: keep-alive\r\n\r\n6\x1e"     \
    "42["

static void an_answer_comes_back_byte_for_byte(void **state)
{
    (void)state;
    (void)arrived_get();
    assert_string_equal(asked_for, "anna");
    assert_int_equal(asked, 1);
    peer_say(&peers[0], ANSWER);
    assert_logged("raw " ANSWER ";");
    UNTIL(loop, peers[0].ended);
}

static void an_answer_may_be_split_anywhere(void **state)
{
    static const char whole[] = ANSWER;
    (void)state;
    for (size_t cut = 1; cut < sizeof ANSWER - 1; cut++) {
        char first[sizeof ANSWER] = ANSWER;
        first[cut] = '\0';
        (void)arrived_get();
        peer_say(&peers[0], first);
        turn();
        assert_int_equal(noted.len, 0);
        peer_say(&peers[0], &whole[cut]);
        assert_logged("raw " ANSWER ";");
    }
}

static void some_answers_close(void **state)
{
    static const char close[] =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nconnection: Close\r\n\r\n";
    (void)state;
    (void)arrived_get();
    peer_say(&peers[0], close);
    char expected[sizeof close + 20];
    (void)snprintf(expected, sizeof expected, "raw-close %s;", close);
    assert_logged(expected);
}

static void what_follows_an_answer_is_no_part_of_it(void **state)
{
    (void)state;
    (void)arrived_get();
    peer_say(&peers[0], ANSWER "HTTP/1.1 200 OK\r\n\r\n");
    assert_logged("raw " ANSWER ";");
}

static void faulty_answers_are_given_up(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 268435457\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n", /* without the end of a head: known at the first byte */
        "HTTP/1.x",
        "\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        (void)arrived_get();
        peer_say(&peers[0], answers[i]);
        assert_logged(UNKNOWN);
        UNTIL(loop, peers[0].ended);
    }
}

/* Says a head of that size, its end included: `first` bytes of it, then, if it is left, the last.
 */
static void say_head(size_t size, size_t first)
{
    static const char start[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
    char head[HEAD_MAX + 2];
    memset(head, 'x', sizeof head);
    memcpy(head, start, sizeof start - 1);
    memcpy(head + size - 4, "\r\n\r\n", 5);
    head[first] = '\0';
    peer_say(&peers[0], head);
    if (first < size) {
        turn();
        assert_int_equal(noted.len, 0);
        peer_say(&peers[0], "\n");
    }
}

static void the_head_of_an_answer_has_a_limit(void **state)
{
    (void)state;
    for (size_t left = 0; left < 2; left++) {
        (void)arrived_get();
        say_head(HEAD_MAX, HEAD_MAX - left);
        UNTIL(loop, noted.len > 0);
        assert_int_equal(noted.len, 4 + HEAD_MAX + 1);
        buf_clear(&noted);
    }
    (void)arrived_get();
    say_head(HEAD_MAX + 1, HEAD_MAX + 1);
    assert_logged(UNKNOWN);
    (void)arrived_get();
    peer_say(&peers[0], "HTTP/1.1 200 OK\r\n");
    for (size_t sent = 17; sent < HEAD_MAX; sent += 7) {
        peer_say(&peers[0], "A: bc\r\n"); /* and no end */
    }
    assert_logged(UNKNOWN);
}

static void a_server_that_closes_early_is_given_up(void **state)
{
    static const char *const answers[] = {"", "HTTP/1.1 200",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234"};
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        (void)arrived_get();
        peer_say(&peers[0], answers[i]);
        turn();
        peer_hang_up(&peers[0]);
        assert_logged(UNKNOWN);
    }
}

static void an_unknown_node_is_an_unknown_sid(void **state)
{
    (void)state;
    assert_true(get_from("carl")->gone); /* at once, when that is known */
    assert_logged(UNKNOWN);
    answers_later = true;
    struct fake_exchange *f = get_from("dora");
    assert_false(f->gone);
    answer_lookup();
    assert_true(f->gone);
    assert_logged(UNKNOWN);
    struct fake_exchange ws = exchange();
    websocket(&ws);
    (void)strncpy(asked_for, "emil", 5);
    answer_lookup();
    assert_logged(UNKNOWN);
    assert_int_equal(peers[0].accepted, 0);
}

static void a_refused_connection_is_an_unknown_sid(void **state)
{
    (void)state;
    peer_stop_listening(&peers[0]);
    (void)get_from("anna");
    assert_logged(UNKNOWN);
    struct fake_exchange ws = exchange();
    websocket(&ws);
    assert_logged(UNKNOWN);
}

static void an_answer_that_is_found_later_is_as_good(void **state)
{
    (void)state;
    answers_later = true;
    struct fake_exchange *f = get_from("anna");
    turn();
    assert_int_equal(peers[0].accepted, 0);
    answer_lookup();
    UNTIL(loop, peer_has(&peers[0], HEAD "\r\n"));
    assert_false(f->gone);
    peer_say(&peers[0], ANSWER);
    assert_logged("raw " ANSWER ";");
}

static void a_client_that_hangs_up_while_the_node_is_looked_up_is_forgotten(void **state)
{
    (void)state;
    answers_later = true;
    hang_up(get_from("anna"));
    answer_lookup();
    turn();
    assert_int_equal(peers[0].accepted, 0);
    hang_up(get_from("carl"));
    answer_lookup();
}

static void a_node_may_be_found_when_the_server_is_gone(void **state)
{
    struct eio_carrier *gone = malloc(sizeof *gone);
    struct fake_exchange f = exchange();
    (void)state;
    assert_non_null(gone);
    *gone = carrier;
    answers_later = true;
    eio_carry_get(gone, SLICE("anna"), &f.x, SLICE(HEAD));
    hang_up(&f);
    free(gone);
    answer_lookup();
    turn();
    assert_int_equal(peers[0].accepted, 0);
}

static void a_client_that_hangs_up_is_hung_up_for(void **state)
{
    (void)state;
    hang_up(arrived_get());
    UNTIL(loop, peers[0].ended);
    struct fake_exchange *f = arrived_get();
    peer_say(&peers[0], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234");
    turn();
    hang_up(f);
    UNTIL(loop, peers[0].ended);
    hang_up(get_from("anna")); /* while it connects */
    UNTIL(loop, peers[0].accepted == 3 && peers[0].ended);
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

static void send_body(struct fake_exchange *f, struct slice body)
{
    struct slice copy = exact_copy(body);
    f->x.taker->body(&f->x, copy, 1);
    exact_free(copy);
}

static void a_body_is_carried_too(void **state)
{
    static const char whole[] = POST_HEAD "Content-Length: 6\r\n\r\n4a\0b\xff\n";
    (void)state;
    struct fake_exchange f = exchange();
    eio_carry_post(&carrier, SLICE("anna"), &f.x, SLICE(POST_HEAD));
    assert_int_equal(asked, 0); /* not before the body is there */
    send_body(&f, SLICE("4a\0b\xff\n"));
    UNTIL(loop, peers[0].got.len == sizeof whole - 1);
    assert_memory_equal(peers[0].got.ptr, whole, sizeof whole - 1);
    peer_say(&peers[0], ANSWER);
    assert_logged("raw " ANSWER ";");
    UNTIL(loop, peers[0].ended);
    f = exchange();
    eio_carry_post(&carrier, SLICE("anna"), &f.x, SLICE(POST_HEAD));
    send_body(&f, SLICE(""));
    UNTIL(loop, peer_has(&peers[0], POST_HEAD "Content-Length: 0\r\n\r\n"));
    hang_up(&f);
    UNTIL(loop, peers[0].ended);
}

static void a_client_that_hangs_up_before_its_body_came_asks_nothing(void **state)
{
    (void)state;
    struct fake_exchange f = exchange();
    eio_carry_post(&carrier, SLICE("anna"), &f.x, SLICE(POST_HEAD));
    hang_up(&f);
    assert_int_equal(asked, 0);
}

static void what_does_not_fit_is_not_sent_in_part(void **state)
{
    static char body[(128 << 10) + 1001];
    (void)state;
    struct fake_exchange f = exchange();
    eio_carry_post(&carrier, SLICE("anna"), &f.x, SLICE(POST_HEAD));
    send_body(&f, (struct slice){body, sizeof body});
    assert_logged(UNKNOWN);
    assert_int_equal(peers[0].accepted, 0);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void a_post_and_a_websocket_must_be_answered_in_time_but_a_get_may_be_held(void **state)
{
    (void)state;
    carrier.answer_s = SHORT_S;
    struct fake_exchange *held = arrived_get();
    struct fake_exchange post = exchange();
    eio_carry_post(&carrier, SLICE("bert"), &post.x, SLICE(POST_HEAD));
    send_body(&post, SLICE("x"));
    UNTIL(loop, peers[1].got.len > 0);
    peer_say(&peers[1], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234");
    assert_logged(UNKNOWN);
    UNTIL(loop, peers[1].ended);
    assert_false(held->gone);
    peer_say(&peers[0], ANSWER);
    assert_logged("raw " ANSWER ";");
    struct fake_exchange ws;
    arrived_websocket(&ws);
    assert_logged(UNKNOWN);
    UNTIL(loop, peers[0].ended);
}

/* ---- WebSockets ------------------------------------------------------------------------------ */

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

static void an_accepted_websocket_becomes_a_tunnel(void **state)
{
    static const struct {
        const char *first, *second, *logged;
    } rows[] = {
        {SWITCH,              "",             "taken;tunnel 1000 dGhlIHNhbXBsZSBub25jZQ== chat early=;"},
        {SWITCH "\x81\x01"
                "6", "",
         "taken;tunnel 1000 dGhlIHNhbXBsZSBub25jZQ== chat early=\x81\x01"
         "6;"                                                                                          },
        {"HTTP/1.1 101",      " Yes\r\n\r\n", "taken;tunnel 1000 dGhlIHNhbXBsZSBub25jZQ== chat early=;"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_exchange f;
        arrived_websocket(&f);
        peer_say(&peers[0], rows[i].first);
        turn();
        if (rows[i].second[0] != '\0') {
            assert_false(f.gone);
            peer_say(&peers[0], rows[i].second);
        }
        assert_logged(rows[i].logged);
        UNTIL(loop, peers[0].ended);
        assert_true(peer_has(&peers[0], HEAD "\r\nthrough the tunnel"));
    }
}

static void a_refusal_of_a_websocket_is_passed_on_and_closes(void **state)
{
    (void)state;
    struct fake_exchange f;
    arrived_websocket(&f);
    peer_say(&peers[0], ANSWER); /* though it says keep-alive */
    assert_logged("raw-close " ANSWER ";");
    arrived_websocket(&f);
    peer_say(&peers[0], "HTTP/1.1 1010 Odd\r\n\r\n");
    assert_logged(UNKNOWN);
    arrived_websocket(&f);
    peer_hang_up(&peers[0]);
    assert_logged(UNKNOWN);
    arrived_websocket(&f);
    hang_up(&f);
    UNTIL(loop, peers[0].ended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_comes_back_byte_for_byte),
        TEST(an_answer_may_be_split_anywhere),
        TEST(some_answers_close),
        TEST(what_follows_an_answer_is_no_part_of_it),
        TEST(faulty_answers_are_given_up),
        TEST(the_head_of_an_answer_has_a_limit),
        TEST(a_server_that_closes_early_is_given_up),
        TEST(an_unknown_node_is_an_unknown_sid),
        TEST(a_refused_connection_is_an_unknown_sid),
        TEST(an_answer_that_is_found_later_is_as_good),
        TEST(a_client_that_hangs_up_while_the_node_is_looked_up_is_forgotten),
        TEST(a_node_may_be_found_when_the_server_is_gone),
        TEST(a_client_that_hangs_up_is_hung_up_for),
        TEST(a_body_is_carried_too),
        TEST(a_client_that_hangs_up_before_its_body_came_asks_nothing),
        TEST(what_does_not_fit_is_not_sent_in_part),
        TEST(a_post_and_a_websocket_must_be_answered_in_time_but_a_get_may_be_held),
        TEST(an_accepted_websocket_becomes_a_tunnel),
        TEST(a_refusal_of_a_websocket_is_passed_on_and_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
