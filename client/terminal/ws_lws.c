/* ws_lws.c - the WebSocket */
#include "client/terminal/net_lws.h"
#include <string.h>

#define WS_PATH "/socket.io/?EIO=4&transport=websocket"

/* ---- Out ------------------------------------------------------------------------------------- */

void net_ws_send(struct net *net, struct slice text)
{
    static const char room[LWS_PRE];
    struct net_ws *ws = &net->ws;
    if (!ws->wsi) {
        return;
    }
    buf_append(&ws->queue, (struct slice){(const char *)&text.len, sizeof text.len});
    buf_append(&ws->queue, (struct slice){room, sizeof room});
    buf_append(&ws->queue, text);
    lws_callback_on_writable(ws->wsi);
}

/* A message that does not fit would leave a hole. */
static int send_next(struct net_ws *ws)
{
    size_t len;
    if (ws->queue.failed) {
        return -1;
    }
    if (ws->queue_at == ws->queue.len) {
        return 0;
    }
    memcpy(&len, ws->queue.ptr + ws->queue_at, sizeof len);
    char *text = ws->queue.ptr + ws->queue_at + sizeof len + LWS_PRE;
    if (lws_write(ws->wsi, (unsigned char *)text, len, LWS_WRITE_TEXT) < 0) {
        return -1;
    }
    ws->queue_at += sizeof len + LWS_PRE + len;
    if (ws->queue_at < ws->queue.len) {
        lws_callback_on_writable(ws->wsi);
    } else {
        buf_clear(&ws->queue);
        ws->queue_at = 0;
    }
    return 0;
}

/* ---- In -------------------------------------------------------------------------------------- */

static int on_receive(struct net_ws *ws, struct lws *wsi, struct slice part)
{
    if (lws_is_first_fragment(wsi)) {
        buf_clear(&ws->received);
        ws->receiving_binary = lws_frame_is_binary(wsi) != 0;
    }
    if (!buf_append(&ws->received, part)) {
        return -1;
    }
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0) {
        return 0;
    }
    if (ws->receiving_binary) {
        ws->events->binary(ws->ctx);
    } else {
        ws->events->text(ws->ctx, buf_slice(&ws->received));
    }
    return 0;
}

static void forget(struct net_ws *ws)
{
    if (ws->wsi) {
        lws_set_opaque_user_data(ws->wsi, NULL);
    }
    ws->wsi = NULL;
    buf_clear(&ws->queue);
    buf_clear(&ws->received);
    ws->queue_at = 0;
}

static void on_gone(struct net_ws *ws, struct slice why)
{
    forget(ws);
    ws->told = true;
    if (ws->events) {
        ws->events->closed(ws->ctx, why);
    }
}

int net_on_ws(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
    struct net *net = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    (void)user;
    if (!net) {
        return 0;
    }
    switch ((int)why) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED: net->ws.events->opened(net->ws.ctx); break;
    case LWS_CALLBACK_CLIENT_WRITEABLE: return send_next(&net->ws);
    case LWS_CALLBACK_CLIENT_RECEIVE: return on_receive(&net->ws, wsi, (struct slice){in, len});
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_gone(&net->ws, net_fault(net, (struct slice){in, len}));
        break;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: on_gone(&net->ws, SLICE("")); break;
    default: break;
    }
    return 0;
}

/* ---- Both ------------------------------------------------------------------------------------ */

void net_ws_connect(struct net *net, const struct net_ws_events *events, void *ctx)
{
    net_ws_close(net);
    net->ws.events = events;
    net->ws.ctx = ctx;
    net->ws.told = false;
    struct lws *wsi = net_connect(net, WS_PATH, NULL, &net->ws.wsi);
    if (!wsi && !net->ws.told) { /* libwebsockets may have said so by a callback, or not */
        net->ws.wsi = NULL;
        on_gone(&net->ws, SLICE(""));
    }
}

void net_ws_close(struct net *net)
{
    struct lws *wsi = net->ws.wsi;
    forget(&net->ws);
    if (wsi) {
        net_hang_up(wsi);
    }
}
