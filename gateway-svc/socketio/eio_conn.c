/* eio_conn.c - one Engine.IO connection */
#include "gateway-svc/socketio/eio_conn.h"
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/eio_packet.h"
#include "gateway-svc/socketio/eio_payload.h"
#include "shared/clock.h"
#include "shared/token.h"
#include <assert.h>
#include <stdlib.h>

#define WS_SLOW_CODE 4008 /* told apart by clients from trouble of their own */
#define LOG_LINES_PER_S 10

static struct eio_engine *engine_of(const struct eio_conn *conn)
{
    return conn->endpoint->engine;
}

/* The one place where the state changes. */
static void set_state(struct eio_conn *conn, enum eio_state state)
{
    assert((uint8_t)state > conn->state);
    conn->state = (uint8_t)state & 7u;
}

struct eio_conn *eio_conn_new(struct eio_endpoint *endpoint,
                              const struct eio_transport_ops *transport, void *data)
{
    struct eio_conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        return NULL;
    }
    conn->endpoint = endpoint;
    conn->transport = transport;
    conn->data = data;
    return conn;
}

void eio_conn_queue(struct eio_conn *conn, struct sio_frame *frame)
{
    for (; frame; frame = frame->next) {
        if (!eio_outbox_push(&conn->outbox, frame)) {
            eio_conn_end(conn, SIO_SLOW, WS_SLOW_CODE, "out of memory");
            return;
        }
        engine_of(conn)->stats.queued_bytes += frame->len;
    }
    eio_engine_mark(engine_of(conn), conn);
}

struct eio_outbox_sent eio_conn_sent(struct eio_conn *conn, size_t bytes)
{
    struct sio_stats *stats = &engine_of(conn)->stats;
    size_t before = eio_outbox_bytes(conn->outbox);
    struct eio_outbox_sent sent = eio_outbox_advance(&conn->outbox, bytes);
    stats->queued_bytes -= before - eio_outbox_bytes(conn->outbox);
    stats->frames_out += sent.frames + (sent.cut ? 1 : 0);
    stats->bytes_out += bytes;
    if (conn->watched && eio_conn_queued(conn) <= EIO_DRAINED) {
        conn->watched = false;
        eio_conn_touch(conn);
    }
    return sent;
}

static void drop_queue(struct eio_conn *conn)
{
    engine_of(conn)->stats.queued_bytes -= eio_outbox_bytes(conn->outbox);
    eio_outbox_clear(&conn->outbox);
}

/* One that nobody can use is made up for a connection that is not in the table. */
static void append_sid(struct buf *out, const struct eio_conn *conn)
{
    const char *node = engine_of(conn)->config.node;
    char random[EIO_SID_RANDOM + 1];
    random_text(random, EIO_SID_RANDOM);
    if (node) {
        buf_printf(out, "%s.", node);
    }
    buf_append(out, (struct slice){conn->sid ? conn->sid->random : random, EIO_SID_RANDOM});
}

static void send_hello(struct eio_conn *conn)
{
    const struct sio_config *config = &engine_of(conn)->config;
    struct buf sid, text;
    buf_init(&sid, EIO_SID_MAX);
    append_sid(&sid, conn);
    buf_init(&text, EIO_HELLO_MAX);
    eio_packet_hello(&text, &(struct eio_hello){.sid = buf_slice(&sid),
                                                .upgrade = conn->sid && config->allow_upgrades &&
                                                           config->websocket,
                                                .ping_interval_ms = config->ping_interval_ms,
                                                .ping_timeout_ms = config->ping_timeout_ms,
                                                .max_payload = config->max_payload});
    struct slice packet = buf_slice(&text);
    struct sio_frame *frame = sio_frame_new(WS_TEXT, &packet, 1);
    eio_conn_queue(conn, frame);
    sio_frame_unref(frame);
    buf_deinit(&text);
    buf_deinit(&sid);
}

void eio_conn_opened(struct eio_conn *conn, uint64_t now_us)
{
    struct eio_engine *engine = engine_of(conn);
    set_state(conn, EIO_STATE_OPEN);
    engine->stats.connections++;
    engine->stats.accepted++;
    eio_deadline_start(&engine->pings, &conn->heartbeat, now_us);
    if (conn->endpoint->must_join) {
        eio_deadline_start(&engine->joins, &conn->limit, now_us);
    }
    send_hello(conn);
    conn->endpoint->open(conn);
}

static void got_pong(struct eio_conn *conn, uint64_t now_us)
{
    if (conn->pong_due) { /* one that nobody asked for does no harm */
        conn->pong_due = false;
        eio_deadline_start(&engine_of(conn)->pings, &conn->heartbeat, now_us);
    }
}

/* A peer that is in the middle of sending much is alive, but may be unable to answer: anything that
 * comes from it extends the time for the pong, once. */
