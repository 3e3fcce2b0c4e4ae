/* conns.c - connections to the broker */
#include "tests/sim/conns.h"
#include "shared/must.h"
#include "tests/sim/broker.h"
#include "tests/sim/conns_state.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CONNS_MAX 1024 /* in the whole of a simulation */

struct functions {
    struct redis_conn conn;
};

struct line {
    struct redis_conn *conn;
    unsigned life;
    char *channel, *text;
    size_t channel_len, text_len;
};

static struct {
    struct redis_conn *conns[CONNS_MAX];
    uint64_t latency_us;
    uint32_t loss;
} net;

uint64_t conns_way(void)
{
    uint64_t most = net.latency_us;
    return sim_chance(3) ? sim_about(most / 2) : sim_about(most / 20);
}

uint64_t conns_later(uint64_t *last, uint64_t at)
{
    *last = at > *last ? at : *last;
    return *last;
}

char *conns_copy(struct slice s)
{
    char *text = must(calloc(1, s.len + 1));
    if (s.len > 0) {
        memcpy(text, s.ptr, s.len);
    }
    return text;
}

/* A connection of that moment. */
struct moment {
    struct redis_conn *conn;
    unsigned life;
};

static struct moment *moment_of(struct redis_conn *conn)
{
    struct moment *m = must(calloc(1, sizeof *m));
    *m = (struct moment){conn, conn->life};
    return m;
}

/* ---- What is published ----------------------------------------------------------------------- */

static void line_free(struct line *line)
{
    free(line->channel);
    free(line->text);
    free(line);
}

static void on_line(void *arg)
{
    struct line *line = arg;
    struct redis_conn *conn = line->conn;
    if (conn->life != line->life) {
        line_free(line);
        return;
    }
    uint64_t awake = sim_awake_us(conn->loop);
    if (awake > sim_now_us()) {
        sim_at(awake, on_line, line);
        return;
    }
    conn->message(conn->message_ctx, (struct slice){line->channel, line->channel_len},
                  (struct slice){line->text, line->text_len});
    line_free(line);
}

static bool listens(const struct redis_conn *conn, struct slice channel)
{
    for (size_t i = 0; i < conn->channel_count; i++) {
        if (slice_equal(channel, slice_text(conn->channels[i]))) {
            return true;
        }
    }
    return false;
}

static void on_doom(void *arg)
{
    struct moment m = *(struct moment *)arg;
    free(arg);
    if (m.conn->life == m.life) {
        conns_lost(m.conn, "reset by peer");
    }
}

/* Redis drops no single line: it drops the subscriber, who is the last to learn of it. */
static void send_line(struct redis_conn *conn, struct slice channel, struct slice text)
{
    if (net.loss > 0 && sim_dice(1000) < net.loss && conn->doomed != conn->life) {
        conn->doomed = conn->life;
        sim_in(sim_about(SIM_S), on_doom, moment_of(conn));
    }
    if (conn->doomed == conn->life) {
        return;
    }
    struct line *line = must(calloc(1, sizeof *line));
    *line = (struct line){.conn = conn,
                          .life = conn->life,
                          .channel = conns_copy(channel),
                          .text = conns_copy(text),
                          .channel_len = channel.len,
                          .text_len = text.len};
    sim_at(conns_later(&conn->line_at, sim_now_us() + conns_way()), on_line, line);
}

void conns_publish(struct slice channel, struct slice text)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (net.conns[i] && net.conns[i]->up && listens(net.conns[i], channel)) {
            send_line(net.conns[i], channel, text);
        }
    }
}

/* ---- Connections ----------------------------------------------------------------------------- */

static void connect_later(struct redis_conn *conn);

static void on_attempt(void *arg)
{
    struct moment a = *(struct moment *)arg;
    uint64_t awake = sim_awake_us(a.conn->loop);
    if (a.life == a.conn->life && awake > sim_now_us()) {
        sim_at(awake, on_attempt, arg);
        return;
    }
    free(arg);
    if (a.life != a.conn->life) {
        return;
    }
    if (!broker_is_well()) {
        a.conn->failures++;
        connect_later(a.conn);
        return;
    }
    a.conn->failures = 0;
    a.conn->up = true;
    a.conn->command_at = a.conn->answer_at = a.conn->line_at = 0;
    a.conn->handler.up(a.conn->ctx);
}

static void connect_later(struct redis_conn *conn)
{
    uint64_t wait_ms = conn->config.backoff_min_ms << (conn->failures < 6 ? conn->failures : 6);
    wait_ms = wait_ms < conn->config.backoff_max_ms ? wait_ms : conn->config.backoff_max_ms;
    sim_in(sim_about(wait_ms * SIM_MS * 2 / 3) + conns_way(), on_attempt, moment_of(conn));
}

static void unsubscribe(struct redis_conn *conn)
{
    for (size_t i = 0; i < conn->channel_count; i++) {
        free(conn->channels[i]);
    }
    conn->channel_count = 0;
}

void conns_lost(struct redis_conn *conn, const char *why)
{
    if (!conn->up) {
        return;
    }
    conn->life++;
    conn->resetting = true; /* nothing is taken any more, but the owner is not told yet */
    calls_forget(conn);
    conn->resetting = false;
    conn->up = false;
    unsubscribe(conn);
    conn->handler.down(conn->ctx, why);
    connect_later(conn);
}

