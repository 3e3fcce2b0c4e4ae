/* eio_listener.h - the ports, and what answers on them */
#ifndef PARLEY_EIO_LISTENER_H
#define PARLEY_EIO_LISTENER_H

#include "gateway-svc/socketio/eio_engine.h"

struct ev_loop;
struct eio_listener;
struct eio_tunnels;

/* `handler` (`allow`, `http` and `find`) and `app` are borrowed.  NULL, and a line in the log, when
 * it cannot listen. */
struct eio_listener *eio_listener_new(struct ev_loop *loop, struct eio_engine *engine,
                                      const struct sio_server_handler *handler, void *app);
/* A second port that serves nothing but handler->http. */
bool eio_listener_http_port(struct eio_listener *listener, const char *host, uint16_t port);
/* WebSockets that are carried to other servers. */
struct eio_tunnels *eio_listener_tunnels(struct eio_listener *listener);
/* Closes every connection too. */
void eio_listener_free(struct eio_listener *listener);

#endif
