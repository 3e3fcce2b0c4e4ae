/* eio_engine.c - what all Engine.IO connections share */
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/eio_poll.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WS_GOING_AWAY 1001
#define FIRST_DIRTY 64

static uint64_t us(uint32_t ms)
{
    return (uint64_t)ms * 1000;
}

void eio_engine_init(struct eio_engine *engine, const struct sio_config *config)
{
    struct slice ping = SLICE("2");
    *engine = (struct eio_engine){.config = *config};
    engine->ping = sio_frame_new(WS_TEXT, &ping, 1);
    eio_deadlines_init(&engine->pings, us(config->ping_interval_ms));
    eio_deadlines_init(&engine->pongs, us(config->ping_timeout_ms));
    eio_deadlines_init(&engine->joins, us(config->connect_timeout_ms));
    eio_deadlines_init(&engine->stalls, us(EIO_STALL_MS));
    eio_deadlines_init(&engine->closings, us(EIO_CLOSING_MS));
    eio_deadlines_init(&engine->lingers, us(EIO_LINGER_MS));
    eio_deadlines_init(&engine->upgrades, us(config->upgrade_timeout_ms));
    eio_deadlines_init(&engine->acks, us(config->ack_timeout_ms));
}

void eio_engine_deinit(struct eio_engine *engine)
{
    sio_frame_unref(engine->ping);
    eio_sids_deinit(&engine->sids);
    free(engine->dirty);
    engine->ping = NULL;
    engine->dirty = NULL;
}

void eio_engine_add(struct eio_engine *engine, struct eio_endpoint *endpoint)
{
    endpoint->engine = engine;
    endpoint->next = engine->endpoints;
    engine->endpoints = endpoint;
}

struct eio_endpoint *eio_engine_find(const struct eio_engine *engine, struct slice path)
{
    for (struct eio_endpoint *e = engine->endpoints; e; e = e->next) {
        struct slice own = slice_text(e->path);
        if (slice_equal(path, own) || slice_equal(path, slice_head(own, own.len - 1))) {
            return e;
        }
    }
    return NULL;
}

void eio_engine_mark(struct eio_engine *engine, struct eio_conn *conn)
{
    if (conn->dirty > 0) {
        return;
    }
    if (engine->dirty_count == engine->dirty_capacity) {
        uint32_t capacity = engine->dirty_capacity ? engine->dirty_capacity * 2 : FIRST_DIRTY;
        struct eio_conn **dirty = realloc(engine->dirty, capacity * sizeof(struct eio_conn *));
        if (!dirty) { /* 8 bytes for each connection: nothing works any more */
            log_error("out of memory: dirty connections=%u", capacity);
            abort();
        }
        engine->dirty = dirty;
        engine->dirty_capacity = capacity;
    }
    engine->dirty[engine->dirty_count++] = conn;
    conn->dirty = engine->dirty_count;
}

