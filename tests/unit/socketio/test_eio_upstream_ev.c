/* test_eio_upstream_ev.c - connections that we make, to a peer on loopback */
#include "gateway-svc/socketio/eio_upstream_ev.h"
#include "tests/support/tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/support/tcp_options.h"

#define MAX_WAITING ((size_t)1 << 20)
#define CHUNK ((size_t)65536)
#define LONG_S 50.0 /* never reached */
#define SHORT_S 0.05

static struct ev_loop *loop;
static struct tcp_peer peer;

/* ---- What is heard --------------------------------------------------------------------------- */

struct ear {
    struct eio_upstream *up;
    struct buf data;
    unsigned closed, drained;
    struct ear *heir; /* takes over as soon as something is heard */
};

static void on_closed(void *ctx);
static void on_data(void *ctx, struct slice bytes);

static void on_drained(void *ctx)
{
    struct ear *ear = ctx;
    ear->drained++;
}

static const struct eio_upstream_handler handler = {
    .data = on_data, .closed = on_closed, .drained = on_drained};

static void on_closed(void *ctx)
{
    struct ear *ear = ctx;
    ear->closed++;
    ear->up = NULL;
}

static void on_data(void *ctx, struct slice bytes)
{
    struct ear *ear = ctx;
    assert_true(buf_append(&ear->data, bytes));
    if (ear->heir) {
        ear->heir->up = ear->up;
        eio_upstream_hand_over(ear->up, &handler, ear->heir);
        ear->up = NULL;
    }
}

static struct ear ears[2];

static struct eio_upstream *open_to(const char *host, uint16_t port, size_t max_waiting)
{
    struct eio_upstream_target target = {.host = host, .port = port, .max_waiting = max_waiting};
    ears[0].up = eio_upstream_open(loop, &target, &handler, &ears[0]);
    return ears[0].up;
}

static struct eio_upstream *opened(size_t max_waiting)
{
    struct eio_upstream *up = open_to("127.0.0.1", peer.port, max_waiting);
    assert_non_null(up);
    return up;
}

static struct eio_upstream *connected(size_t max_waiting)
{
    struct eio_upstream *up = opened(max_waiting);
    UNTIL(loop, peer.accepted == 1 && ears[0].drained > 0);
    return up;
}

static bool heard(const struct ear *ear, const char *text)
{
    return slice_equal(buf_slice(&ear->data), slice_text(text));
}

static int setup(void **state)
{
    (void)state;
    loop = test_loop();
    assert_true(peer_listen(&peer, loop, AF_INET));
    for (size_t i = 0; i < 2; i++) {
        ears[i] = (struct ear){.up = NULL};
        buf_init(&ears[i].data, PEER_GOT_MAX);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        eio_upstream_close(ears[i].up);
        buf_deinit(&ears[i].data);
    }
    peer_end(&peer);
    ev_run(loop, 0); /* returns when nothing is watched any more: nothing was left behind */
    ev_loop_destroy(loop);
    return 0;
}

/* Bytes that are different everywhere. */
static struct slice pattern(size_t at, size_t n)
{
    static char bytes[CHUNK];
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (char)((at + i) * 2654435761U >> 13);
    }
    return (struct slice){bytes, n};
}

static void assert_pattern(const struct buf *b, size_t n)
{
    assert_int_equal(b->len, n);
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t part = n - at < CHUNK ? n - at : CHUNK;
        assert_memory_equal(b->ptr + at, pattern(at, part).ptr, part);
    }
}

/* Of our sockets, the one that is connected to the peer's port; or -1. */
static int fd_to(uint16_t port)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in to = {0};
        socklen_t size = sizeof to;
        if (getpeername(fd, (struct sockaddr *)&to, &size) == 0 && ntohs(to.sin_port) == port) {
            return fd;
        }
    }
    return -1;
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static void what_cannot_be_tried_is_null(void **state)
{
    (void)state;
    assert_null(open_to("no address", 1, 1));
    assert_null(open_to("localhost", peer.port, 1));
    assert_null(open_to("", peer.port, 1));
    eio_upstream_close(NULL);
    eio_upstream_finish(NULL, SHORT_S);
    assert_int_equal(ears[0].closed, 0);
}

static void a_refusal_is_heard_later(void **state)
{
    (void)state;
    peer_stop_listening(&peer);
    struct eio_upstream *up = opened(10);
    assert_true(eio_upstream_write(up, SLICE("hello")));
    assert_int_equal(ears[0].closed, 0);
    UNTIL(loop, ears[0].closed == 1);
    assert_int_equal(ears[0].drained, 0);
}

static void closed_while_it_connects_it_says_nothing(void **state)
{
    (void)state;
    eio_upstream_close(opened(10));
    ears[0].up = NULL;
    UNTIL(loop, peer.accepted == 1 && peer.ended);
    assert_int_equal(ears[0].closed + ears[0].drained, 0);
}

