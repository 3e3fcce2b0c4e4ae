/* http_conn_ev.c - a TCP connection on which a client sends HTTP requests */
#include "gateway-svc/socketio/http_conn_ev.h"
#include "gateway-svc/socketio/http_conn_state_ev.h"
#include "shared/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_LINES_PER_S 5
#define READ_BYTES 65536
#define LINES_MAX 8192                 /* header lines that an answer may get from its exchange */
#define DRAIN_MAX ((size_t)16 << 20)   /* bytes */
#define ANSWER_MAX ((size_t)512 << 20) /* what an answer is made of is bounded before */

static const struct {
    int events;
    double time_s; /* 0: as long as it takes */
} rules[] = {
    [IDLE] = {EV_READ,  HTTP_IDLE_S  },
    [HEAD] = {EV_READ,  HTTP_HEAD_S  },
    [BODY] = {EV_READ,  HTTP_BODY_S  },
    [WAIT] = {EV_READ,  0            },
    [SEND] = {EV_WRITE, HTTP_ANSWER_S},
    [DRAIN] = {EV_READ,  HTTP_DRAIN_S },
    [GONE] = {0,        0            },
};

/* ---- States ---------------------------------------------------------------------------------- */

static void watch(struct http_conn *c, int events)
{
    int now = ev_is_active(&c->io) ? c->io.events & (EV_READ | EV_WRITE) : 0;
    if (now == events) {
        return;
    }
    ev_io_stop(c->server->loop, &c->io);
    if (events) {
        ev_io_set(&c->io, c->io.fd, events);
        ev_io_start(c->server->loop, &c->io);
    }
}

void http_conn_enter(struct http_conn *c, enum http_conn_state state)
{
    if (c->state == state) {
        return; /* its time runs on */
    }
    c->state = (uint8_t)state;
    watch(c, rules[state].events);
    ev_timer_stop(c->server->loop, &c->timer);
    if (rules[state].time_s > 0) {
        ev_timer_set(&c->timer, rules[state].time_s, 0.0);
        ev_timer_start(c->server->loop, &c->timer);
    }
}

static void free_conn(struct http_conn *c)
{
    ev_io_stop(c->server->loop, &c->io);
    ev_timer_stop(c->server->loop, &c->timer);
    if (c->io.fd >= 0) {
        close(c->io.fd);
    }
    *(c->previous ? &c->previous->next : &c->server->conns) = c->next;
    if (c->next) {
        c->next->previous = c->previous;
    }
    buf_deinit(&c->x.lines);
    buf_deinit(&c->in);
    buf_deinit(&c->out);
    buf_deinit(&c->body);
    free(c);
}

/* The end of everything that may have ended it. */
static void leave(struct http_conn *c)
{
    c->busy = false;
    if (c->state == GONE) {
        free_conn(c);
    }
}

void http_conn_tell_gone(struct http_conn *c)
{
    const struct eio_taker *taker = c->x.taker;
    c->x.taker = NULL;
    if (taker) {
        taker->gone(&c->x);
    }
}

static void hang_up(struct http_conn *c)
{
    http_conn_tell_gone(c);
    http_conn_enter(c, GONE);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* The answer is out. */
static void finish(struct http_conn *c)
{
    c->x.taker = NULL;
    buf_deinit(&c->x.lines);
    buf_deinit(&c->body);
    buf_deinit(&c->out);
    if (c->close) {
        (void)shutdown(c->io.fd, SHUT_WR); /* whether that works shows when we read */
        http_conn_enter(c, DRAIN);
        return;
    }
    http_conn_enter(c, IDLE);
}

static bool all_sent(const struct http_conn *c)
{
    return c->out.len == 0 && c->rest.len == 0;
}

/* How many of these bytes the kernel takes now. */
static size_t send_some(struct http_conn *c, struct slice bytes, int flags)
{
    ssize_t n = send(c->io.fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | flags);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        http_conn_enter(c, GONE);
    }
    return n < 0 ? 0 : (size_t)n;
}

/* Sends what the kernel takes now. */
static void send_out(struct http_conn *c)
{
    if (c->out.len > 0) {
        buf_consume(&c->out, send_some(c, buf_slice(&c->out), c->rest.len > 0 ? MSG_MORE : 0));
    }
    if (c->out.len == 0 && c->rest.len > 0 && c->state != GONE) {
        c->rest = slice_tail(c->rest, send_some(c, c->rest, 0));
    }
}

