/* broker.c - a Redis that everybody talks to over a network that misbehaves */
#include "tests/sim/broker.h"
#include "shared/buf.h"
#include "shared/must.h"
#include "tests/sim/store.h"
#include <stdio.h>
#include <string.h>

#define PREFIX "{chat}:"
#define CHANNELS 8
#define CONNS_MAX 1024 /* in the whole of a simulation */
#define COPIES 32
#define COPY_EVERY_US (500 * SIM_MS)

struct call {
    struct call *next;
    struct redis_conn *conn;
    unsigned life, run;
    uint64_t number;
    char *name;
    char **texts;
    struct slice *args; /* the same */
    size_t count;
    redis_reply_fn *fn;
    void *arg;
    struct redis_reply *reply;
};

/* One connection; of struct functions it is the whole. */
struct redis_conn {
    struct ev_loop *loop;
    struct redis_conn_config config;
    struct redis_conn_handler handler;
    void *ctx;
    const struct functions_caller *caller;
    bool up, resetting;
    unsigned doomed;   /* the life in which nothing published gets through any more */
    unsigned life;     /* one more with every connection: what belongs to an older one is nothing */
    unsigned failures; /* attempts in a row */
    uint64_t command_at, answer_at, line_at; /* none arrives before the one before it */
    struct call *oldest;
    char *channels[CHANNELS];
    size_t channel_count;
    redis_message_fn *message;
    void *message_ctx;
};

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
    const struct broker_watch *watch;
    void *ctx;
    struct redis_conn *conns[CONNS_MAX];
    int data;
    unsigned runs;
    uint64_t calls;
    bool down;
    uint64_t stalled_until;
    uint64_t latency_us;
    uint32_t loss;
    int copies[COPIES]; /* a ring, the newest at copied - 1 */
    size_t copied;
    uint64_t flushed_at;
} broker;

static uint64_t way(void)
{
    uint64_t most = broker.latency_us;
    return sim_chance(3) ? sim_about(most / 2) : sim_about(most / 20);
}

static uint64_t later(uint64_t *last, uint64_t at)
{
    *last = at > *last ? at : *last;
    return *last;
}

/* ---- The server ------------------------------------------------------------------------------ */

static void start_process(int data)
{
    char run[32];
    (void)snprintf(run, sizeof run, "%08x", ++broker.runs);
    broker.data = data;
    store_use(data, run);
}

static void keep_copy(void *arg)
{
    (void)arg;
    int *slot = &broker.copies[broker.copied % COPIES];
    if (broker.copied++ >= COPIES) {
        store_drop(*slot);
    }
    *slot = store_copy(broker.data);
    sim_in(COPY_EVERY_US, keep_copy, NULL);
}

bool broker_is_well(void)
{
    return !broker.down && broker.stalled_until <= sim_now_us();
}

void broker_latency(uint64_t us)
{
    broker.latency_us = us;
}