static void ipv6_works_too(void **state)
{
    struct tcp_peer six;
    (void)state;
    if (!peer_listen(&six, loop, AF_INET6)) {
        print_message("no IPv6 on this machine\n");
        skip();
    }
    assert_non_null(open_to("::1", six.port, 10));
    assert_true(eio_upstream_write(ears[0].up, SLICE("hello")));
    UNTIL(loop, peer_has(&six, "hello"));
    peer_end(&six);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void a_peer_that_vanishes_will_be_noticed(void **state)
{
    (void)state;
    (void)connected(10);
    assert_tcp_options(fd_to(peer.port));
}

static void written_before_it_stands_is_sent_when_it_does(void **state)
{
    (void)state;
    struct eio_upstream *up = opened(10);
    assert_true(eio_upstream_write(up, SLICE("01234")));
    assert_true(eio_upstream_write(up, SLICE("")));
    assert_true(eio_upstream_write(up, SLICE("56789")));
    assert_false(eio_upstream_write(up, SLICE("x")));
    assert_int_equal(eio_upstream_waiting(up), 10);
    UNTIL(loop, peer_has(&peer, "0123456789"));
    assert_int_equal(ears[0].drained, 1);
    assert_int_equal(eio_upstream_waiting(up), 0);
    peer_say(&peer, "answer");
    UNTIL(loop, heard(&ears[0], "answer"));
    peer_hang_up(&peer);
    UNTIL(loop, ears[0].closed == 1);
}

/* Fills the way to a peer that reads nothing; returns how much was taken. */
static size_t fill(struct eio_upstream *up)
{
    size_t total = 0;
    ev_io_stop(loop, &peer.reading);
    while (eio_upstream_write(up, pattern(total, CHUNK))) {
        total += CHUNK;
        ev_run(loop, EVRUN_NOWAIT);
    }
    return total;
}

static void what_a_slow_peer_makes_wait_is_bounded(void **state)
{
    (void)state;
    struct eio_upstream *up = connected(MAX_WAITING);
    size_t total = fill(up);
    size_t waiting = eio_upstream_waiting(up);
    unsigned drained = ears[0].drained;
    assert_in_range(waiting, MAX_WAITING - CHUNK + 1, MAX_WAITING);
    assert_false(eio_upstream_write(up, pattern(0, MAX_WAITING - waiting + 1)));
    assert_int_equal(eio_upstream_waiting(up), waiting);
    ev_io_start(loop, &peer.reading);
    UNTIL(loop, peer.got.len == total && ears[0].drained == drained + 1);
    assert_pattern(&peer.got, total);
    assert_int_equal(eio_upstream_waiting(up), 0);
}

static void paused_it_reads_nothing_not_even_the_end(void **state)
{
    (void)state;
    struct eio_upstream *up = connected(10);
    eio_upstream_pause(up, true);
    peer_say(&peer, "abc");
    assert_true(eio_upstream_write(up, SLICE("x"))); /* goes on meanwhile */
    UNTIL(loop, peer_has(&peer, "x"));
    peer_hang_up(&peer);
    ev_run(loop, EVRUN_NOWAIT);
    assert_true(heard(&ears[0], ""));
    assert_int_equal(ears[0].closed, 0);
    eio_upstream_pause(up, false);
    UNTIL(loop, ears[0].closed == 1);
    assert_true(heard(&ears[0], "abc"));
}

static void what_came_before_a_reset_is_heard(void **state)
{
    (void)state;
    struct eio_upstream *up = connected(10);
    eio_upstream_pause(up, true);
    ev_io_stop(loop, &peer.reading);
    unsigned drained = ears[0].drained;
    assert_true(eio_upstream_write(up, SLICE("unread")));
    UNTIL(loop, ears[0].drained > drained);
    peer_say(&peer, "last words");
    peer_hang_up(&peer); /* with bytes that it has not read: a reset */
    assert_true(eio_upstream_write(up, SLICE("too late")));
    UNTIL(loop, eio_upstream_waiting(up) == 0);
    assert_true(eio_upstream_write(up, SLICE("nobody takes it any more")));
    assert_int_equal(eio_upstream_waiting(up), 0);
    assert_int_equal(ears[0].closed, 0);
    eio_upstream_pause(up, false);
    UNTIL(loop, ears[0].closed == 1);
    assert_true(heard(&ears[0], "last words"));
}

static void handed_over_another_hears(void **state)
{
    (void)state;
    ears[0].heir = &ears[1];
    (void)connected(10);
    peer_say(&peer, "first");
    UNTIL(loop, ears[0].data.len > 0);
    assert_true(heard(&ears[0], "first"));
    peer_say(&peer, "second");
    UNTIL(loop, ears[1].data.len > 0);
    assert_true(heard(&ears[1], "second"));
    peer_hang_up(&peer);
    UNTIL(loop, ears[1].closed == 1);
    assert_true(heard(&ears[0], "first"));
    assert_int_equal(ears[0].closed, 0);
}

/* ---- Finishing ------------------------------------------------------------------------------- */

static void finish(double limit_s)
{
    eio_upstream_finish(ears[0].up, limit_s);
    ears[0].up = NULL;
}

/* What libev still watches, apart from the peer, ends by itself. */
static void until_nothing_is_left(void)
{
    peer_end(&peer);
    ev_run(loop, 0);
}

static void finishing_delivers_5_mb_to_a_slow_reader_and_then_the_end(void **state)
{
    enum { TOTAL = 5 << 20 };
    (void)state;
    struct eio_upstream *up = connected(TOTAL);
    ev_io_stop(loop, &peer.reading);
    for (size_t at = 0; at < TOTAL; at += CHUNK) {
        assert_true(eio_upstream_write(up, pattern(at, CHUNK)));
    }
    unsigned drained = ears[0].drained;
    finish(LONG_S);
    peer_say(&peer, "nobody hears this");
    peer.read_bytes = 4096;
    ev_io_start(loop, &peer.reading);
    UNTIL(loop, peer.ended);
    assert_pattern(&peer.got, TOTAL);
    until_nothing_is_left();
    assert_int_equal(ears[0].closed, 0);
    assert_int_equal(ears[0].drained, drained);
    assert_true(heard(&ears[0], ""));
}

static void finishing_does_not_need_the_loop_for_a_few_bytes(void **state)
{
    (void)state;
    struct eio_upstream *up = connected(10);
    assert_true(eio_upstream_write(up, SLICE("goodbye")));
    finish(LONG_S);
    ev_loop_destroy(loop); /* frees what finishes */
    char bytes[16];
    assert_int_equal(recv(peer.reading.fd, bytes, sizeof bytes, 0), 7);
    assert_memory_equal(bytes, "goodbye", 7);
    assert_int_equal(recv(peer.reading.fd, bytes, sizeof bytes, 0), 0);
    close(peer.reading.fd);
    close(peer.listening.fd);
    peer.reading.fd = peer.listening.fd = -1;
    loop = test_loop();
}

static void finishing_while_it_connects_sends_all(void **state)
{
    (void)state;
    assert_true(eio_upstream_write(opened(10), SLICE("goodbye")));
    finish(LONG_S);
    UNTIL(loop, peer.ended);
    assert_true(peer_has(&peer, "goodbye"));
    until_nothing_is_left();
}

static void finishing_reads_what_still_comes_also_when_it_was_paused(void **state)
{
    (void)state;
    eio_upstream_pause(connected(10), true);
    peer_say(&peer, "something");
    finish(LONG_S);
    UNTIL(loop, peer.ended); /* the end of the stream, no reset: that would be told as an error */
    char byte;
    assert_int_equal(recv(peer.reading.fd, &byte, 1, 0), 0);
    until_nothing_is_left();
}

static void finishing_gives_up_on_a_peer_that_reads_nothing(void **state)
{
    (void)state;
    (void)fill(connected(MAX_WAITING));
    finish(SHORT_S);
    peer_stop_listening(&peer);
    ev_run(loop, 0); /* returns when it has given up */
    assert_int_equal(ears[0].closed, 0);
}

static void finishing_gives_up_on_a_peer_that_does_not_close(void **state)
{
    (void)state;
    (void)connected(10);
    finish(SHORT_S);
    UNTIL(loop, peer.ended);
    peer_stop_listening(&peer);
    ev_run(loop, 0); /* returns when it has given up: the peer's end is still open */
    while (send(peer.reading.fd, "x", 1, MSG_NOSIGNAL) == 1) {
    } /* until that has been answered with a reset: nobody is there */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_cannot_be_tried_is_null),
        TEST(a_refusal_is_heard_later),
        TEST(closed_while_it_connects_it_says_nothing),
        TEST(ipv6_works_too),
        TEST(a_peer_that_vanishes_will_be_noticed),
        TEST(written_before_it_stands_is_sent_when_it_does),
        TEST(what_a_slow_peer_makes_wait_is_bounded),
        TEST(paused_it_reads_nothing_not_even_the_end),
        TEST(what_came_before_a_reset_is_heard),
        TEST(handed_over_another_hears),
        TEST(finishing_delivers_5_mb_to_a_slow_reader_and_then_the_end),
        TEST(finishing_does_not_need_the_loop_for_a_few_bytes),
        TEST(finishing_while_it_connects_sends_all),
        TEST(finishing_reads_what_still_comes_also_when_it_was_paused),
        TEST(finishing_gives_up_on_a_peer_that_reads_nothing),
        TEST(finishing_gives_up_on_a_peer_that_does_not_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