/* An answer stands in `out`: it leaves at once, as anything that a transport carries does.  What
 * has come behind its request is looked at in a turn of its own. */
static void answered(struct http_conn *c)
{
    c->x.taker = NULL;
    send_out(c);
    if (c->state == GONE) {
        return;
    }
    bool more = !c->busy && !c->close && c->in.len > 0;
    if (!all_sent(c) || more) {
        http_conn_enter(c, SEND);
    } else {
        finish(c);
    }
}

void http_conn_reply(struct http_conn *c, const struct eio_answer *answer)
{
    struct eio_answer whole = *answer;
    c->close = answer->close || c->body_due || !c->keep_alive;
    whole.close = c->close;
    whole.lines = buf_slice(&c->x.lines);
    whole.no_body = answer->no_body || c->head_only;
    if (whole.lasts && !whole.no_body) {
        c->rest = whole.body;
    }
    if (!c->x.lines.failed && eio_answer_print(&whole, &c->out)) {
        answered(c);
    } else {
        http_conn_enter(c, GONE); /* no memory */
    }
}

/* Somebody else may have ended it, not we. */
static void release(struct http_conn *c)
{
    if (!c->busy) {
        leave(c);
    }
}

static void answer(struct eio_exchange *x, const struct eio_answer *answer)
{
    http_conn_reply(http_conn_of(x), answer);
    release(http_conn_of(x));
}

static void answer_raw(struct eio_exchange *x, const struct buf *bytes, bool close)
{
    struct http_conn *c = http_conn_of(x);
    c->close = close || c->body_due || !c->keep_alive;
    if (buf_append(&c->out, buf_slice(bytes))) {
        answered(c);
    } else {
        http_conn_enter(c, GONE);
    }
    release(c);
}

static void drop(struct eio_exchange *x)
{
    struct http_conn *c = http_conn_of(x);
    c->x.taker = NULL;
    http_conn_enter(c, GONE);
    release(c);
}

static int take_socket(struct eio_exchange *x, struct buf *early)
{
    struct http_conn *c = http_conn_of(x);
    int fd = c->io.fd;
    buf_consume(&c->in, c->head_size);
    c->head_size = 0;
    *early = c->in;
    buf_init(&c->in, 0);
    watch(c, 0);
    c->io.fd = -1;
    drop(x);
    return fd;
}

void http_conn_answer_text(struct http_conn *c, unsigned status, const char *text)
{
    http_conn_reply(c, &(struct eio_answer){.status = status,
                                            .type = "text/plain; charset=utf-8",
                                            .body = slice_text(text),
                                            .close = true});
}

void http_conn_note_refusal(struct http_conn *c, unsigned status, const char *why)
{
    struct http_server *server = c->server;
    if (server->refused) {
        ++*server->refused;
    }
    if (log_limit_ok(&server->refusals, LOG_LINES_PER_S, clock_mono_ms())) {
        struct slice rest = slice_text(why);
        struct slice line = slice_cut(&rest, '\n');
        log_info("request refused status=%u why=\"%s\" suppressed=%llu", status, log_escape(line),
                 (unsigned long long)server->refusals.suppressed);
    }
}

