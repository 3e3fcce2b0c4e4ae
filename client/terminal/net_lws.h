/* net_lws.h - what the parts of the network share */
#ifndef PARLEY_TERMINAL_NET_LWS_H
#define PARLEY_TERMINAL_NET_LWS_H

#include "client/terminal/net.h"
#include <ev.h>
#include <libwebsockets.h>

#define NET_TOKEN_MAX 256
#define NET_PATH_MAX 128

struct net_http {
    struct lws *wsi; /* NULL: no request */
    net_answer_fn *fn;
    void *ctx;
    char token[NET_TOKEN_MAX + 1];
    unsigned status;
    char retry_after[16];
    struct buf body;
};

struct net_ws {
    struct lws *wsi; /* NULL: none */
    const struct net_ws_events *events;
    void *ctx;
    bool told;           /* that it is gone */
    struct buf received; /* of a message that is not whole */
    bool receiving_binary;
    struct buf queue; /* of messages: length (size_t), then LWS_PRE bytes of room, then the text */
    size_t queue_at;  /* what of it has gone out */
};

struct net {
    struct ev_loop *loop;
    struct lws_context *context;
    struct url url;
    char authority[URL_AUTHORITY_MAX + 1];
    char ca_path[1024]; /* empty: no certificates are looked at */
    char tls_fault[80]; /* what was wrong with the certificate; empty: nothing */
    ev_timer times;
    struct lws_protocols protocols[3];
    struct net_http http;
    struct net_ws ws;
};

#define NET_PROTOCOL_HTTP "parley-http"
#define NET_PROTOCOL_WS "parley-ws"

int net_on_http(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len);
int net_on_ws(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len);

/* Connects to the server for that path; `method` NULL: a WebSocket.  NULL: not even begun. */
struct lws *net_connect(struct net *net, const char *path, const char *method, struct lws **wsi);

/* Why a connection failed: what was wrong with the certificate, else `why`. */
struct slice net_fault(const struct net *net, struct slice why);

/* Ends it, whatever it is doing. */
void net_hang_up(struct lws *wsi);

#endif
