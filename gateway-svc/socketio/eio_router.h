/* eio_router.h - what an HTTP request wants: handshakes, polls, upgrades, files */
#ifndef PARLEY_EIO_ROUTER_H
#define PARLEY_EIO_ROUTER_H

#include "gateway-svc/socketio/eio_carry_ev.h"
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/eio_exchange.h"

struct eio_router {
    struct eio_engine *engine;
    struct eio_ws *ws;
    const struct sio_server_handler *handler;
    void *app;
    struct eio_carrier carrier;
    struct log_limit refusals;
};

/* A request to the port for clients, or to the one that serves nothing but handler->http.  For
 * struct http_server; `router` is a struct eio_router. */
void eio_router_serve(void *router, const struct http_request *http, int fd,
                      struct eio_exchange *x);
void eio_router_serve_internal(void *router, const struct http_request *http, int fd,
                               struct eio_exchange *x);

#endif