static void got_sign_of_life(struct eio_conn *conn, uint64_t now_us)
{
    if (conn->pong_due && !conn->pong_late) {
        conn->pong_late = true;
        eio_deadline_start(&engine_of(conn)->pongs, &conn->heartbeat, now_us);
    }
}

/* A binary message as text: what polling puts into its payloads, and what a client that was told to
 * use nothing but text sends over a WebSocket too. */
static void got_base64(struct eio_conn *conn, struct slice text, uint64_t now_us)
{
    struct buf bytes;
    buf_init(&bytes, text.len);
    if (base64_decode(text, &bytes)) {
        eio_conn_binary(conn, buf_slice(&bytes), now_us);
    } else {
        eio_conn_end(conn, SIO_PARSE_ERROR, 0, "bad base64");
    }
    buf_deinit(&bytes);
}

void eio_conn_text(struct eio_conn *conn, struct slice packet, uint64_t now_us)
{
    struct eio_packet p;
    if (conn->state != EIO_STATE_OPEN) {
        return;
    }
    if (packet.len > 0 && packet.ptr[0] == 'b') {
        got_base64(conn, slice_tail(packet, 1), now_us);
        return;
    }
    if (!eio_packet_decode(packet, &p)) {
        eio_conn_end(conn, SIO_PARSE_ERROR, 0, "no Engine.IO packet");
        return;
    }
    if (p.type != EIO_PONG) {
        got_sign_of_life(conn, now_us);
    }
    switch (p.type) {
    case EIO_MESSAGE: conn->endpoint->text(conn, p.data); break;
    case EIO_PONG: got_pong(conn, now_us); break;
    case EIO_CLOSE: eio_conn_end(conn, SIO_TRANSPORT_CLOSE, 0, NULL); break;
    case EIO_PING: eio_conn_end(conn, SIO_PARSE_ERROR, 0, "ping from the client"); break;
    case EIO_OPEN: /* some clients send these out of place; they mean nothing here */
    case EIO_UPGRADE:
    case EIO_NOOP:
    case EIO_TYPES: break;
    }
}

void eio_conn_binary(struct eio_conn *conn, struct slice packet, uint64_t now_us)
{
    if (conn->state == EIO_STATE_OPEN) {
        got_sign_of_life(conn, now_us);
        conn->endpoint->binary(conn, packet);
    }
}

/* The endpoint hears of the end. */
static void tell_ended(struct eio_conn *conn)
{
    conn->endpoint->ended(conn, (enum sio_reason)conn->reason);
}

static void free_conn(struct eio_conn *conn)
{
    struct eio_engine *engine = engine_of(conn);
    if (conn->transport->release) {
        conn->transport->release(conn);
    }
    eio_deadline_stop(&conn->heartbeat);
    eio_deadline_stop(&conn->limit);
    eio_engine_unmark(engine, conn);
    eio_sids_remove(&engine->sids, conn->sid);
    drop_queue(conn);
    if (conn->rx) {
        buf_deinit(conn->rx);
        free(conn->rx);
    }
    if (engine->released) {
        engine->released(engine->released_ctx, conn->data);
    }
    free(conn);
}

void eio_conn_switch(struct eio_conn *conn, const struct eio_transport_ops *transport, void *wire)
{
    conn->transport = transport;
    conn->wire = wire;
    eio_engine_mark(engine_of(conn), conn);
}

void eio_conn_transport_gone(struct eio_conn *conn, enum sio_reason reason)
{
    if (conn->state == EIO_STATE_NEW) {
        free_conn(conn);
        return;
    }
    eio_conn_end(conn, reason, 0, NULL);
    if (conn->state == EIO_STATE_ENDING) {
        tell_ended(conn);
    }
    engine_of(conn)->stats.connections--;
    free_conn(conn);
}

bool eio_conn_is_open(const struct eio_conn *conn)
{
    return conn->state == EIO_STATE_OPEN;
}

size_t eio_conn_queued(const struct eio_conn *conn)
{
    return eio_outbox_bytes(conn->outbox);
}

static bool has_room(const struct eio_conn *conn, const struct sio_frame *frame)
{
    size_t max = engine_of(conn)->config.queue_max_bytes;
    size_t size = sio_frame_size(frame);
    return size <= max && eio_conn_queued(conn) <= max - size;
}

bool eio_conn_is_clogged(const struct eio_conn *conn)
{
    size_t half = engine_of(conn)->config.queue_max_bytes / 2;
    size_t soft = half < EIO_QUEUE_SOFT ? half : EIO_QUEUE_SOFT;
    return eio_conn_queued(conn) > (conn->deaf ? soft / 2 : soft);
}