void eio_engine_unmark(struct eio_engine *engine, struct eio_conn *conn)
{
    if (conn->dirty > 0) {
        engine->dirty[conn->dirty - 1] = NULL;
        conn->dirty = 0;
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The end of the step that a ping is due in. */
static uint64_t step_end(uint64_t at_us)
{
    uint64_t into_us = at_us % EIO_PING_STEP_US;
    return at_us == EIO_NEVER || into_us == 0 ? at_us : at_us - into_us + EIO_PING_STEP_US;
}

uint64_t eio_engine_next_us(const struct eio_engine *engine)
{
    const struct eio_deadlines *const lists[] = {
        &engine->pongs,    &engine->joins, &engine->closings, &engine->lingers,
        &engine->upgrades, &engine->acks,  &engine->stalls};
    uint64_t next_us = step_end(eio_deadlines_next(&engine->pings));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        next_us = earlier(next_us, eio_deadlines_next(lists[i]));
    }
    return next_us;
}

static struct eio_conn *by_heartbeat(struct eio_deadline *d)
{
    return (struct eio_conn *)(void *)((char *)d - offsetof(struct eio_conn, heartbeat));
}

static struct eio_conn *by_limit(struct eio_deadline *d)
{
    return (struct eio_conn *)(void *)((char *)d - offsetof(struct eio_conn, limit));
}

/* A peer that did not follow our close in time. */
static void kill_late(struct eio_deadline *d)
{
    eio_deadline_stop(d);
    by_limit(d)->transport->kill(by_limit(d));
}

void eio_engine_tick(struct eio_engine *engine, uint64_t now_us)
{
    struct eio_deadline *d;
    while ((d = eio_deadlines_due(&engine->pongs, now_us))) {
        eio_conn_pong_late(by_heartbeat(d), now_us);
    }
    while ((d = eio_deadlines_due(&engine->pings, now_us))) {
        eio_conn_ping(by_heartbeat(d), now_us);
    }
    while ((d = eio_deadlines_due(&engine->joins, now_us))) {
        eio_conn_end(by_limit(d), SIO_CONNECT_TIMEOUT, 0, "joined no namespace in time");
    }
    while ((d = eio_deadlines_due(&engine->stalls, now_us))) {
        eio_conn_stalled(by_limit(d), now_us);
    }
    while ((d = eio_deadlines_due(&engine->upgrades, now_us))) {
        eio_poll_probe_late(d);
    }
    while ((d = eio_deadlines_due(&engine->acks, now_us))) {
        engine->ack_late(engine, d);
    }
    while ((d = eio_deadlines_due(&engine->closings, now_us)) ||
           (d = eio_deadlines_due(&engine->lingers, now_us))) {
        kill_late(d);
    }
}

/* A walk over all connections waits for memory more than for anything else. */
static void fetch_ahead(const struct eio_engine *engine, uint32_t i)
{
    const struct eio_conn *conn = i < engine->dirty_count ? engine->dirty[i] : NULL;
    __builtin_prefetch(conn);
    __builtin_prefetch(conn ? &conn->limit : NULL);
}

/* Those of one transport together. */
static void flush(struct eio_conn *const *conns, size_t count)
{
    size_t n;
    for (size_t i = 0; i < count; i += n) {
        for (n = 1; i + n < count && conns[i + n]->transport == conns[i]->transport; n++) {
        }
        conns[i]->transport->flush(conns + i, n);
    }
}

/* Some of those that are dirty, from the `first` on, each once; returns the place behind the last.
 * Callbacks in here may mark others, or the same one again: the list grows meanwhile. */
static uint32_t settle_some(struct eio_engine *engine, uint32_t first, uint64_t now_us)
{
    struct eio_conn *some[EIO_SENDS_MAX];
    size_t count = 0;
    uint32_t end = engine->dirty_count, i = first;
    for (; i < end && count < EIO_SENDS_MAX; i++) {
        struct eio_conn *conn = engine->dirty[i];
        fetch_ahead(engine, i + 2);
        if (conn) {
            eio_engine_unmark(engine, conn);
            eio_conn_settle(conn, now_us);
            some[count++] = conn;
        }
    }
    flush(some, count);
    for (size_t k = 0; k < count; k++) {
        eio_conn_flushed(some[k], now_us);
    }
    return i;
}

void eio_engine_settle(struct eio_engine *engine, uint64_t now_us)
{
    for (uint32_t i = 0; i < engine->dirty_count;) {
        i = settle_some(engine, i, now_us);
    }
    engine->dirty_count = 0;
}

void eio_engine_close_all(struct eio_engine *engine, uint64_t now_us)
{
    struct eio_deadline *d;
    engine->draining = true;
    while ((d = eio_deadlines_first(&engine->pings)) || (d = eio_deadlines_first(&engine->pongs))) {
        eio_conn_end(by_heartbeat(d), SIO_SERVER_SHUTDOWN, WS_GOING_AWAY, NULL);
    }
    eio_engine_settle(engine, now_us);
}

void eio_engine_kill_all(struct eio_engine *engine, uint64_t now_us)
{
    struct eio_deadline *d;
    while ((d = eio_deadlines_first(&engine->closings)) ||
           (d = eio_deadlines_first(&engine->lingers))) {
        kill_late(d);
    }
    eio_engine_settle(engine, now_us);
}
