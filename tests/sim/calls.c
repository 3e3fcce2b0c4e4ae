/* calls.c - the commands of a connection: on their way, executed, answered */
#include "shared/must.h"
#include "tests/sim/broker.h"
#include "tests/sim/conns_state.h"
#include "tests/sim/store.h"
#include <stdlib.h>

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

static uint64_t sent; /* ever */

static void call_free(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        free(call->texts[i]);
    }
    free(call->texts);
    free(call->args);
    free(call->name);
    reply_free(call->reply);
    free(call);
}

/* A call that nobody waits for any more is still executed, if it was on its way; its answer gets
 * nowhere. */
void calls_forget(struct redis_conn *conn)
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

static void on_command(void *arg)
{
    struct call *call = arg;
    struct redis_conn *conn = call->conn;
    if (broker_stalled_until() > sim_now_us()) {
        sim_at(broker_stalled_until(), on_command, call);
        return;
    }
    if (call->run != broker_run() || (call->life != conn->life && sim_chance(50))) {
        call_free(call); /* of a connection that is gone; its end was told */
        return;
    }
    call->reply = broker_execute(call->name, call->args, call->count);
    sim_at(conns_later(&conn->answer_at, sim_now_us() + conns_way()), on_answer, call);
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
            conns_lost(t.conn, "no answer in time");
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
bool calls_send(struct redis_conn *conn, const char *name, const struct slice *args, size_t count,
                redis_reply_fn *fn, void *arg)
{
    if (!conn->up || conn->resetting) {
        return false;
    }
    struct call *call = must(calloc(1, sizeof *call));
    *call = (struct call){.conn = conn,
                          .life = conn->life,
                          .run = broker_run(),
                          .number = ++sent,
                          .fn = fn,
                          .arg = arg,
                          .count = count};
    call->name = conns_copy(slice_text(name));
    call->texts = must(calloc(count + 1, sizeof *call->texts));
    call->args = must(calloc(count + 1, sizeof *call->args));
    for (size_t i = 0; i < count; i++) {
        call->texts[i] = conns_copy(args[i]);
        call->args[i] = (struct slice){call->texts[i], args[i].len};
    }
    struct call **end = &conn->oldest;
    while (*end) {
        end = &(*end)->next;
    }
    *end = call;
    sim_at(conns_later(&conn->command_at, sim_now_us() + conns_way()), on_command, call);
    watch_over(call);
    return true;
}