void broker_loss(uint32_t per_mille)
{
    broker.loss = per_mille;
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

static char *copy_of(struct slice s)
{
    char *text = must(calloc(1, s.len + 1));
    if (s.len > 0) {
        memcpy(text, s.ptr, s.len);
    }
    return text;
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

static void conn_lost(struct redis_conn *conn, const char *why);

static void on_doom(void *arg)
{
    struct moment m = *(struct moment *)arg;
    free(arg);
    if (m.conn->life == m.life) {
        conn_lost(m.conn, "reset by peer");
    }
}

/* Redis drops no single line: it drops the subscriber, who is the last to learn of it. */
static void send_line(struct redis_conn *conn, struct slice channel, struct slice text)
{
    if (broker.loss > 0 && sim_dice(1000) < broker.loss && conn->doomed != conn->life) {
        conn->doomed = conn->life;
        sim_in(sim_about(SIM_S), on_doom, moment_of(conn));
    }
    if (conn->doomed == conn->life) {
        return;
    }
    struct line *line = must(calloc(1, sizeof *line));
    *line = (struct line){.conn = conn,
                          .life = conn->life,
                          .channel = copy_of(channel),
                          .text = copy_of(text),
                          .channel_len = channel.len,
                          .text_len = text.len};
    sim_at(later(&conn->line_at, sim_now_us() + way()), on_line, line);
}

static void on_published(void *ctx, struct slice channel, struct slice text)
{
    (void)ctx;
    if (slice_equal(channel, SLICE(PREFIX "presence"))) {
        struct slice rest = text; /* <epoch> <version> <changes> */
        (void)slice_cut(&rest, ' ');
        (void)slice_cut(&rest, ' ');
        broker.watch->presence(broker.ctx, rest);
    }
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (broker.conns[i] && broker.conns[i]->up && listens(broker.conns[i], channel)) {
            send_line(broker.conns[i], channel, text);
        }
    }
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void call_free(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        free(call->texts[i]);
    }
    free(call->texts);
    free(call->args);
    free(call->name);
    store_reply_free(call->reply);
    free(call);
}

/* A call that nobody waits for any more is still executed, if it was on its way; its answer gets
 * nowhere. */
static void forget_calls(struct redis_conn *conn)
{
    struct call *list = conn->oldest;
    conn->oldest = NULL;
    while (list) {
        struct call *call = list;
        list = call->next;
        redis_reply_fn *fn = call->fn;
        call->fn = NULL;
        call->next = NULL;
        if (fn) {
            fn(call->arg, NULL);
        }
    }
}

static void connect_later(struct redis_conn *conn);

static void conn_lost(struct redis_conn *conn, const char *why)
{
    if (!conn->up) {
        return;
    }
    conn->life++;
    conn->resetting = true; /* nothing is taken any more, but the owner is not told yet */
    forget_calls(conn);
    conn->resetting = false;
    conn->up = false;
    for (size_t i = 0; i < conn->channel_count; i++) {
        free(conn->channels[i]);
    }
    conn->channel_count = 0;
    conn->handler.down(conn->ctx, why);
    connect_later(conn);
}

static void on_answer(void *arg)
{
    struct call *call = arg;
    struct redis_conn *conn = call->conn;
    if (conn->life != call->life) {
        call_free(call);
        return;
    }
    uint64_t awake = sim_awake_us(conn->loop);
    if (awake > sim_now_us()) {
        sim_at(awake, on_answer, call);
        return;
    }
    conn->oldest = call->next;
    if (call->fn) {
        call->fn(call->arg, call->reply);
    }
    call_free(call);
}

static void look_at_send(const struct call *call)
{
    if (strcmp(call->name, "parley_send") == 0 && functions_status_is(call->reply, "ok")) {
        broker.watch->accepted(broker.ctx, redis_reply_u64_at(call->reply, 2), call->args[7],
                               call->args[8], call->args[9]);
    }
}

static void on_command(void *arg)
{
    struct call *call = arg;
    struct redis_conn *conn = call->conn;
    if (broker.stalled_until > sim_now_us()) {
        sim_at(broker.stalled_until, on_command, call);
        return;
    }
    if (broker.down || call->run != broker.runs || (call->life != conn->life && sim_chance(50))) {
        call_free(call); /* of a connection that is gone; its end was told */
        return;
    }
    if (strcmp(call->name, "GET") == 0) {
        const struct slice argv[] = {SLICE("GET"), call->args[0]};
        call->reply = store_command(argv, 2);
    } else {
        call->reply = store_call(call->name, PREFIX, call->args, call->count, on_published, NULL);
        look_at_send(call);
    }
    sim_at(later(&conn->answer_at, sim_now_us() + way()), on_answer, call);
}

struct timeout {
    struct redis_conn *conn;
    unsigned life;
    uint64_t number; /* (its address may be another's by then) */
};

static void on_timeout(void *arg)
{
    struct timeout t = *(struct timeout *)arg;
    uint64_t awake = sim_awake_us(t.conn->loop);
    if (awake > sim_now_us()) {
        sim_at(awake, on_timeout, arg);
        return;
    }
    free(arg);
    for (const struct call *c = t.life == t.conn->life ? t.conn->oldest : NULL; c; c = c->next) {
        if (c->number == t.number) {
            conn_lost(t.conn, "no answer in time");
            return;
        }
    }
}

static void watch_over(const struct call *call)
{
    struct timeout *t = must(calloc(1, sizeof *t));
    *t = (struct timeout){call->conn, call->life, call->number};
    sim_in(call->conn->config.command_timeout_ms * SIM_MS, on_timeout, t);
}

/* NOLINTNEXTLINE(readability-function-size): a call is what it is */
static bool send_call(struct redis_conn *conn, const char *name, const struct slice *args,
                      size_t count, redis_reply_fn *fn, void *arg)
{
    if (!conn->up || conn->resetting) {
        return false;
    }
    struct call *call = must(calloc(1, sizeof *call));
    *call = (struct call){.conn = conn,
                          .life = conn->life,
                          .run = broker.runs,
                          .number = ++broker.calls,
                          .fn = fn,
                          .arg = arg,
                          .count = count};
    call->name = copy_of(slice_text(name));
    call->texts = must(calloc(count + 1, sizeof *call->texts));
    call->args = must(calloc(count + 1, sizeof *call->args));
    for (size_t i = 0; i < count; i++) {
        call->texts[i] = copy_of(args[i]);
        call->args[i] = (struct slice){call->texts[i], args[i].len};
    }
    struct call **end = &conn->oldest;
    while (*end) {
        end = &(*end)->next;
    }
    *end = call;
    sim_at(later(&conn->command_at, sim_now_us() + way()), on_command, call);
    watch_over(call);
    return true;
}

/* ---- Connections ----------------------------------------------------------------------------- */

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
    sim_in(sim_about(wait_ms * SIM_MS * 2 / 3) + way(), on_attempt, moment_of(conn));
}

static void conn_begin(struct redis_conn *conn, struct ev_loop *loop,
                       const struct redis_conn_config *config,
                       const struct redis_conn_handler *handler, void *ctx)
{
    *conn = (struct redis_conn){
        .loop = loop, .config = *config, .handler = *handler, .ctx = ctx, .life = 1};
    size_t i = 0;
    while (broker.conns[i]) {
        i++;
    }
    broker.conns[i] = conn;
    connect_later(conn);
}

