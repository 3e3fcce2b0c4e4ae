/* eio_poll.c - the polling transport */
#include "gateway-svc/socketio/eio_poll.h"
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/eio_payload.h"
#include "shared/utf8.h"
#include <stddef.h>
#include <stdlib.h>

#define TEXT_TYPE "text/plain; charset=UTF-8"

struct eio_poll {
    struct eio_conn *conn;
    struct eio_exchange *get;  /* held */
    struct eio_exchange *post; /* its body is arriving */
    const struct eio_transport_ops *probe_ops;
    void *probe;                 /* the wire that wants to take over, or NULL */
    struct eio_deadline upgrade; /* by when it must have done so */
    bool probed;                 /* it was answered "3probe": no GET is held any more */
    bool bye;                    /* the client said that it leaves */
};

static struct eio_engine *engine_of(const struct eio_conn *conn)
{
    return conn->endpoint->engine;
}

/* The polling state, or NULL when a WebSocket has taken over. */
static struct eio_poll *poll_of(const struct eio_conn *conn)
{
    return conn->transport == &eio_poll_ops ? conn->wire : NULL;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static const struct eio_taker poll_taker;

static void put(struct eio_exchange **place, struct eio_exchange *x, struct eio_conn *conn)
{
    *place = x;
    x->taker = &poll_taker;
    x->ctx = conn;
}

/* The exchange leaves its place before it is answered. */
static struct eio_exchange *take(struct eio_exchange **place)
{
    struct eio_exchange *x = *place;
    *place = NULL;
    x->taker = NULL;
    return x;
}

static void answer_text(struct eio_exchange *x, const char *type, struct slice body)
{
    x->ops->answer(x, &(struct eio_answer){.status = 200, .type = type, .body = body});
}

/* Appends what is queued, as much of it as one answer may hold; returns its bytes in the queue. */
static size_t append_queued(const struct eio_conn *conn, struct buf *body)
{
    size_t taken = 0;
    for (size_t i = 0; i < EIO_POLL_PACKETS; i++) {
        const struct sio_frame *frame = eio_outbox_at(conn->outbox, i);
        if (!frame ||
            (i > 0 && body->len + eio_payload_size(frame) > engine_of(conn)->config.max_payload)) {
            break;
        }
        eio_payload_add(body, frame);
        taken += frame->len;
    }
    return taken;
}

/* Answers the held GET with what is queued. */
static void answer_get(struct eio_conn *conn)
{
    struct eio_poll *poll = conn->wire;
    struct buf body;
    buf_init(&body, UINT32_MAX); /* the queue that it is made from is bounded */
    size_t taken = append_queued(conn, &body);
    if (body.failed) {
        poll->get->ops->drop(take(&poll->get));
        eio_conn_end(conn, SIO_TRANSPORT_ERROR, 0, "out of memory");
    } else {
        answer_text(take(&poll->get), TEXT_TYPE, buf_slice(&body));
        (void)eio_conn_sent(conn, taken);
    }
    buf_deinit(&body);
}

/* ---- The transport --------------------------------------------------------------------------- */

/* Was the end the server's own wish, of which a client that is between two GETs shall hear? */
static bool is_gentle(const struct eio_conn *conn)
{
    return conn->reason == SIO_SERVER_CLOSE || conn->reason == SIO_SERVER_DISCONNECT;
}

/* Was it sent away, or did it break the protocol, which it would do again? */
static bool shall_stay_away(const struct eio_conn *conn)
{
    return conn->reason == SIO_SERVER_DISCONNECT || conn->reason == SIO_PARSE_ERROR ||
           conn->reason == SIO_TOO_LARGE || conn->reason == SIO_TRANSPORT_ERROR;
}

/* What waits when a server ends a connection by its own wish shall arrive, all of it; then the next
 * GET hears of the end. */
static bool has_last_words(const struct eio_conn *conn)
{
    return conn->outbox && is_gentle(conn);
}

/* A "1" is for clients that shall stay away: python-engineio does not come back after it.  Others
 * are told that their sid is unknown, as by any server that has lost it: all clients try again by
 * themselves then.  A "1" is never beside anything else: the official client keeps what is, and
 * gives it to its application when it has come back, behind what it was told of what it missed. */
static void answer_end(struct eio_conn *conn)
{
    struct eio_poll *poll = conn->wire;
    if (conn->outbox) {
        answer_get(conn);
    } else if (poll->bye || shall_stay_away(conn)) {
        answer_text(take(&poll->get), TEXT_TYPE, poll->bye ? SLICE("6") : SLICE("1"));
    } else {
        eio_exchange_refuse(take(&poll->get), EIO_UNKNOWN_SID);
    }
    conn->finished = !conn->outbox; /* else the rest waits for a GET, for a moment */
}

static void flush_one(struct eio_conn *conn)
{
    struct eio_poll *poll = conn->wire;
    if (!poll->get) {
        return;
    }
    if (conn->state == EIO_STATE_CLOSING && !has_last_words(conn)) {
        answer_end(conn);
    } else if (conn->outbox) {
        answer_get(conn);
    } else if (poll->probed) {
        answer_text(take(&poll->get), TEXT_TYPE, SLICE("6"));
    }
}

static void poll_flush(struct eio_conn *const *conns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        flush_one(conns[i]);
    }
}

