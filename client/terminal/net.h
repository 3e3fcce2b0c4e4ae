/* net.h - the network as the program sees it: one request over HTTP, and one WebSocket, at a time
 *
 * Over libwebsockets on the program's loop.  Host names are looked up while everything else waits.
 * With https the certificate must be trusted and be for that host. */
#ifndef PARLEY_TERMINAL_NET_H
#define PARLEY_TERMINAL_NET_H

#include "client/terminal/url.h"
#include "shared/buf.h"

#define NET_BODY_MAX 65536        /* bytes of an answer */
#define NET_MESSAGE_MAX 1100000   /* of a message that comes */
#define NET_QUEUE_MAX (16u << 20) /* of messages that wait to go out */

struct ev_loop;
struct net;

/* `cafile`: certificates to be trusted, instead of the system's; NULL for these.  `url` is copied.
 * NULL when there is no libwebsockets to be had, or the file cannot be used (*why says it). */
struct net *net_new(struct ev_loop *loop, const struct url *url, const char *cafile,
                    const char **why);
void net_free(struct net *net);

/* ---- HTTP (http_lws.c) ---- */

struct net_answer {
    unsigned status; /* 0: there was none; `body` then says why, in libwebsockets' words */
    struct slice retry_after;
    struct slice body;
};
typedef void net_answer_fn(void *ctx, const struct net_answer *answer);

/* GETs the path, with the token as Authorization if there is one; the answer comes once, from the
 * loop.  One at a time. */
void net_get(struct net *net, const char *path, const char *token, net_answer_fn *fn, void *ctx);

/* ---- The WebSocket (ws_lws.c) ---- */

struct net_ws_events {
    void (*opened)(void *ctx);
    void (*text)(void *ctx, struct slice text);
    void (*binary)(void *ctx);
    void (*closed)(void *ctx, struct slice why); /* or none came about */
};

/* One at a time; what becomes of it is told from the loop. */
void net_ws_connect(struct net *net, const struct net_ws_events *events, void *ctx);
void net_ws_send(struct net *net, struct slice text);
/* Hangs up, if there is one; nothing more is told of it. */
void net_ws_close(struct net *net);

#endif
