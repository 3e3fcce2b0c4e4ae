/* redis_conn.c - one asynchronous connection to Redis that comes back by itself
 *
 * Of hiredis this takes the reading of replies.  Its own asynchronous API is left alone on purpose:
 * it asserts (that is, the process ends) on a reply that nobody asked for and on odd pub/sub
 * replies, swallows PING on a subscribed connection, and decides itself when a context is freed.
 * Replies are therefore matched here, first in first out, and what does not match drops the
 * connection.
 *
 * Every callback may free or reset the connection.  So what the loop calls (on_readable,
 * on_writable, on_turn, on_timer, on_dialled) and redis_conn_reset hold a reference to the end, and
 * look at conn->context again after anything that may have called back; nothing between may drop
 * the last reference. */
#include "shared/redis_conn.h"

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/must.h"
#include "shared/redis_attempts.h"
#include "shared/redis_handshake.h"
#include "shared/redis_queue.h"
#include "shared/redis_route.h"
#include "shared/redis_trouble.h"
#include "shared/redis_url.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_MAX_BYTES (64U << 20) /* one reply of Redis */
#define SUBSCRIBE_MAX 8
#define WHY_MAX 320

enum state { WAITING, CONNECTING, HANDSHAKE, UP };

struct redis_conn {
    struct ev_loop *loop;
    struct redis_conn_config config;
    struct redis_conn_handler handler;
    void *owner;
    struct redis_url url;
    enum state state;
    unsigned refs;
    bool closed;  /* freed by the owner; only references keep it */
    bool reading; /* on_readable is at work and frees the context that it works with */
    struct redis_route *route;
    struct redis_handshake handshake;
    redisContext *context; /* NULL while WAITING, or CONNECTING and the host is looked up */
    ev_io readable;
    ev_io writable;
    ev_prepare turn; /* writes what was asked in a turn of the loop, at its end */
    bool full;       /* the kernel takes no more until the loop says so */
    ev_timer timer;  /* one at a time: back-off, connecting, or the oldest command and when idle */
    uint64_t timer_at_ms;
    struct redis_queue queue;
    uint64_t last_sent_ms;
    struct redis_attempts attempts;
    redis_message_fn *message;
    void *message_ctx;
};

/* ---- Timer and references -------------------------------------------------------------------- */

static void arm(struct redis_conn *conn, uint64_t delay_ms)
{
    conn->timer_at_ms = clock_mono_ms() + delay_ms;
    ev_timer_stop(conn->loop, &conn->timer);
    ev_timer_set(&conn->timer, (double)delay_ms / 1000.0, 0.0);
    ev_timer_start(conn->loop, &conn->timer);
}

/* The one place where it changes: to the next state, or back to the first. */
static void set_state(struct redis_conn *conn, enum state next)
{
    assert(next == WAITING || next == conn->state + 1);
    conn->state = next;
}

static void unref(struct redis_conn *conn)
{
    if (--conn->refs == 0) {
        redis_route_free(conn->route);
        redis_queue_deinit(&conn->queue);
        explicit_bzero(&conn->url, sizeof conn->url);
        free(conn);
    }
}

/* ---- Losing the connection ------------------------------------------------------------------- */

static void drop_context(struct redis_conn *conn)
{
    redis_route_stop(conn->route, conn->state == UP);
    ev_io_stop(conn->loop, &conn->readable);
    ev_io_stop(conn->loop, &conn->writable);
    if (!conn->reading && conn->context) {
        redisFree(conn->context);
    }
    conn->context = NULL;
    conn->full = false;
    conn->message = NULL;
}

/* `detail` may come from Redis. */
static void describe(char why[WHY_MAX], const char *what, struct slice detail)
{
    (void)snprintf(why, WHY_MAX, "%s%s%s", what, detail.len > 0 ? ": " : "",
                   redis_trouble_words(detail));
}

static const char *where(const struct redis_conn *conn)
{
    return redis_url_words(redis_route_target(conn->route), &conn->url);
}

static void fail(struct redis_conn *conn, const char *what, struct slice detail)
{
    char why[WHY_MAX];
    describe(why, what, detail);
    struct redis_expected *list = redis_queue_take(&conn->queue);
    drop_context(conn);
    set_state(conn, WAITING);
    arm(conn,
        redis_attempts_failed(&conn->attempts, &conn->config, where(conn), why, clock_mono_ms()));
    redis_expected_fail(list);
    if (!conn->closed) {
        conn->handler.down(conn->owner, why);
    }
}