static void silence(struct redis_conn *conn)
{
    conn->life++;
    conn->resetting = true;
    conn->up = false;
    for (size_t i = 0; i < conn->channel_count; i++) {
        free(conn->channels[i]);
    }
    conn->channel_count = 0;
}

/* The memory stays until the end: what is on its way may still point here. */
static void conn_end(struct redis_conn *conn)
{
    silence(conn);
    forget_calls(conn);
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
    conn_lost(conn, why);
}

/* NOLINTNEXTLINE(readability-function-size): the contract's */
bool redis_conn_subscribe(struct redis_conn *conn, const struct slice *channels, size_t count,
                          bool patterns, redis_message_fn *fn, void *ctx)
{
    if (!conn->up) {
        return false;
    }
    for (size_t i = 0; i < count && !patterns; i++) { /* expiries are told to nobody here */
        conn->channels[conn->channel_count++] = copy_of(channels[i]);
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
    conn_lost(&f->conn, why);
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
    return send_call(&f->conn, name, all, 4 + count, fn, arg);
}

bool functions_command(struct functions *f, const struct slice *argv, size_t argc,
                       redis_reply_fn *fn, void *arg)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%.*s", (int)argv[0].len, argv[0].ptr);
    return send_call(&f->conn, name, argv + 1, argc - 1, fn, arg);
}

const struct functions_stats *functions_stats(const struct functions *f)
{
    static const struct functions_stats none;
    (void)f;
    return &none; /* nobody asks for metrics here */
}

bool functions_status_is(const struct redis_reply *reply, const char *status)
{
    return redis_reply_count(reply) >= 2 &&
           slice_equal(redis_reply_text_at(reply, 0), slice_text(status));
}

struct slice functions_epoch(const struct redis_reply *reply)
{
    return redis_reply_text_at(reply, 1);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static void break_all(void)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (broker.conns[i]) {
            conn_lost(broker.conns[i], "Redis is gone");
        }
    }
}

void broker_break_one(void)
{
    size_t first = sim_dice(CONNS_MAX);
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct redis_conn *conn = broker.conns[(first + i) % CONNS_MAX];
        if (conn && conn->up) {
            conn_lost(conn, "reset by peer");
            return;
        }
    }
}

void broker_cut(const struct ev_loop *loop)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (broker.conns[i] && broker.conns[i]->loop == loop) {
            silence(broker.conns[i]);
        }
    }
}

void broker_stall(uint64_t us)
{
    (void)later(&broker.stalled_until, sim_end_us(us));
}

static void on_restart(void *arg)
{
    (void)arg;
    broker.down = false;
    start_process(broker.data);
}

void broker_kill(uint64_t us, bool data)
{
    if (broker.down) {
        return;
    }
    broker.down = true;
    if (!data) {
        broker_flush();
    }
    break_all();
    sim_in(us, on_restart, NULL);
}

void broker_flush(void)
{
    char run[32];
    (void)snprintf(run, sizeof run, "%08x", broker.runs);
    store_drop(broker.data);
    broker.data = store_new();
    store_use(broker.data, run);
    broker.flushed_at = sim_now_us();
}

void broker_fail_over(uint64_t us, uint64_t behind_us)
{
    size_t back = (size_t)(behind_us / COPY_EVERY_US);
    size_t kept = broker.copied < COPIES ? broker.copied : COPIES;
    if (broker.down || kept == 0) {
        return;
    }
    back = back < kept ? back : kept - 1;
    broker.down = true;
    store_drop(broker.data);
    broker.data = store_copy(broker.copies[(broker.copied - 1 - back) % COPIES]);
    break_all();
    sim_in(us, on_restart, NULL);
}

/* ---- For whoever looks on -------------------------------------------------------------------- */

struct redis_reply *broker_ask(const char *function, const struct slice *args, size_t count)
{
    return broker_is_well() ? store_call(function, PREFIX, args, count, on_published, NULL) : NULL;
}

struct redis_reply *broker_command(const char *name, const char *key)
{
    char full[128];
    (void)snprintf(full, sizeof full, PREFIX "%s", key);
    const struct slice argv[] = {slice_text(name), slice_text(full)};
    return broker_is_well() ? store_command(argv, 2) : NULL;
}

void broker_begin(const struct broker_watch *watch, void *ctx)
{
    memset(&broker, 0, sizeof broker);
    broker.watch = watch;
    broker.ctx = ctx;
    broker.latency_us = 10 * SIM_MS;
    start_process(store_new());
    store_reply_free(broker_ask("parley_first", NULL, 0));
    sim_in(COPY_EVERY_US, keep_copy, NULL);
}

void broker_end(void)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        free(broker.conns[i]);
    }
    for (size_t i = 0; i < COPIES && i < broker.copied; i++) {
        store_drop(broker.copies[i]);
    }
    store_drop(broker.data);
}