static void conn_begin(struct redis_conn *conn, struct ev_loop *loop,
                       const struct redis_conn_config *config,
                       const struct redis_conn_handler *handler, void *ctx)
{
    *conn = (struct redis_conn){
        .loop = loop, .config = *config, .handler = *handler, .ctx = ctx, .life = 1};
    size_t i = 0;
    while (net.conns[i]) {
        i++;
        assert(i < CONNS_MAX);
    }
    net.conns[i] = conn;
    connect_later(conn);
}

static void silence(struct redis_conn *conn)
{
    conn->life++;
    conn->resetting = true;
    conn->up = false;
    unsubscribe(conn);
}

/* The memory stays until the end: what is on its way may still point here. */
static void conn_end(struct redis_conn *conn)
{
    silence(conn);
    calls_forget(conn);
}

struct redis_conn *redis_conn_new(struct ev_loop *loop, const struct redis_conn_config *config,
                                  const struct redis_conn_handler *handler, void *ctx)
{
    struct redis_conn *conn = must(malloc(sizeof(struct functions)));
    conn_begin(conn, loop, config, handler, ctx);
    return conn;
}

void redis_conn_free(struct redis_conn *conn)
{
    conn_end(conn);
}

bool redis_conn_is_up(const struct redis_conn *conn)
{
    return conn->up;
}

void redis_conn_reset(struct redis_conn *conn, const char *why)
{
    conns_lost(conn, why);
}

/* NOLINTNEXTLINE(readability-function-size): the contract's */
bool redis_conn_subscribe(struct redis_conn *conn, const struct slice *channels, size_t count,
                          bool patterns, redis_message_fn *fn, void *ctx)
{
    if (!conn->up) {
        return false;
    }
    for (size_t i = 0; i < count && !patterns; i++) { /* expiries are told to nobody here */
        conn->channels[conn->channel_count++] = conns_copy(channels[i]);
    }
    conn->message = fn;
    conn->message_ctx = ctx;
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): the contract's */
struct functions *functions_new(struct ev_loop *loop, const struct redis_conn_config *config,
                                const struct redis_conn_handler *handler, void *ctx,
                                const char *prefix, const struct functions_caller *caller)
{
    (void)prefix;
    struct functions *f = must(malloc(sizeof *f));
    conn_begin(&f->conn, loop, config, handler, ctx);
    f->conn.caller = caller;
    return f;
}

void functions_free(struct functions *f)
{
    conn_end(&f->conn);
}

void functions_use_module(struct functions *f)
{
    (void)f; /* here the library has no other */
}

bool functions_is_up(const struct functions *f)
{
    return f->conn.up;
}

bool functions_works(const struct functions *f, struct buf *why)
{
    (void)why;
    return f->conn.up;
}

void functions_reset(struct functions *f, const char *why)
{
    conns_lost(&f->conn, why);
}

bool functions_local_host(const struct functions *f, char host[REDIS_CONN_HOST_MAX + 1])
{
    (void)snprintf(host, REDIS_CONN_HOST_MAX + 1, "127.0.0.1");
    return f->conn.up;
}

/* NOLINTNEXTLINE(readability-function-size): the contract's */
bool functions_call(struct functions *f, const char *name, const struct slice *args, size_t count,
                    redis_reply_fn *fn, void *arg)
{
    char seen[24], grace[24], lease[24];
    const struct functions_caller *caller = f->conn.caller;
    struct slice all[4 + FUNCTIONS_ARGS_MAX];
    (void)snprintf(seen, sizeof seen, "%llu", (unsigned long long)caller->seen);
    (void)snprintf(grace, sizeof grace, "%llu", (unsigned long long)caller->grace_ms);
    (void)snprintf(lease, sizeof lease, "%llu", (unsigned long long)caller->lease_ms);
    all[0] = slice_text(caller->epoch);
    all[1] = slice_text(seen);
    all[2] = slice_text(grace);
    all[3] = slice_text(lease);
    for (size_t i = 0; i < count; i++) {
        all[4 + i] = args[i];
    }
    return calls_send(&f->conn, name, all, 4 + count, fn, arg);
}

bool functions_command(struct functions *f, const struct slice *argv, size_t argc,
                       redis_reply_fn *fn, void *arg)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%.*s", (int)argv[0].len, argv[0].ptr);
    return calls_send(&f->conn, name, argv + 1, argc - 1, fn, arg);
}

const struct functions_stats *functions_stats(const struct functions *f)
{
    static const struct functions_stats none;
    (void)f;
    return &none; /* nobody asks for metrics here */
}

/* ---- What goes wrong ------------------------------------------------------------------------- */

void conns_latency(uint64_t us)
{
    net.latency_us = us;
}

void conns_loss(uint32_t per_mille)
{
    net.loss = per_mille;
}

void conns_break_all(void)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (net.conns[i]) {
            conns_lost(net.conns[i], "Redis is gone");
        }
    }
}

void conns_break_one(void)
{
    size_t first = sim_dice(CONNS_MAX);
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct redis_conn *conn = net.conns[(first + i) % CONNS_MAX];
        if (conn && conn->up) {
            conns_lost(conn, "reset by peer");
            return;
        }
    }
}

void conns_cut(const struct ev_loop *loop)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (net.conns[i] && net.conns[i]->loop == loop) {
            silence(net.conns[i]);
        }
    }
}

void conns_begin(void)
{
    memset(&net, 0, sizeof net);
    net.latency_us = 10 * SIM_MS;
}

void conns_end(void)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        free(net.conns[i]);
    }
}