static void fail_errno(struct redis_conn *conn, const char *what, int error)
{
    fail(conn, what, slice_text(strerror(error)));
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* Queues a command with its one reply, or with `count` confirmations of channels.
 * The oldest command is timed.  The timer is not moved with every command: when it goes off early,
 * it is set again for what is left. */
static bool transmit(struct redis_conn *conn, const struct slice *argv, size_t argc,
                     struct redis_expected expected, size_t count)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t timeout_ms = conn->config.command_timeout_ms;
    expected.sent_ms = now_ms;
    if (!redis_queue_push(&conn->queue, argv, argc, &expected, count)) {
        return false;
    }
    conn->last_sent_ms = now_ms;
    if (conn->state == UP &&
        (!ev_is_active(&conn->timer) || conn->timer_at_ms > now_ms + timeout_ms)) {
        arm(conn, timeout_ms);
    }
    ev_io_start(conn->loop, &conn->writable); /* (costs nothing if it stops in the same turn) */
    return true;
}

static bool command(struct redis_conn *conn, const struct slice *argv, size_t argc,
                    redis_reply_fn *fn, void *arg)
{
    return transmit(conn, argv, argc, (struct redis_expected){.fn = fn, .arg = arg}, 1);
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static void handle_published(struct redis_conn *conn, const struct redis_reply *reply)
{
    struct slice kind = redis_reply_text_at(reply, 0);
    size_t count = redis_reply_count(reply);
    if (count == 3 && slice_equal(kind, SLICE("message"))) {
        conn->message(conn->message_ctx, redis_reply_text_at(reply, 1),
                      redis_reply_text_at(reply, 2));
    } else if (count == 4 && slice_equal(kind, SLICE("pmessage"))) {
        conn->message(conn->message_ctx, redis_reply_text_at(reply, 2),
                      redis_reply_text_at(reply, 3));
    } else if (conn->queue.oldest &&
               (slice_equal(kind, SLICE("subscribe")) || slice_equal(kind, SLICE("psubscribe")))) {
        (void)redis_queue_pop(&conn->queue);
    } else if (redis_reply_is_error(reply, NULL)) {
        fail(conn, "Redis refuses the subscription", redis_reply_text(reply));
    } else {
        fail(conn, "odd reply on a subscribed connection", kind);
    }
}

static void handle_reply(struct redis_conn *conn, const struct redis_reply *reply)
{
    const struct redis_expected *oldest = conn->queue.oldest;
    if (oldest && !oldest->confirmation) {
        /* It leaves the queue first: it has had its one answer, whatever the callback does. */
        struct redis_expected expected = redis_queue_pop(&conn->queue);
        if (expected.fn) {
            expected.fn(expected.arg, reply);
        }
    } else if (conn->message) {
        handle_published(conn, reply);
    } else {
        fail(conn, "reply without a command", redis_reply_text(reply));
    }
}

static void read_replies(struct redis_conn *conn, redisContext *context)
{
    if (redisBufferRead(context) != REDIS_OK) {
        fail(conn, "connection lost", slice_text(context->errstr));
        return;
    }
    while (conn->context == context) {
        void *reply = NULL;
        if (redisReaderGetReply(context->reader, &reply) != REDIS_OK) {
            fail(conn, "not the Redis protocol", slice_text(context->reader->errstr));
            return;
        }
        if (!reply) {
            break;
        }
        handle_reply(conn, reply);
        freeReplyObject(reply);
    }
    if (conn->context == context && context->reader->len > REPLY_MAX_BYTES) {
        fail(conn, "reply too large", SLICE(""));
    }
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct redis_conn *conn = watcher->data;
    redisContext *context = conn->context;
    (void)loop;
    (void)events;
    conn->refs++;
    conn->reading = true;
    read_replies(conn, context);
    conn->reading = false;
    if (conn->context != context) {
        redisFree(context);
    }
    unref(conn);
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static void on_role_when_idle(void *arg, const struct redis_reply *reply)
{
    struct slice detail = SLICE("");
    const char *fault = reply ? redis_role_fault(reply, &detail) : NULL;
    if (fault) {
        fail(arg, fault, detail);
    }
}

/* Returns when it must be asked again. */
static uint64_t ask_when_idle(struct redis_conn *conn, uint64_t now_ms)
{
    uint32_t idle_ms = conn->config.idle_ask_ms;
    if (idle_ms == 0 || conn->message) {
        return UINT64_MAX;
    }
    if (conn->last_sent_ms + idle_ms > now_ms) {
        return conn->last_sent_ms + idle_ms;
    }
    if (!conn->queue.oldest) { /* else it is known soon enough whether Redis is alive */
        (void)command(conn, (struct slice[]){SLICE("ROLE")}, 1, on_role_when_idle, conn);
    }
    return now_ms + idle_ms;
}

static void watch_commands(struct redis_conn *conn)
{
    uint64_t now_ms = clock_mono_ms();
    uint64_t next_ms = ask_when_idle(conn, now_ms);
    if (conn->queue.oldest) {
        uint64_t due_ms = conn->queue.oldest->sent_ms + conn->config.command_timeout_ms;
        if (due_ms <= now_ms) {
            fail(conn, "no answer to a command in time", SLICE(""));
            return;
        }
        next_ms = due_ms < next_ms ? due_ms : next_ms;
    }
    if (next_ms != UINT64_MAX) {
        arm(conn, next_ms - now_ms);
    }
}

static void on_handshake(void *ctx, const char *fault, struct slice detail)
{
    struct redis_conn *conn = ctx;
    if (fault) {
        fail(conn, fault, detail);
        return;
    }
    set_state(conn, UP);
    redis_queue_wipe(&conn->queue); /* of the password */
    ev_timer_stop(conn->loop, &conn->timer);
    watch_commands(conn);
    redis_attempts_up(&conn->attempts, &conn->config, where(conn), clock_mono_ms());
    conn->handler.up(conn->owner);
}

static void shake_hands(struct redis_conn *conn)
{
    set_state(conn, HANDSHAKE);
    ev_io_start(conn->loop, &conn->readable);
    conn->last_sent_ms = clock_mono_ms();
    if (!redis_handshake_ask(&conn->handshake, &conn->queue)) {
        fail_errno(conn, "cannot send", ENOMEM);
    }
}

static void write_commands(struct redis_conn *conn)
{
    if (conn->state == CONNECTING) {
        int error = redis_dial_outcome(conn->context->fd);
        if (error != 0) {
            fail_errno(conn, "cannot connect", error);
            return;
        }
        shake_hands(conn);
    }
    if (!conn->context) {
        return;
    }
    int done = redis_queue_flush(&conn->queue, conn->context->fd);
    if (done < 0) {
        fail_errno(conn, "cannot send", errno);
        return;
    }
    conn->full = done == 0;
    if (done > 0) {
        ev_io_stop(conn->loop, &conn->writable);
    }
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct redis_conn *conn = watcher->data;
    (void)loop;
    (void)events;
    conn->refs++;
    write_commands(conn);
    unref(conn);
}

/* At once rather than when the loop says that it may: it nearly always may.  What others ask in
 * their own end of the turn, after this, is left to the loop. */
static void on_turn(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    struct redis_conn *conn = watcher->data;
    (void)loop;
    (void)events;
    if (conn->queue.out.len > 0 && conn->state >= HANDSHAKE && !conn->full) {
        conn->refs++;
        write_commands(conn);
        unref(conn);
    }
}

static void on_dialled(void *ctx, struct redisContext *context, const char *why)
{
    struct redis_conn *conn = ctx;
    conn->refs++;
    if (context) {
        conn->context = context;
        ev_io_set(&conn->readable, context->fd, EV_READ);
        ev_io_set(&conn->writable, context->fd, EV_WRITE);
        ev_io_start(conn->loop, &conn->writable);
    } else {
        char what[WHY_MAX]; /* printable already */
        (void)snprintf(what, sizeof what, "cannot connect: %s", why);
        fail(conn, what, SLICE(""));
    }
    unref(conn);
}

static void start_connecting(struct redis_conn *conn)
{
    set_state(conn, CONNECTING);
    arm(conn, conn->config.connect_timeout_ms);
    redis_route_start(conn->route);
}

static void time_is_up(struct redis_conn *conn)
{
    switch (conn->state) {
    case WAITING: start_connecting(conn); break;
    case CONNECTING:
        fail_errno(conn, conn->context ? "cannot connect" : "cannot find the address", ETIMEDOUT);
        break;
    case HANDSHAKE: fail(conn, "no answer in time after connecting", SLICE("")); break;
    case UP: watch_commands(conn); break;
    }
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct redis_conn *conn = watcher->data;
    uint64_t now_ms = clock_mono_ms();
    (void)loop;
    (void)events;
    if (now_ms < conn->timer_at_ms) { /* the loop's clock was behind when it was set */
        arm(conn, conn->timer_at_ms - now_ms);
        return;
    }
    conn->refs++;
    time_is_up(conn);
    unref(conn);
}

/* ---- Public ---------------------------------------------------------------------------------- */

struct redis_conn *redis_conn_new(struct ev_loop *loop, const struct redis_conn_config *config,
                                  const struct redis_conn_handler *handler, void *ctx)
{
    struct redis_conn *conn = must(calloc(1, sizeof *conn));
    if (!redis_url_parse(slice_text(config->url), &conn->url)) {
        log_error("REDIS_URL is not understood");
        exit(EXIT_FAILURE);
    }
    conn->loop = loop;
    conn->config = *config;
    conn->handler = *handler;
    conn->owner = ctx;
    conn->refs = 1;
    const struct redis_route_config route = {.url = &conn->url,
                                             .sentinels = config->sentinels,
                                             .lookup = config->lookup,
                                             .timeout_ms = config->connect_timeout_ms};
    conn->route = redis_route_new(loop, &route, on_dialled, conn);
    conn->handshake = (struct redis_handshake){
        .url = &conn->url, .name = config->name, .done = on_handshake, .ctx = conn};
    redis_queue_init(&conn->queue);
    ev_init(&conn->readable, on_readable);
    ev_init(&conn->writable, on_writable);
    ev_init(&conn->timer, on_timer);
    ev_prepare_init(&conn->turn, on_turn);
    conn->turn.data = conn;
    conn->readable.data = conn->writable.data = conn->timer.data = conn;
    /* After a pause of this process, what has arrived is read before anything is called late. */
    ev_set_priority(&conn->timer, EV_MINPRI);
    ev_prepare_start(loop, &conn->turn);
    arm(conn, 0); /* from the loop: no callback comes before the owner has the connection */
    return conn;
}

void redis_conn_free(struct redis_conn *conn)
{
    if (!conn) {
        return;
    }
    struct redis_expected *list = redis_queue_take(&conn->queue);
    conn->closed = true;
    set_state(conn, WAITING);
    drop_context(conn);
    ev_timer_stop(conn->loop, &conn->timer);
    ev_prepare_stop(conn->loop, &conn->turn);
    redis_expected_fail(list);
    unref(conn);
}

bool redis_conn_is_up(const struct redis_conn *conn)
{
    return conn->state == UP;
}

bool redis_conn_local_host(const struct redis_conn *conn, char host[REDIS_CONN_HOST_MAX + 1])
{
    return conn->state == UP && redis_dial_local_host(conn->context->fd, host);
}

void redis_conn_reset(struct redis_conn *conn, const char *why)
{
    if (conn->state == WAITING) {
        return;
    }
    conn->refs++;
    fail(conn, why, SLICE(""));
    unref(conn);
}

bool redis_conn_send(struct redis_conn *conn, const struct slice *argv, size_t argc,
                     redis_reply_fn *fn, void *arg)
{
    return conn->state == UP && !conn->message && command(conn, argv, argc, fn, arg);
}

/* NOLINTNEXTLINE(readability-function-size): channels and count are one argument */
bool redis_conn_subscribe(struct redis_conn *conn, const struct slice *channels, size_t count,
                          bool patterns, redis_message_fn *fn, void *ctx)
{
    struct slice argv[1 + SUBSCRIBE_MAX] = {patterns ? SLICE("PSUBSCRIBE") : SLICE("SUBSCRIBE")};
    if (conn->state != UP || count == 0 || count > SUBSCRIBE_MAX) {
        return false;
    }
    memcpy(argv + 1, channels, count * sizeof *channels);
    if (!transmit(conn, argv, 1 + count, (struct redis_expected){.confirmation = true}, count)) {
        return false;
    }
    conn->message = fn;
    conn->message_ctx = ctx;
    return true;
}