static void drop_probe(struct eio_poll *poll)
{
    if (poll->probe) {
        void *wire = poll->probe;
        eio_poll_probe_gone(poll->conn);
        poll->probe_ops->probe_drop(wire);
    }
}

static void poll_close(struct eio_conn *conn, uint16_t code, uint64_t now_us)
{
    struct eio_poll *poll = conn->wire;
    (void)code; /* of WebSocket */
    if (!poll->probed || !is_gentle(conn)) {
        drop_probe(poll);
    }
    if (poll->get && !has_last_words(conn)) {
        return; /* the flush that follows answers it */
    }
    if (is_gentle(conn)) {
        eio_deadline_start(&engine_of(conn)->lingers, &conn->limit, now_us);
    } else {
        conn->finished = true;
    }
}

static void poll_kill(struct eio_conn *conn)
{
    struct eio_poll *poll = conn->wire;
    if (poll->get) {
        struct eio_exchange *get = take(&poll->get);
        get->ops->drop(get);
    }
    conn->finished = true;
    eio_conn_touch(conn);
}

/* Exchanges that still arrive find that nobody is there. */
static void poll_release(struct eio_conn *conn)
{
    struct eio_poll *poll = conn->wire;
    if (poll->get) {
        eio_exchange_refuse(take(&poll->get), EIO_UNKNOWN_SID);
    }
    if (poll->post) {
        (void)take(&poll->post);
    }
    drop_probe(poll);
    eio_deadline_stop(&poll->upgrade);
    free(poll);
    conn->wire = NULL;
    engine_of(conn)->stats.polling--;
}

const struct eio_transport_ops eio_poll_ops = {
    .flush = poll_flush, .close = poll_close, .kill = poll_kill, .release = poll_release};

struct eio_conn *eio_poll_open(struct eio_endpoint *endpoint, void *data, struct eio_exchange *x,
                               uint64_t now_us)
{
    struct eio_poll *poll = calloc(1, sizeof *poll);
    struct eio_conn *conn = poll ? eio_conn_new(endpoint, &eio_poll_ops, data) : NULL;
    struct eio_sid *sid = conn ? eio_sids_add(&endpoint->engine->sids, conn) : NULL;
    if (!sid) {
        free(conn);
        free(poll);
        return NULL;
    }
    poll->conn = conn;
    put(&poll->get, x, conn);
    conn->wire = poll;
    conn->sid = sid;
    endpoint->engine->stats.polling++;
    eio_conn_opened(conn, now_us);
    return conn;
}

bool eio_poll_is_polling(const struct eio_conn *conn)
{
    return poll_of(conn) != NULL;
}

/* ---- Requests that name the connection ------------------------------------------------------- */

void eio_poll_get(struct eio_conn *conn, struct eio_exchange *x)
{
    struct eio_poll *poll = poll_of(conn);
    if (!poll) {
        eio_exchange_refuse(x, EIO_BAD_REQUEST);
        return;
    }
    if (poll->get) {
        answer_text(take(&poll->get), TEXT_TYPE, SLICE("1"));
        eio_exchange_refuse(x, EIO_BAD_REQUEST);
        eio_conn_end(conn, SIO_TRANSPORT_ERROR, 0, "two GETs at once");
        return;
    }
    put(&poll->get, x, conn);
    eio_conn_touch(conn);
}

void eio_poll_post(struct eio_conn *conn, struct eio_exchange *x)
{
    struct eio_poll *poll = poll_of(conn);
    if (!poll || !eio_conn_is_open(conn)) {
        eio_exchange_refuse(x, poll ? EIO_UNKNOWN_SID : EIO_BAD_REQUEST);
        return;
    }
    if (poll->post) {
        struct eio_exchange *first = take(&poll->post);
        first->ops->drop(first);
        eio_exchange_refuse(x, EIO_BAD_REQUEST);
        eio_conn_end(conn, SIO_TRANSPORT_ERROR, 0, "two POSTs at once");
        return;
    }
    put(&poll->post, x, conn);
}