static void refuse(struct http_conn *c, unsigned status, const char *why)
{
    http_conn_note_refusal(c, status, why);
    c->keep_alive = false;
    c->head_only = false; /* the one before it was */
    http_conn_answer_text(c, status, why);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void begin(struct http_conn *c, const struct http_request *request)
{
    c->head_size = request->size;
    c->keep_alive = request->keep_alive;
    c->head_only = request->method == HTTP_HEAD;
    c->body_due = request->chunked || request->length > 0;
    c->has_length = request->has_length;
    c->chunked = request->chunked;
    c->length = request->length;
    c->expects_continue = request->expects_continue;
    buf_init(&c->x.lines, LINES_MAX);
    http_conn_enter(c, WAIT);
}

static bool read_head(struct http_conn *c)
{
    static struct http_request request; /* one loop, one thread */
    const char *why = "";
    unsigned status = http_request_read(buf_slice(&c->in), &request, &why);
    if (status == 0) {
        http_conn_enter(c, HEAD);
        return false;
    }
    if (status != 200) {
        http_conn_enter(c, WAIT);
        buf_init(&c->x.lines, 0);
        refuse(c, status, why);
        return false;
    }
    begin(c, &request);
    c->server->serve(c->server->ctx, &request, c->io.fd, &c->x);
    buf_consume(&c->in, c->head_size); /* unless that is done already */
    c->head_size = 0;
    return true;
}

/* Uses up what has come, as far as that goes. */
static void work(struct http_conn *c)
{
    bool more = true;
    while (more) {
        switch ((enum http_conn_state)c->state) {
        case IDLE:
        case HEAD: more = c->in.len > 0 && read_head(c); break;
        case BODY: more = http_body_read(c); break;
        default: more = false; break;
        }
    }
    if (c->in.len == 0) {
        buf_deinit(&c->in); /* it may be idle for long */
    }
}

/* ---- The socket ------------------------------------------------------------------------------ */

/* How much may be read; 0: nothing for now. */
static size_t wanted(const struct http_conn *c)
{
    if (c->state == DRAIN) {
        return READ_BYTES;
    }
    if (c->state == BODY && !c->chunked) {
        return (size_t)c->length - c->in.len;
    }
    return HTTP_HEAD_MAX + 1 - c->in.len;
}

static void take_in(struct http_conn *c, struct slice bytes)
{
    if (c->state == DRAIN) {
        c->drained += bytes.len;
        if (c->drained > DRAIN_MAX) {
            hang_up(c);
        }
        return;
    }
    if (!buf_append(&c->in, bytes)) {
        hang_up(c); /* no memory */
        return;
    }
    if (c->state == WAIT && wanted(c) == 0) {
        watch(c, 0);
    }
    work(c);
}

static void on_readable(struct http_conn *c)
{
    static char bytes[READ_BYTES]; /* one loop, one thread */
    size_t n = wanted(c);
    ssize_t got = recv(c->io.fd, bytes, n < sizeof bytes ? n : sizeof bytes, 0);
    if (got > 0) {
        take_in(c, (struct slice){bytes, (size_t)got});
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        hang_up(c);
    }
}

static void on_writable(struct http_conn *c)
{
    send_out(c);
    if (c->state == SEND && all_sent(c)) {
        finish(c);
        work(c);
    }
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
    struct http_conn *c = io->data;
    (void)loop;
    c->busy = true;
    if (events & EV_WRITE) {
        on_writable(c);
    } else {
        on_readable(c);
    }
    leave(c);
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct http_conn *c = timer->data;
    (void)loop;
    (void)events;
    c->busy = true;
    if (c->state == BODY || (c->state == HEAD && c->in.len > 0)) {
        http_conn_tell_gone(c);
        refuse(c, 408, "the request did not come whole in time\n");
    } else {
        hang_up(c);
    }
    leave(c);
}

void http_conn_open(struct http_server *server, int fd)
{
    static const struct eio_exchange_ops ops = {.answer = answer,
                                                .answer_raw = answer_raw,
                                                .drop = drop,
                                                .expect_body = http_body_expect,
                                                .take_socket = take_socket};
    struct http_conn *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->x.ops = &ops;
    c->server = server;
    c->next = server->conns;
    if (c->next) {
        c->next->previous = c;
    }
    server->conns = c;
    buf_init(&c->in, HTTP_HEAD_MAX + 1);
    buf_init(&c->out, ANSWER_MAX);
    ev_io_init(&c->io, on_io, fd, EV_READ);
    ev_timer_init(&c->timer, on_late, 0.0, 0.0);
    c->io.data = c->timer.data = c;
    /* Mostly its request is here already: then a WebSocket changes hands before the loop has told
     * the kernel of its socket.  But first comes what has come to others before: a client that
     * upgrades expects that of its next GET. */
    ev_set_priority(&c->io, -1);
    http_conn_enter(c, HEAD);
    ev_feed_event(server->loop, &c->io, EV_READ);
}

void http_server_close(struct http_server *server)
{
    while (server->conns) {
        struct http_conn *c = server->conns;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the first in the list has none before it */
        c->busy = true;
        hang_up(c);
        leave(c);
    }
}
