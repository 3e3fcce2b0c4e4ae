/* wire.c - the client's side of Engine.IO 4 and Socket.IO 5 */
#include "client/terminal/wire.h"
#include "gateway-svc/socketio/eio_packet.h"
#include "gateway-svc/socketio/sio_packet.h"

#define GREETING_MS 20000 /* for the greeting, and for the answer to CONNECT */
#define PING_MS_MAX 3600000u
#define SEND_MAX (1 << 20)

void wire_init(struct wire *w, const struct wire_handler *handler, void *ctx)
{
    *w = (struct wire){.handler = handler, .ctx = ctx, .state = WIRE_CLOSED};
    buf_init(&w->auth, 4096);
}

void wire_deinit(struct wire *w)
{
    buf_deinit(&w->auth);
}

void wire_open(struct wire *w, struct slice auth, uint64_t now_ms)
{
    buf_clear(&w->auth);
    buf_append(&w->auth, auth);
    w->state = WIRE_OPENING;
    w->attachments = 0;
    w->patience_ms = GREETING_MS;
    w->heard_ms = now_ms;
}

void wire_close(struct wire *w)
{
    w->state = WIRE_CLOSED;
}

uint64_t wire_due_ms(const struct wire *w)
{
    return w->state == WIRE_CLOSED ? UINT64_MAX : w->heard_ms + w->patience_ms;
}

/* ---- Engine.IO ------------------------------------------------------------------------------- */

static bool find_ms(struct json hello, struct slice key, uint64_t *out)
{
    struct json value;
    return json_find(hello, key, &value) == JSON_OK && json_u64(value, PING_MS_MAX, out) == JSON_OK;
}

static bool on_hello(struct wire *w, struct slice data)
{
    struct json hello;
    uint64_t interval_ms, timeout_ms;
    if (w->state != WIRE_OPENING || json_parse(data, &hello) != JSON_OK ||
        !find_ms(hello, SLICE("pingInterval"), &interval_ms) ||
        !find_ms(hello, SLICE("pingTimeout"), &timeout_ms)) {
        return false;
    }
    w->patience_ms = interval_ms + timeout_ms;
    w->state = WIRE_CONNECTING;
    struct buf text;
    buf_init(&text, 4100);
    buf_append(&text, SLICE("40"));
    buf_append(&text, buf_slice(&w->auth));
    w->handler->send(w->ctx, buf_slice(&text));
    buf_deinit(&text);
    return true;
}

/* The probe is none of this transport's. */
static bool on_ping(struct wire *w, struct slice data)
{
    if (data.len == 0) {
        w->handler->send(w->ctx, SLICE("3"));
    }
    return data.len == 0;
}

/* ---- Socket.IO ------------------------------------------------------------------------------- */

/* The one packet that only servers send. */
static bool on_refused(struct wire *w, struct slice data)
{
    struct json error;
    if (w->state != WIRE_CONNECTING || json_parse(slice_tail(data, 1), &error) != JSON_OK ||
        error.type != JSON_OBJECT) {
        return false;
    }
    w->state = WIRE_CLOSED;
    w->handler->refused(w->ctx, error);
    return true;
}

static bool on_connect(struct wire *w, const struct sio_packet *packet)
{
    (void)packet;
    if (w->state != WIRE_CONNECTING) {
        return false;
    }
    w->state = WIRE_ON;
    w->handler->connected(w->ctx);
    return true;
}

static bool on_disconnect(struct wire *w, const struct sio_packet *packet)
{
    (void)packet;
    w->state = WIRE_CLOSED;
    w->handler->disconnected(w->ctx);
    return true;
}

/* One with several arguments, or none, is not the chat's. */
static bool on_event(struct wire *w, const struct sio_packet *packet)
{
    struct json payload;
    if (w->state != WIRE_ON) {
        return false;
    }
    if (json_parse(packet->args, &payload) == JSON_OK) {
        w->handler->event(w->ctx, packet->name, payload);
    }
    return true;
}

static bool on_ack(struct wire *w, const struct sio_packet *packet)
{
    if (w->state != WIRE_ON || !packet->has_ack_id) {
        return false;
    }
    w->handler->ack(w->ctx, packet->ack_id, packet->payload);
    return true;
}

static bool on_attachments(struct wire *w, const struct sio_packet *packet)
{
    w->attachments = packet->attachments;
    return w->state == WIRE_ON;
}

static bool on_message(struct wire *w, struct slice data)
{
    static bool (*const reactions[SIO_PACKET_TYPES])(struct wire *, const struct sio_packet *) = {
        [SIO_PACKET_CONNECT] = on_connect,
        [SIO_PACKET_DISCONNECT] = on_disconnect,
        [SIO_PACKET_EVENT] = on_event,
        [SIO_PACKET_ACK] = on_ack,
        [SIO_PACKET_BINARY_EVENT] = on_attachments,
        [SIO_PACKET_BINARY_ACK] = on_attachments,
    };
    struct sio_packet packet;
    if (slice_starts(data, SLICE("4"))) {
        return on_refused(w, data);
    }
    if (w->attachments > 0 || sio_packet_decode(data, &packet) != SIO_PACKET_OK) {
        return false;
    }
    if (!slice_equal(packet.nsp, SLICE("/"))) {
        return packet.attachments == 0;
    }
    return reactions[packet.type](w, &packet);
}

/* ---- Both ------------------------------------------------------------------------------------ */

bool wire_text(struct wire *w, struct slice text, uint64_t now_ms)
{
    struct eio_packet packet;
    if (w->state == WIRE_CLOSED || !eio_packet_decode(text, &packet)) {
        return false;
    }
    w->heard_ms = now_ms;
    switch (packet.type) {
    case EIO_OPEN: return on_hello(w, packet.data);
    case EIO_PING: return on_ping(w, packet.data);
    case EIO_MESSAGE: return w->state != WIRE_OPENING && on_message(w, packet.data);
    case EIO_NOOP: return true;
    default: return false; /* closes, or is none that a server sends here */
    }
}

bool wire_binary(struct wire *w, uint64_t now_ms)
{
    if (w->attachments == 0) {
        return false;
    }
    w->heard_ms = now_ms;
    w->attachments--;
    return true;
}

void wire_emit(struct wire *w, uint64_t ack_id, struct slice name, struct slice payload)
{
    struct buf text;
    buf_init(&text, SEND_MAX);
    buf_append(&text, SLICE("42"));
    buf_u64(&text, ack_id);
    buf_append(&text, SLICE("["));
    json_append_string(&text, name);
    buf_append(&text, SLICE(","));
    buf_append(&text, payload);
    buf_append(&text, SLICE("]"));
    if (!text.failed) {
        w->handler->send(w->ctx, buf_slice(&text));
    }
    buf_deinit(&text);
}