/* A WebSocket's text has been looked at by then. */
static void take_record(struct eio_conn *conn, struct slice record, uint64_t now_us)
{
    if (utf8_valid(record)) {
        eio_conn_text(conn, record, now_us);
    } else {
        eio_conn_end(conn, SIO_PARSE_ERROR, 0, "no UTF-8");
    }
}

static bool was_refused(const struct eio_conn *conn)
{
    return !eio_conn_is_open(conn) &&
           (conn->reason == SIO_PARSE_ERROR || conn->reason == SIO_TOO_LARGE);
}

static void on_body(struct eio_exchange *x, struct slice body, uint64_t now_us)
{
    struct eio_conn *conn = x->ctx;
    struct eio_poll *poll = conn->wire;
    struct eio_payload payload = eio_payload_of(body);
    struct slice record;
    (void)take(&poll->post);
    if (!eio_conn_is_open(conn)) {
        eio_exchange_refuse(x, EIO_UNKNOWN_SID);
        return;
    }
    while (eio_conn_is_open(conn) && eio_payload_next(&payload, &record)) {
        poll->bye = slice_equal(record, SLICE("1"));
        take_record(conn, record, now_us);
    }
    if (was_refused(conn)) {
        eio_exchange_refuse(x, EIO_BAD_REQUEST);
    } else {
        answer_text(x, "text/html", SLICE("ok"));
    }
}

/* Without an answer to a GET that it aborts, a client no longer knows what it has missed. */
static void on_gone(struct eio_exchange *x)
{
    struct eio_conn *conn = x->ctx;
    struct eio_poll *poll = conn->wire;
    (void)take(x == poll->get ? &poll->get : &poll->post);
    eio_conn_end(conn, SIO_TRANSPORT_CLOSE, 0, NULL);
}

static const struct eio_taker poll_taker = {.body = on_body, .gone = on_gone};

/* ---- The WebSocket that wants to take over --------------------------------------------------- */

bool eio_poll_may_probe(const struct eio_conn *conn)
{
    const struct eio_poll *poll = poll_of(conn);
    return poll && !poll->probe && eio_conn_is_open(conn) && engine_of(conn)->config.allow_upgrades;
}

void eio_poll_probe_opened(struct eio_conn *conn, const struct eio_transport_ops *ops, void *wire,
                           uint64_t now_us)
{
    struct eio_poll *poll = conn->wire;
    poll->probe_ops = ops;
    poll->probe = wire;
    eio_deadline_start(&engine_of(conn)->upgrades, &poll->upgrade, now_us);
}

void eio_poll_probe_gone(struct eio_conn *conn)
{
    struct eio_poll *poll = conn->wire;
    eio_deadline_stop(&poll->upgrade);
    poll->probe = NULL;
    poll->probed = false;
}

bool eio_poll_is_probe(const struct eio_conn *conn, const void *wire)
{
    const struct eio_poll *poll = poll_of(conn);
    return poll && poll->probe == wire;
}

void eio_poll_probe_late(struct eio_deadline *upgrade)
{
    drop_probe((struct eio_poll *)(void *)((char *)upgrade - offsetof(struct eio_poll, upgrade)));
}

static void say_probed(struct eio_conn *conn, struct eio_poll *poll)
{
    struct slice text = SLICE("3probe");
    struct sio_frame *frame = sio_frame_new(WS_TEXT, &text, 1);
    poll->probe_ops->probe_send(poll->probe, frame);
    sio_frame_unref(frame);
    poll->probed = true;
    eio_conn_touch(conn);
}

static bool may_take_over(const struct eio_conn *conn)
{
    return eio_conn_is_open(conn) || is_gentle(conn);
}

/* The WebSocket is the transport now; one that has been closed meanwhile is closed there. */
static void take_over(struct eio_conn *conn, struct eio_poll *poll, uint64_t now_us)
{
    const struct eio_transport_ops *ops = poll->probe_ops;
    void *wire = poll->probe;
    if (poll->get) {
        answer_text(take(&poll->get), TEXT_TYPE, SLICE("6"));
    }
    eio_poll_probe_gone(conn);
    poll_release(conn);
    eio_conn_switch(conn, ops, wire);
    engine_of(conn)->stats.upgraded++;
    if (conn->state == EIO_STATE_CLOSING) {
        eio_deadline_start(&engine_of(conn)->closings, &conn->limit, now_us);
        ops->close(conn, conn->close_code, now_us);
    }
}

void eio_poll_probe_text(struct eio_conn *conn, struct slice packet, uint64_t now_us)
{
    struct eio_poll *poll = conn->wire;
    if (slice_equal(packet, SLICE("2probe"))) {
        say_probed(conn, poll);
    } else if (slice_equal(packet, SLICE("5")) && may_take_over(conn)) {
        take_over(conn, poll, now_us);
    } else {
        drop_probe(poll);
    }
}
