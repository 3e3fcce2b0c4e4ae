/* test_http_mhd.c - the HTTP server: requests, late answers, clients that go away or drip */
#include "shared/clock.h"
#include "shared/http_mhd.h"
#include "shared/log.h"
#include "tests/support/http_client.h"
#include "tests/support/log_lines.h"
#include "tests/support/own_port.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* after the others */
#include <cmocka.h>

#define LATE_MAX 4

struct world {
    struct ev_loop *loop;
    struct mhd_server *server;
    struct http_client client;
    uint16_t port;
    bool late; /* requests are kept */
    struct mhd_request *kept[LATE_MAX];
    unsigned requests;
    char seen[512];  /* the last request: method path peer */
    char header[64]; /* its X-Test */
};

static void answer(struct mhd_request *req, unsigned status, const char *text)
{
    struct http_response res;
    http_response_init(&res, status);
    buf_append(&res.body, slice_text(text));
    http_response_header(&res, "Set-Cookie", SLICE("a=b; Path=/"));
    mhd_request_answer(req, &res);
    http_response_deinit(&res);
}

static void on_request(void *ctx, struct mhd_request *req)
{
    struct world *w = ctx;
    struct slice method = mhd_request_method(req);
    struct slice path = mhd_request_path(req);
    struct slice peer = mhd_request_peer(req);
    struct slice test = mhd_request_header(req, "x-TEST");
    snprintf(w->seen, sizeof w->seen, "%.*s %.*s %.*s", (int)method.len, method.ptr, (int)path.len,
             path.ptr, (int)peer.len, peer.ptr);
    snprintf(w->header, sizeof w->header, "%.*s", (int)test.len, test.ptr);
    if (w->late) {
        w->kept[w->requests] = req;
    } else {
        answer(req, 200, "hello");
    }
    w->requests++;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->loop = test_loop();
    w->port = own_port();
    const struct mhd_server_config config = {
        .host = "127.0.0.1", .port = w->port, .timeout_s = 1, .max_connections = 20};
    w->server = mhd_server_new(w->loop, &config, on_request, w);
    assert_non_null(w->server);
    http_client_connect(&w->client, w->loop, w->port);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    http_client_close(&w->client);
    mhd_server_free(w->server);
    ev_loop_destroy(w->loop);
    free(w);
    return 0;
}

static void say(struct world *w, const char *text)
{
    assert_true(http_client_send(&w->client, text, strlen(text)));
}

static void say_and_wait(struct world *w, const char *text)
{
    say(w, text);
    UNTIL(w->loop, w->client.closed);
}

static bool got(const struct world *w, const char *text)
{
    return w->client.got.len > 0 && strstr(w->client.got.ptr, text);
}

static bool got_start(const struct world *w, const char *text)
{
    return slice_starts(buf_slice(&w->client.got), slice_text(text));
}

/* Turns the loop once, for a moment at most. */
static void on_tick(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
}

static void turn(struct world *w)
{
    ev_timer tick;
    ev_init(&tick, on_tick);
    ev_timer_set(&tick, 0.02, 0.0);
    ev_timer_start(w->loop, &tick);
    ev_run(w->loop, EVRUN_ONCE);
    ev_timer_stop(w->loop, &tick);
}

/* A new client in place of the old one. */
static void connect_again(struct world *w)
{
    http_client_close(&w->client);
    http_client_connect(&w->client, w->loop, w->port);
}

/* ---- Requests and answers -------------------------------------------------------------------- */