static void end_slow(struct eio_conn *conn, const char *why)
{
    eio_conn_end(conn, SIO_SLOW, WS_SLOW_CODE, why);
    drop_queue(conn);
}

void eio_conn_send(struct eio_conn *conn, struct sio_frame *frame)
{
    if (conn->state != EIO_STATE_OPEN) {
        return;
    }
    if (!has_room(conn, frame)) {
        /* Much was emitted in this one turn; the client may well be quick enough. */
        conn->transport->flush(&conn, 1);
    }
    if (!has_room(conn, frame)) {
        end_slow(conn, "queue is full");
        return;
    }
    eio_conn_queue(conn, frame);
}

void eio_conn_joined(struct eio_conn *conn)
{
    if (conn->state == EIO_STATE_OPEN && !conn->joined) {
        conn->joined = true;
        eio_deadline_stop(&conn->limit);
    }
}

void eio_conn_touch(struct eio_conn *conn)
{
    conn->touched = true;
    eio_engine_mark(engine_of(conn), conn);
}

void eio_conn_watch(struct eio_conn *conn)
{
    conn->watched = true;
}

/* One line for what a peer did wrong; a peer can provoke it, so it is limited. */
static void log_end(const struct eio_conn *conn, const char *why)
{
    struct log_limit *limit = &engine_of(conn)->log_limit;
    if (why && log_limit_ok(limit, LOG_LINES_PER_S, clock_mono_ms())) {
        log_info("connection closed by=server reason=\"%s\" why=\"%s\" suppressed=%llu",
                 sio_reason_name((enum sio_reason)conn->reason), why,
                 (unsigned long long)limit->suppressed);
    }
}

void eio_conn_end(struct eio_conn *conn, enum sio_reason reason, uint16_t code, const char *why)
{
    if (conn->state != EIO_STATE_OPEN) {
        return;
    }
    set_state(conn, EIO_STATE_ENDING);
    conn->reason = (uint8_t)reason & 31u;
    conn->close_code = code;
    eio_deadline_stop(&conn->heartbeat);
    eio_deadline_stop(&conn->limit);
    engine_of(conn)->stats.closed[reason]++;
    log_end(conn, why);
    eio_engine_mark(engine_of(conn), conn);
}

static void start_closing(struct eio_conn *conn, uint64_t now_us)
{
    tell_ended(conn);
    set_state(conn, EIO_STATE_CLOSING);
    eio_deadline_start(&engine_of(conn)->closings, &conn->limit, now_us);
    conn->transport->close(conn, conn->close_code, now_us);
}

/* What waits now must have left when the time is over.  Until it has joined something, another
 * time runs. */
static void watch_queue(struct eio_conn *conn, uint64_t now_us)
{
    if (conn->outbox && conn->state == EIO_STATE_OPEN && !eio_deadline_is_running(&conn->limit)) {
        eio_outbox_mark(conn->outbox);
        eio_deadline_start(&engine_of(conn)->stalls, &conn->limit, now_us);
    }
}

void eio_conn_stalled(struct eio_conn *conn, uint64_t now_us)
{
    eio_deadline_stop(&conn->limit);
    if (eio_outbox_has_old(conn->outbox)) {
        end_slow(conn, "what waited did not leave in time");
    } else {
        watch_queue(conn, now_us);
    }
}

void eio_conn_pong_late(struct eio_conn *conn, uint64_t now_us)
{
    if (conn->deaf) { /* it may have come: we have not looked */
        eio_deadline_start(&engine_of(conn)->pongs, &conn->heartbeat, now_us);
    } else {
        eio_conn_end(conn, SIO_PING_TIMEOUT, 0, "no pong in time");
    }
}

void eio_conn_settle(struct eio_conn *conn, uint64_t now_us)
{
    if (conn->touched && conn->state == EIO_STATE_OPEN && conn->endpoint->turn) {
        conn->touched = false;
        conn->endpoint->turn(conn);
    }
    if (conn->state == EIO_STATE_ENDING) {
        start_closing(conn, now_us);
    }
}

void eio_conn_flushed(struct eio_conn *conn, uint64_t now_us)
{
    if (conn->finished) {
        eio_conn_transport_gone(conn, (enum sio_reason)conn->reason);
        return;
    }
    watch_queue(conn, now_us);
}

void eio_conn_ping(struct eio_conn *conn, uint64_t now_us)
{
    struct eio_engine *engine = engine_of(conn);
    uint64_t due_us = conn->heartbeat.at_us;
    uint64_t sent_us = now_us - due_us > EIO_TICK_SLACK_US ? now_us : due_us;
    conn->pong_due = true;
    conn->pong_late = false;
    eio_deadline_start(&engine->pongs, &conn->heartbeat, sent_us);
    eio_conn_queue(conn, engine->ping);
}
