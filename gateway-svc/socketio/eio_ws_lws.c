/* eio_ws_lws.c - the WebSocket transport */
#include "gateway-svc/socketio/eio_ws_lws.h"
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/eio_poll.h"
#include "shared/clock.h"
#include "shared/utf8.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define FRAMES_PER_SEND 64
#define FRAMES_PER_ROUND 1024
#define WS_PROTOCOL_ERROR 1002
#define WS_POLICY 1008
#define WS_NOT_UTF8 1007
#define WS_TOO_LARGE 1009
#define WS_CODE_MAX 4999

/* ---- Out ------------------------------------------------------------------------------------- */

static void hang_up(struct eio_conn *conn)
{
    /* libwebsockets finds the end of the stream, and reports it in its own time. */
    conn->blocked = true;
    (void)shutdown(lws_get_socket_fd(conn->wire), SHUT_RDWR);
}

static void wait_writable(struct eio_conn *conn)
{
    conn->blocked = true;
    lws_callback_on_writable(conn->wire);
}

/* What the kernel did not take of a frame, libwebsockets keeps and sends before anything else. */
static void leave_rest(struct eio_conn *conn, struct eio_outbox_sent sent)
{
    struct sio_frame *frame = sent.cut;
    int n = lws_write(conn->wire, frame->ws + sent.cut_at, frame->len - sent.cut_at,
                      LWS_WRITE_HTTP); /* bytes as they are */
    sio_frame_unref(frame);
    if (n < 0) {
        hang_up(conn);
        return;
    }
    wait_writable(conn);
}

/* What it asks for would only wait behind what waits already. */
static void listen_or_not(struct eio_conn *conn)
{
    bool deaf = conn->state == EIO_STATE_OPEN && eio_conn_is_clogged(conn);
    if (conn->deaf != deaf) {
        conn->deaf = deaf;
        (void)lws_rx_flow_control(conn->wire, deaf ? 0 : 1);
    }
}

/* What leaves together.  (Static, because locals are zeroed, which would cost more than a send.) */
static struct round {
    size_t count, frames;
    struct eio_conn *conns[EIO_SENDS_MAX];
    struct eio_send sends[EIO_SENDS_MAX];
    struct iovec parts[FRAMES_PER_ROUND];
} sending;

static bool has_room(const struct round *round)
{
    return round->count < EIO_SENDS_MAX && round->frames + FRAMES_PER_SEND <= FRAMES_PER_ROUND;
}

static bool can_send(struct eio_conn *conn)
{
    if (!conn->outbox || conn->blocked) {
        return false;
    }
    if (lws_partial_buffered(conn->wire)) {
        wait_writable(conn);
        return false;
    }
    return true;
}

/* Its first frames go with this round. */
static void join(struct round *round, struct eio_conn *conn)
{
    struct iovec *parts = round->parts + round->frames;
    size_t n = eio_outbox_iov(conn->outbox, parts, FRAMES_PER_SEND);
    round->conns[round->count] = conn;
    round->sends[round->count] =
        (struct eio_send){.fd = lws_get_socket_fd(conn->wire), .parts = parts, .count = n};
    round->count++;
    round->frames += n;
}

static void take_result(struct eio_conn *conn, ssize_t n)
{
    if (n == -EAGAIN || n == -EINTR) {
        wait_writable(conn);
    } else if (n < 0) {
        hang_up(conn);
    } else {
        struct eio_outbox_sent sent = eio_conn_sent(conn, (size_t)n);
        if (sent.cut) {
            leave_rest(conn, sent);
        }
    }
}

static void leave(struct round *round)
{
    eio_sends_go(round->conns[0]->endpoint->engine->sends, round->sends, round->count);
    for (size_t i = 0; i < round->count; i++) {
        take_result(round->conns[i], round->sends[i].sent);
    }
    round->count = round->frames = 0;
}

