/* eio_listener.c - the ports, and what answers on them */
#include "gateway-svc/socketio/eio_listener.h"
#include "gateway-svc/socketio/eio_router.h"
#include "gateway-svc/socketio/http_port_ev.h"
#include <stdlib.h>

struct eio_listener {
    struct eio_router router;
    struct eio_tunnels tunnels;
    struct http_server clients, internal;
    struct http_port *clients_port, *internal_port;
};

struct eio_listener *eio_listener_new(struct ev_loop *loop, struct eio_engine *engine,
                                      const struct sio_server_handler *handler, void *app)
{
    struct eio_listener *l = calloc(1, sizeof *l);
    struct eio_ws *ws = l ? eio_ws_new(loop) : NULL;
    if (!ws) {
        free(l);
        return NULL;
    }
    l->router = (struct eio_router){.engine = engine, .ws = ws, .handler = handler, .app = app};
    l->tunnels.config = &engine->config;
    l->router.carrier = (struct eio_carrier){.loop = loop,
                                             .ws = ws,
                                             .config = &engine->config,
                                             .tunnels = &l->tunnels,
                                             .handler = handler,
                                             .app = app};
    l->clients = (struct http_server){.loop = loop, .serve = eio_router_serve, .ctx = &l->router};
    l->clients.refused = &engine->stats.refused[SIO_REFUSED_HTTP];
    l->internal =
        (struct http_server){.loop = loop, .serve = eio_router_serve_internal, .ctx = &l->router};
    l->clients_port = http_port_open(&l->clients, engine->config.host, engine->config.port, true);
    if (!l->clients_port) {
        eio_listener_free(l);
        return NULL;
    }
    return l;
}

bool eio_listener_http_port(struct eio_listener *listener, const char *host, uint16_t port)
{
    listener->internal_port = http_port_open(&listener->internal, host, port, false);
    return listener->internal_port != NULL;
}

struct eio_tunnels *eio_listener_tunnels(struct eio_listener *listener)
{
    return &listener->tunnels;
}

void eio_listener_free(struct eio_listener *listener)
{
    if (!listener) {
        return;
    }
    http_port_close(listener->clients_port);
    http_port_close(listener->internal_port);
    http_server_close(&listener->clients);
    http_server_close(&listener->internal);
    eio_ws_free(listener->router.ws);
    free(listener);
}
