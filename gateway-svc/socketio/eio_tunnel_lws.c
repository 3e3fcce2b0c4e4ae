/* eio_tunnel_lws.c - a client's WebSocket whose connection another server has */
#include "gateway-svc/socketio/eio_tunnel_lws.h"
#include "gateway-svc/socketio/sio_frame.h"
#include "shared/must.h"
#include <stdlib.h>
#include <unistd.h>

#define WS_GOING_AWAY 1001
#define WS_TOO_LARGE 1009
#define WS_POLICY 1008
#define MASK_BYTES 4
#define FRAME_HEAD_MAX (WS_HEADER_MAX + MASK_BYTES)
#define MASKED 0x80
#define OPCODE 0x0f
#define HOLD_BACK ((size_t)256 << 10) /* waiting for the other server */
#define OUT_MAX ((size_t)256 << 20)   /* one frame of the other server's: its queue is bounded */

struct tunnel {
    struct eio_tunnels *all;
    struct tunnel *next, *previous;
    struct lws *wsi;
    struct eio_upstream *up; /* NULL: the client has closed, and libwebsockets is about to */
    struct buf in;           /* of the client's message, what has come */
    struct buf out;          /* from the other server, what is no whole frame yet */
    uint32_t fragments;
    bool held_back; /* the other server is slow: so is the client made */
    bool closing;   /* its close was passed on: what the client closes with now is the answer */
};

static struct tunnel *tunnel_new(struct eio_tunnels *all, struct eio_upstream *up)
{
    struct tunnel *t = must(calloc(1, sizeof *t));
    t->all = all;
    t->up = up;
    t->next = all->first;
    if (t->next) {
        t->next->previous = t;
    }
    all->first = t;
    all->count++;
    buf_init(&t->in, all->config->max_payload);
    buf_init(&t->out, OUT_MAX);
    return t;
}

static void tunnel_free(struct tunnel *t)
{
    *(t->previous ? &t->previous->next : &t->all->first) = t->next;
    if (t->next) {
        t->next->previous = t->previous;
    }
    t->all->count--;
    buf_deinit(&t->in);
    buf_deinit(&t->out);
    free(t);
}

/* ---- To the other server --------------------------------------------------------------------- */

/* A client's frame as a server expects it: masked, with a mask that changes nothing. */
static bool send_frame(struct tunnel *t, enum ws_opcode opcode, struct slice payload)
{
    unsigned char head[FRAME_HEAD_MAX] = {0};
    size_t size = ws_header_write(head, opcode, payload.len) + MASK_BYTES;
    head[1] |= MASKED;
    return eio_upstream_write(t->up, (struct slice){(char *)head, size}) &&
           eio_upstream_write(t->up, payload);
}