/* Of as many as have room in it; false when there is nothing that could leave. */
static bool send_round(struct eio_conn *const *conns, size_t count)
{
    for (size_t i = 0; i < count && has_room(&sending); i++) {
        if (can_send(conns[i])) {
            join(&sending, conns[i]);
        }
    }
    if (sending.count == 0) {
        return false;
    }
    leave(&sending);
    return true;
}

static void ws_flush(struct eio_conn *const *conns, size_t count)
{
    while (send_round(conns, count)) {
    }
    for (size_t i = 0; i < count; i++) {
        listen_or_not(conns[i]);
    }
}

static void ws_close(struct eio_conn *conn, uint16_t code, uint64_t now_us)
{
    (void)now_us;
    struct sio_frame *frame = sio_frame_close(code);
    eio_conn_queue(conn, frame);
    sio_frame_unref(frame);
}

/* ---- A WebSocket that is not the transport yet ----------------------------------------------- */

static void probe_send(void *wire, struct sio_frame *frame)
{
    (void)lws_write(wire, frame->ws, frame->len, LWS_WRITE_HTTP); /* bytes as they are */
}

static void probe_drop(void *wire)
{
    eio_ws_let_go(wire, 0, false);
}

const struct eio_transport_ops eio_ws_ops = {.flush = ws_flush,
                                             .close = ws_close,
                                             .kill = hang_up,
                                             .probe_send = probe_send,
                                             .probe_drop = probe_drop};

/* ---- In -------------------------------------------------------------------------------------- */

static void deliver(struct eio_conn *conn, struct slice message, bool binary)
{
    uint64_t now_us = clock_mono_us();
    if (binary) {
        eio_conn_binary(conn, message, now_us);
    } else if (utf8_valid(message)) {
        eio_conn_text(conn, message, now_us);
    } else {
        eio_conn_end(conn, SIO_PARSE_ERROR, WS_NOT_UTF8, "text is not UTF-8");
    }
}

static void forget_parts(struct eio_conn *conn)
{
    if (conn->rx) {
        buf_deinit(conn->rx);
        free(conn->rx);
        conn->rx = NULL;
    }
    conn->fragments = 0;
}

static bool keep_part(struct eio_conn *conn, struct slice part)
{
    if (!conn->rx) {
        conn->rx = malloc(sizeof *conn->rx);
        if (!conn->rx) {
            return false;
        }
        buf_init(conn->rx, conn->endpoint->engine->config.max_payload);
    }
    return buf_append(conn->rx, part);
}

/* Are the limits kept?  The length that a frame announces counts before its bytes have come. */
static bool check_limits(struct eio_conn *conn, size_t len, size_t announced)
{
    const struct sio_config *config = &conn->endpoint->engine->config;
    size_t left = config->max_payload - (conn->rx ? conn->rx->len : 0);
    if (len > left || announced > left - len) {
        eio_conn_end(conn, SIO_TOO_LARGE, WS_TOO_LARGE, "message above max_payload");
        return false;
    }
    if (announced == 0 && ++conn->fragments > config->max_fragments) {
        eio_conn_end(conn, SIO_TOO_LARGE, WS_POLICY, "message in too many fragments");
        return false;
    }
    return true;
}

/* A piece of a message: a frame, or what one read of it brought. */
static void on_receive(struct eio_conn *conn, struct slice part)
{
    struct lws *wsi = conn->wire;
    if (!eio_conn_is_open(conn) ||
        !check_limits(conn, part.len, lws_remaining_packet_payload(wsi))) {
        forget_parts(conn);
        return;
    }
    if (lws_remaining_packet_payload(wsi) > 0) {
        eio_ws_read_on(wsi, conn->rx ? conn->rx->len : 0, part.len);
    }
    bool last = lws_is_final_fragment(wsi) != 0;
    if (last && !conn->rx) {
        conn->fragments = 0;
        deliver(conn, part, lws_frame_is_binary(wsi) != 0);
        return;
    }
    if (!keep_part(conn, part)) {
        eio_conn_end(conn, SIO_TOO_LARGE, WS_TOO_LARGE, "no memory for the message");
    } else if (last) {
        deliver(conn, buf_slice(conn->rx), lws_frame_is_binary(wsi) != 0);
    }
    if (last) {
        forget_parts(conn);
    }
}