static void a_request_is_answered_and_closed(void **state)
{
    struct world *w = *state;
    say_and_wait(w, "GET /login/a%2Fb?x=%41&y HTTP/1.1\r\nHost: h\r\nX-Test: one\r\n"
                    "X-Test: two\r\n\r\n");
    assert_string_equal(w->seen, "GET /login/a%2Fb 127.0.0.1");
    assert_string_equal(w->header, "one");
    assert_true(got_start(w, "HTTP/1.1 200 "));
    assert_true(got(w, "\r\nCache-Control: no-store\r\n"));
    assert_true(got(w, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(got(w, "\r\nReferrer-Policy: no-referrer\r\n"));
    assert_true(got(w, "\r\nContent-Type: application/json\r\n"));
    assert_true(got(w, "\r\nSet-Cookie: a=b; Path=/\r\n"));
    assert_true(got(w, "\r\nContent-Length: 5\r\n"));
    assert_true(got(w, "\r\nConnection: close\r\n"));
    assert_true(got(w, "\r\n\r\nhello"));
}

static void a_header_with_a_line_end_is_left_out(void **state)
{
    struct http_response res;
    (void)state;
    http_response_init(&res, 200);
    http_response_header(&res, "X-Good", SLICE("1"));
    http_response_header(&res, "X-Bad", SLICE("a\r\nX-Injected: 1"));
    http_response_header(&res, "X-Bad", SLICE("a\0b"));
    http_response_header(&res, "X-Bad\n", SLICE("a"));
    assert_string_equal(res.headers.ptr, "X-Good: 1\n");
    http_response_deinit(&res);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char text[] = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
    struct world *w = *state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        assert_int_equal(w->requests, 0);
        assert_true(http_client_send(&w->client, text + i, 1));
        ev_run(w->loop, EVRUN_NOWAIT);
    }
    UNTIL(w->loop, w->client.closed);
    assert_true(got_start(w, "HTTP/1.1 200 "));
}

static void head_is_passed_on_and_gets_no_body(void **state)
{
    struct world *w = *state;
    say_and_wait(w, "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(w->seen, "HEAD /x 127.0.0.1");
    assert_false(got(w, "hello"));
    assert_true(got(w, "\r\n\r\n"));
}

static void nothing_behind_a_request_is_served(void **state)
{
    struct world *w = *state;
    say_and_wait(w, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(w->requests, 1);
    assert_string_equal(w->seen, "GET /1 127.0.0.1");
    assert_true(got_start(w, "HTTP/1.1 200 "));
}

static void expectations_are_met(void **state)
{
    struct world *w = *state;
    say(w, "POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    UNTIL(w->loop, got_start(w, "HTTP/1.1 100 Continue\r\n\r\n"));
    assert_int_equal(w->requests, 0);
    say_and_wait(w, "abc");
    assert_true(got(w, "\r\n\r\nHTTP/1.1 200 "));
}

static void bodies_are_read_to_their_end(void **state)
{
    static const struct {
        const char *head;
        size_t filling; /* letters behind the head */
        const char *tail;
    } cases[] = {
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4096\r\n\r\n",                      4096, ""},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",                         0,    ""},
        {"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n",                          7,    ""},
        {"HEAD /x HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n",                         7,    ""},
        {"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n3\r\n", 3,
         "\r\n0\r\n\r\n"                                                                             },
        {"POST /x HTTP/1.1\r\nHost: h\r\ntransfer-encoding: Chunked\r\n\r\n1000\r\n",        4096,
         "\r\n0\r\n\r\n"                                                                             },
    };
    struct world *w = *state;
    char filling[4097] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(filling, 'b', sizeof filling - 1);
        filling[cases[i].filling] = '\0';
        connect_again(w);
        say(w, cases[i].head);
        say(w, filling);
        say_and_wait(w, cases[i].tail);
        assert_int_equal(w->requests, i + 1);
        assert_true(got_start(w, "HTTP/1.1 200 "));
    }
}

/* ---- Late answers ---------------------------------------------------------------------------- */

static void a_late_answer_leaves_in_the_same_turn(void **state)
{
    struct world *w = *state;
    char bytes[16] = "";
    w->late = true;
    say(w, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    UNTIL(w->loop, w->requests == 1);
    ev_io_stop(w->loop, &w->client.io);
    for (int i = 0; i < 10; i++) {
        ev_run(w->loop, EVRUN_NOWAIT); /* whatever was to be done is done */
    }
    answer(w->kept[0], 200, "late");
    ev_run(w->loop, EVRUN_NOWAIT);
    assert_int_equal(recv(w->client.fd, bytes, 12, MSG_DONTWAIT), 12);
    assert_memory_equal(bytes, "HTTP/1.1 200", 12);
    ev_io_start(w->loop, &w->client.io);
    UNTIL(w->loop, w->client.closed);
    assert_true(got(w, "\r\n\r\nlate"));
}

static void late_answers_come_in_any_order(void **state)
{
    struct world *w = *state;
    struct http_client other;
    w->late = true;
    say(w, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    UNTIL(w->loop, w->requests == 1);
    http_client_connect(&other, w->loop, w->port);
    http_client_send(&other, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n", 28);
    UNTIL(w->loop, w->requests == 2);
    answer(w->kept[1], 200, "second");
    UNTIL(w->loop, other.closed);
    assert_non_null(strstr(other.got.ptr, "second"));
    assert_false(w->client.closed);
    answer(w->kept[0], 200, "first");
    UNTIL(w->loop, w->client.closed);
    assert_true(got(w, "first"));
    http_client_close(&other);
}

static void a_waiting_request_costs_no_turns(void **state)
{
    struct world *w = *state;
    w->late = true;
    say(w, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    UNTIL(w->loop, w->requests == 1);
    unsigned before = ev_iteration(w->loop);
    uint64_t until_ms = clock_mono_ms() + 1500; /* beyond the timeout, which is not for it */
    while (clock_mono_ms() < until_ms) {
        turn(w);
    }
    assert_in_range(ev_iteration(w->loop) - before, 1, 160);
    assert_false(w->client.closed);
    answer(w->kept[0], 200, "late");
    UNTIL(w->loop, w->client.closed);
    assert_true(got(w, "late"));
}

static void a_client_may_hang_up_while_waiting(void **state)
{
    struct world *w = *state;
    w->late = true;
    for (unsigned i = 0; i < LATE_MAX; i++) {
        say(w, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
        UNTIL(w->loop, w->requests == i + 1);
        if (i % 2 == 1) { /* half of them with a reset */
            const struct linger none = {.l_onoff = 1};
            setsockopt(w->client.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        }
        connect_again(w);
    }
    for (unsigned i = 0; i < LATE_MAX; i++) {
        answer(w->kept[i], 200, "nobody is there");
    }
    w->late = false;
    say_and_wait(w, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(got(w, "hello"));
}

static void a_client_may_hang_up_halfway(void **state)
{
    static const char *const pieces[] = {
        "", "G", "GET /x HTTP/1.1\r\n", "GET /x HTTP/1.1\r\nHost: h\r\nX-",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n1"};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        say(w, pieces[i]);
        ev_run(w->loop, EVRUN_NOWAIT);
        connect_again(w);
    }
    say_and_wait(w, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(w->requests, 1);
    assert_true(got(w, "hello"));
}

/* GET /x?a&a&a...; libmicrohttpd itself has room for about 450 arguments. */
static void say_arguments(struct world *w, size_t count)
{
    struct buf text;
    buf_init(&text, 16384);
    buf_append(&text, SLICE("GET /x?a"));
    for (size_t i = 1; i < count; i++) {
        buf_append(&text, SLICE("&a"));
    }
    buf_append(&text, SLICE(" HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_true(http_client_send(&w->client, text.ptr, text.len));
    buf_deinit(&text);
}

static void too_many_arguments_are_refused_at_once(void **state)
{
    static const size_t counts[] = {101, 400, 500, 4000};
    struct world *w = *state;
    say_arguments(w, 100);
    UNTIL(w->loop, w->client.closed);
    assert_true(got_start(w, "HTTP/1.1 200 "));
    assert_int_equal(w->requests, 1);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        connect_again(w);
        say_arguments(w, counts[i]);
        UNTIL(w->loop, w->client.closed);
        assert_true(got_start(w, "HTTP/1.1 400 "));
        assert_true(got(w, "too many arguments"));
        assert_int_equal(mhd_server_stats(w->server)->refused, i + 1);
    }
    assert_int_equal(w->requests, 1);
    connect_again(w);
    say_and_wait(w, "GET /x HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n");
    assert_true(got_start(w, "HTTP/1.1 400 "));
    assert_int_equal(mhd_server_stats(w->server)->refused, sizeof counts / sizeof *counts + 1);
    assert_int_equal(mhd_server_stats(w->server)->late, 0);
}

static void freeing_the_server_answers_who_waits(void **state)
{
    struct world *w = *state;
    w->late = true;
    say(w, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    UNTIL(w->loop, w->requests == 1);
    mhd_server_free(w->server);
    w->server = NULL;
    UNTIL(w->loop, w->client.closed);
    assert_true(got_start(w, "HTTP/1.1 503 "));
    assert_true(got(w, "\"code\":\"unavailable\""));
}

static bool can_connect(uint16_t port)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool can = connect(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return can;
}

static void one_that_listens_no_more_answers_who_is_there(void **state)
{
    struct world *w = *state;
    assert_int_equal(mhd_server_requests(w->server), 0);
    say(w, "GET /x HTTP/1.1\r\n");
    UNTIL(w->loop, mhd_server_requests(w->server) == 1); /* one that has begun counts */
    assert_true(can_connect(w->port));
    mhd_server_stop_listening(w->server);
    assert_false(can_connect(w->port));
    say_and_wait(w, "Host: h\r\n\r\n");
    assert_true(got_start(w, "HTTP/1.1 200 "));
    UNTIL(w->loop, mhd_server_requests(w->server) == 0);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* A byte every now and then, until the server closes. */
static void drip(struct world *w, bool bytes)
{
    uint64_t next_ms = 0;
    while (!w->client.closed) {
        if (bytes && clock_mono_ms() >= next_ms) {
            http_client_send(&w->client, "a", 1);
            next_ms = clock_mono_ms() + 50;
        }
        turn(w);
    }
}

static void who_drips_is_closed(void **state)
{
    static const char *const starts[] = {
        "", "GET /x HTTP/1.1\r\nHost: h\r\nX-Drip: ",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n"};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        connect_again(w);
        uint64_t begun_ms = clock_mono_ms();
        say(w, starts[i]);
        drip(w, starts[i][0] != '\0');
        assert_in_range(clock_mono_ms() - begun_ms, 900, 20000);
        assert_int_equal(w->requests, 0);
        assert_in_range(mhd_server_stats(w->server)->late, i + 1, i + 2); /* setup's own too */
    }
    connect_again(w);
    say_and_wait(w, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(got(w, "hello"));
}

/* ---- Listening ------------------------------------------------------------------------------- */

/* One that is late, while others are refused all the time. */
static void lines_of_one_kind_hide_none_of_another(void **state)
{
    struct world *w = *state;
    struct http_client quiet;
    struct log_lines log = log_lines_begin();
    http_client_connect(&quiet, w->loop, w->port);
    while (mhd_server_stats(w->server)->late == 0 || mhd_server_stats(w->server)->refused < 20) {
        connect_again(w);
        say_and_wait(w, "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    log_lines_end(&log);
    http_client_close(&quiet);
    assert_int_equal(
        log_lines_with(&log, "connection closed by=server why=\"no request in time\" suppressed=0"),
        mhd_server_stats(w->server)->late);
    assert_in_range(log_lines_with(&log, "request refused"), 5,
                    mhd_server_stats(w->server)->refused - 1);
    log_lines_free(&log);
}

static void a_taken_port_is_told(void **state)
{
    struct world *w = *state;
    struct mhd_server_config config = {
        .host = "127.0.0.1", .port = w->port, .timeout_s = 1, .max_connections = 1};
    assert_null(mhd_server_new(w->loop, &config, on_request, w));
    assert_int_equal(errno, EADDRINUSE);
    config.host = "192.0.2.1"; /* not ours */
    assert_null(mhd_server_new(w->loop, &config, on_request, w));
    assert_int_equal(errno, EADDRNOTAVAIL);
    assert_string_equal(mhd_server_fault(), strerror(EADDRNOTAVAIL));
    char no_name[65] = "";
    memset(no_name, 'x', 64); /* no name server needs to be asked */
    config.host = no_name;
    assert_null(mhd_server_new(w->loop, &config, on_request, w));
    assert_string_not_equal(mhd_server_fault(), strerror(EADDRNOTAVAIL));
    mhd_server_free(NULL);
}

static void listens_on_ipv6(void **state)
{
    struct world *w = *state;
    const struct sockaddr_in6 at = {
        .sin6_family = AF_INET6, .sin6_port = htons(w->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct mhd_server_config config = {
        .host = "::1", .port = w->port, .timeout_s = 1, .max_connections = 1};
    struct mhd_server *server = mhd_server_new(w->loop, &config, on_request, w);
    if (!server) {
        print_message("no IPv6 here: %s\n", strerror(errno));
        skip();
    }
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(send(fd, "GET /6 HTTP/1.1\r\nHost: h\r\n\r\n", 28, 0), 28);
    UNTIL(w->loop, w->requests == 1);
    assert_string_equal(w->seen, "GET /6 ::1");
    close(fd);
    mhd_server_free(server);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_is_answered_and_closed),
        cmocka_unit_test(a_header_with_a_line_end_is_left_out),
        T(a_request_may_come_byte_by_byte),
        T(head_is_passed_on_and_gets_no_body),
        T(nothing_behind_a_request_is_served),
        T(expectations_are_met),
        T(bodies_are_read_to_their_end),
        T(a_late_answer_leaves_in_the_same_turn),
        T(late_answers_come_in_any_order),
        T(a_waiting_request_costs_no_turns),
        T(a_client_may_hang_up_while_waiting),
        T(a_client_may_hang_up_halfway),
        T(too_many_arguments_are_refused_at_once),
        T(freeing_the_server_answers_who_waits),
        T(one_that_listens_no_more_answers_who_is_there),
        T(who_drips_is_closed),
        T(lines_of_one_kind_hide_none_of_another),
        T(a_taken_port_is_told),
        T(listens_on_ipv6),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("http_mhd", tests, NULL, NULL);
}