/* RFC 6455, 7.4: those that may stand in a close frame. */
static bool may_be_sent(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* Says goodbye behind all that the client has sent. */
static void leave(struct tunnel *t, uint16_t code)
{
    char payload[2] = {(char)(code >> 8), (char)code};
    if (t->up) {
        (void)send_frame(t, WS_CLOSE, (struct slice){payload, may_be_sent(code) ? 2 : 0});
        eio_upstream_finish(t->up, EIO_UPSTREAM_FINISH_S);
        t->up = NULL;
    }
}

static void end(struct tunnel *t, uint16_t code)
{
    leave(t, code);
    eio_ws_let_go(t->wsi, code, t->closing);
    tunnel_free(t);
}

/* ---- From the other server ------------------------------------------------------------------- */

/* Bytes of the frame at the start of `bytes`, header included, or 0 while that is not known. */
static size_t frame_size(struct slice bytes)
{
    const unsigned char *b = (const unsigned char *)bytes.ptr;
    if (bytes.len < 2) {
        return 0;
    }
    size_t wide = b[1] == 127 ? 8 : b[1] == 126 ? 2 : 0;
    uint64_t len = wide ? 0 : b[1];
    if (bytes.len < 2 + wide) {
        return 0;
    }
    for (size_t i = 0; i < wide; i++) {
        len = len << 8 | b[2 + i];
    }
    return 2 + wide + (len < OUT_MAX ? (size_t)len : OUT_MAX); /* more never comes whole */
}

/* Bytes of whole frames at the start: only those are sent, so that libwebsockets may answer a ping
 * of the client's in between.  Notes a close among them. */
static size_t whole_frames(struct tunnel *t)
{
    struct slice bytes = buf_slice(&t->out);
    size_t at = 0;
    for (;;) {
        size_t size = frame_size(slice_tail(bytes, at));
        if (size == 0 || size > bytes.len - at) {
            return at;
        }
        t->closing = t->closing || (bytes.ptr[at] & OPCODE) == WS_CLOSE;
        at += size;
    }
}

static void send_frames(struct tunnel *t)
{
    size_t n = whole_frames(t);
    if (n > 0 && lws_write(t->wsi, (unsigned char *)t->out.ptr, n, LWS_WRITE_HTTP) < 0) {
        end(t, 0); /* ..._HTTP: bytes as they are */
        return;
    }
    buf_consume(&t->out, n);
    if (t->out.len == 0) {
        buf_deinit(&t->out); /* it may be idle for long */
    }
    if (lws_partial_buffered(t->wsi)) { /* the client is slow: so are we */
        eio_upstream_pause(t->up, true);
        lws_callback_on_writable(t->wsi);
    }
}

static void on_data(void *ctx, struct slice bytes)
{
    struct tunnel *t = ctx;
    if (!buf_append(&t->out, bytes)) {
        end(t, 0);
        return;
    }
    send_frames(t);
}

static void on_closed(void *ctx)
{
    struct tunnel *t = ctx;
    t->up = NULL;
    end(t, 0);
}

/* The other server has taken all that the client sent. */
static void on_drained(void *ctx)
{
    struct tunnel *t = ctx;
    if (t->held_back) {
        t->held_back = false;
        (void)lws_rx_flow_control(t->wsi, 1);
    }
}

/* ---- From the client ------------------------------------------------------------------------- */

static void send_message(struct tunnel *t, struct slice message, bool binary)
{
    if (!send_frame(t, binary ? WS_BINARY : WS_TEXT, message)) {
        eio_upstream_close(t->up); /* no memory; a frame may be cut, and nothing can follow it */
        t->up = NULL;
        end(t, WS_TOO_LARGE);
        return;
    }
    buf_deinit(&t->in);
    if (eio_upstream_waiting(t->up) > HOLD_BACK) {
        t->held_back = true;
        (void)lws_rx_flow_control(t->wsi, 0);
    }
}

/* A piece of a message: a frame, or what one read of it brought.  The length that a frame announces
 * counts before its bytes have come. */
static void on_receive(struct tunnel *t, struct slice part)
{
    size_t announced = lws_remaining_packet_payload(t->wsi);
    size_t left = t->all->config->max_payload - t->in.len;
    if (part.len > left || announced > left - part.len) {
        end(t, WS_TOO_LARGE);
        return;
    }
    if (announced == 0 && ++t->fragments > t->all->config->max_fragments) {
        end(t, WS_POLICY);
        return;
    }
    if (announced > 0) {
        eio_ws_read_on(t->wsi, t->in.len, part.len);
    }
    bool last = lws_is_final_fragment(t->wsi) != 0;
    if ((!last || t->in.len > 0) && !buf_append(&t->in, part)) {
        end(t, WS_TOO_LARGE);
        return;
    }
    if (last) {
        t->fragments = 0;
        send_message(t, t->in.len > 0 ? buf_slice(&t->in) : part, lws_frame_is_binary(t->wsi) != 0);
    }
}

/* Nonzero hangs up at once; else libwebsockets answers its close. */
static int on_peer_close(struct tunnel *t, struct slice payload)
{
    const unsigned char *b = (const unsigned char *)payload.ptr;
    int code = payload.len < 2 ? 0 : b[0] << 8 | b[1];
    leave(t, (uint16_t)code);
    return t->closing || eio_ws_refuse_close(t->wsi, payload) ? -1 : 0;
}

static int on_callback(void *ctx, struct lws *wsi, enum lws_callback_reasons why, void *in,
                       size_t len)
{
    struct tunnel *t = ctx;
    (void)wsi;
    switch ((int)why) {
    case LWS_CALLBACK_RECEIVE:
        if (t->up) {
            on_receive(t, (struct slice){in, len});
        }
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (t->up) {
            eio_upstream_pause(t->up, false);
        }
        break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return on_peer_close(t, (struct slice){in, len});
    case LWS_CALLBACK_CLOSED: leave(t, 0); break;
    case LWS_CALLBACK_WSI_DESTROY: /* the last one */
        leave(t, 0);
        tunnel_free(t);
        break;
    default: break;
    }
    return 0;
}

/* ---- Both ------------------------------------------------------------------------------------ */

size_t eio_tunnel_max_waiting(const struct sio_config *config)
{
    /* What holds the client back, the message that made it so, and the close. */
    return HOLD_BACK + config->max_payload + (size_t)3 * FRAME_HEAD_MAX;
}

static void on_opened(void *ctx, struct lws *wsi)
{
    static const struct eio_upstream_handler handler = {
        .data = on_data, .closed = on_closed, .drained = on_drained};
    struct tunnel *t = ctx;
    t->wsi = wsi;
    eio_upstream_hand_over(t->up, &handler, t);
    send_frames(t); /* what came early */
}

void eio_tunnel_open(struct eio_ws *ws, struct eio_tunnels *tunnels,
                     const struct eio_ws_client *client, struct eio_upstream *up,
                     struct slice early)
{
    static const struct eio_ws_owner owner = {.opened = on_opened, .callback = on_callback};
    struct tunnel *t = tunnel_new(tunnels, up);
    bool kept = buf_append(&t->out, early);
    if (!kept) {
        close(client->fd);
    }
    if (!kept || !eio_ws_accept(ws, client, &owner, t)) {
        leave(t, 0);
        tunnel_free(t);
    } /* else it may have ended already, from inside */
}

void eio_tunnels_close(struct eio_tunnels *tunnels, size_t count)
{
    for (; count > 0 && tunnels->first; count--) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the first in the list has none before it */
        end(tunnels->first, WS_GOING_AWAY);
    }
}