static void on_gone(struct eio_conn *conn)
{
    lws_set_opaque_user_data(conn->wire, NULL);
    eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
}

/* What libwebsockets lets pass: half a code, codes that nobody may send, and reasons that are no
 * text. */
static uint16_t close_fault(struct slice payload)
{
    const unsigned char *b = (const unsigned char *)payload.ptr;
    if (payload.len < 2) {
        return payload.len == 0 ? 0 : WS_PROTOCOL_ERROR;
    }
    if ((b[0] << 8 | b[1]) > WS_CODE_MAX) {
        return WS_PROTOCOL_ERROR;
    }
    return utf8_valid(slice_tail(payload, 2)) ? 0 : WS_NOT_UTF8;
}

bool eio_ws_refuse_close(struct lws *wsi, struct slice payload)
{
    uint16_t code = close_fault(payload);
    if (code == 0) {
        return false;
    }
    struct sio_frame *frame = sio_frame_close(code);
    (void)lws_write(wsi, frame->ws, frame->len, LWS_WRITE_HTTP); /* bytes as they are */
    sio_frame_unref(frame);
    return true;
}

/* The peer wants to close.  Nonzero hangs up at once; else libwebsockets answers its close. */
static int on_peer_close(struct eio_conn *conn, struct slice payload)
{
    struct lws *wsi = conn->wire;
    if (conn->state == EIO_STATE_CLOSING) {
        return -1; /* the answer to ours, which must not be answered in turn */
    }
    ws_flush(&conn, 1); /* what answers messages that came just before */
    on_gone(conn);
    return eio_ws_refuse_close(wsi, payload) ? -1 : 0;
}

/* Its messages are a few bytes long; whatever is not one such text is none that may come now. */
static void on_probe_receive(struct eio_conn *conn, struct lws *wsi, struct slice part)
{
    bool whole = lws_is_first_fragment(wsi) && lws_is_final_fragment(wsi) &&
                 !lws_frame_is_binary(wsi) && lws_remaining_packet_payload(wsi) == 0;
    eio_poll_probe_text(conn, whole ? part : SLICE(""), clock_mono_us());
}

static int on_probe(struct eio_conn *conn, struct lws *wsi, enum lws_callback_reasons why,
                    struct slice in)
{
    switch ((int)why) {
    case LWS_CALLBACK_RECEIVE: on_probe_receive(conn, wsi, in); break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        eio_poll_probe_gone(conn);
        break;
    default: break;
    }
    return 0;
}

static int on_callback(void *ctx, struct lws *wsi, enum lws_callback_reasons why, void *in,
                       size_t len)
{
    struct eio_conn *conn = ctx;
    if (eio_poll_is_probe(conn, wsi)) {
        return on_probe(conn, wsi, why, (struct slice){in, len});
    }
    switch ((int)why) {
    case LWS_CALLBACK_RECEIVE: on_receive(conn, (struct slice){in, len}); break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        conn->blocked = false;
        ws_flush(&conn, 1);
        break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return on_peer_close(conn, (struct slice){in, len});
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: on_gone(conn); break;
    default: break;
    }
    return 0;
}

static void on_opened(void *ctx, struct lws *wsi)
{
    struct eio_conn *conn = ctx;
    conn->wire = wsi;
    eio_conn_opened(conn, clock_mono_us());
    ws_flush(&conn, 1); /* the hello leaves with the 101 */
}

static void on_probe_opened(void *ctx, struct lws *wsi)
{
    eio_poll_probe_opened(ctx, &eio_ws_ops, wsi, clock_mono_us());
}

const struct eio_ws_owner eio_ws_transport = {.opened = on_opened, .callback = on_callback};
const struct eio_ws_owner eio_ws_probe = {.opened = on_probe_opened, .callback = on_callback};
