/* eio_conn.c - one Engine.IO connection */
#include "gateway-svc/socketio/eio_conn.h"
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/eio_packet.h"
#include "shared/clock.h"
#include "shared/token.h"
#include <assert.h>
#include <stdlib.h>

#define SID_LEN 24        /* 144 random bits */
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
    conn->state = (uint8_t)state;
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
    if (!eio_outbox_push(&conn->outbox, frame)) {
        eio_conn_end(conn, SIO_SLOW, WS_SLOW_CODE, "out of memory");
        return;
    }
    engine_of(conn)->stats.queued_bytes += frame->len;
    eio_engine_mark(engine_of(conn), conn);
}

struct eio_outbox_sent eio_conn_sent(struct eio_conn *conn, size_t bytes)
{
    struct sio_stats *stats = &engine_of(conn)->stats;
    size_t before = eio_outbox_bytes(conn->outbox);
    struct eio_outbox_sent sent = eio_outbox_advance(&conn->outbox, bytes);
    stats->queued_bytes -= before - eio_outbox_bytes(conn->outbox);
    stats->frames_out += sent.frames + (sent.cut ? 1 : 0);
    return sent;
}

static void drop_queue(struct eio_conn *conn)
{
    engine_of(conn)->stats.queued_bytes -= eio_outbox_bytes(conn->outbox);
    eio_outbox_clear(&conn->outbox);
}

static void send_hello(struct eio_conn *conn)
{
    const struct sio_config *config = &engine_of(conn)->config;
    struct buf text;
    char sid[SID_LEN + 1];
    random_text(sid, SID_LEN);
    buf_init(&text, EIO_HELLO_MAX);
    eio_packet_hello(&text, &(struct eio_hello){
                                .sid = {sid, SID_LEN},
                                .ping_interval_ms = config->ping_interval_ms,
                                .ping_timeout_ms = config->ping_timeout_ms,
                                .max_payload = config->max_payload
    });
    struct slice packet = buf_slice(&text);
    struct sio_frame *frame = sio_frame_new(WS_TEXT, &packet, 1);
    eio_conn_queue(conn, frame);
    sio_frame_unref(frame);
    buf_deinit(&text);
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

void eio_conn_text(struct eio_conn *conn, struct slice packet, uint64_t now_us)
{
    struct eio_packet p;
    if (conn->state != EIO_STATE_OPEN) {
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
    eio_deadline_stop(&conn->heartbeat);
    eio_deadline_stop(&conn->limit);
    eio_engine_unmark(engine, conn);
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
    return frame->len <= max && eio_conn_queued(conn) <= max - frame->len;
}

void eio_conn_send(struct eio_conn *conn, struct sio_frame *frame)
{
    if (conn->state != EIO_STATE_OPEN) {
        return;
    }
    if (!has_room(conn, frame)) {
        /* Much was emitted in this one turn; the client may well be quick enough. */
        conn->transport->flush(conn);
    }
    if (!has_room(conn, frame)) {
        eio_conn_end(conn, SIO_SLOW, WS_SLOW_CODE, "queue is full");
        drop_queue(conn);
        return;
    }
    eio_conn_queue(conn, frame);
}

void eio_conn_joined(struct eio_conn *conn)
{
    if (conn->state == EIO_STATE_OPEN) {
        eio_deadline_stop(&conn->limit);
    }
}

void eio_conn_touch(struct eio_conn *conn)
{
    eio_engine_mark(engine_of(conn), conn);
}

/* One line for what a peer did wrong; a peer can provoke it, so it is limited. */
static void log_end(const struct eio_conn *conn, const char *why)
{
    if (why && log_limit_ok(&engine_of(conn)->log_limit, LOG_LINES_PER_S, clock_mono_ms())) {
        log_info("connection closed reason=\"%s\" why=\"%s\"",
                 sio_reason_name((enum sio_reason)conn->reason), why);
    }
}

void eio_conn_end(struct eio_conn *conn, enum sio_reason reason, uint16_t code, const char *why)
{
    if (conn->state != EIO_STATE_OPEN) {
        return;
    }
    set_state(conn, EIO_STATE_ENDING);
    conn->reason = (uint8_t)reason;
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
    conn->transport->close(conn, conn->close_code);
}

void eio_conn_settle(struct eio_conn *conn, uint64_t now_us)
{
    if (conn->endpoint->turn && conn->state == EIO_STATE_OPEN) {
        conn->endpoint->turn(conn);
    }
    if (conn->state == EIO_STATE_ENDING) {
        start_closing(conn, now_us);
    }
    if (conn->outbox) {
        conn->transport->flush(conn);
    }
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
