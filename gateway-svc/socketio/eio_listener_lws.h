/* eio_listener_lws.h - the ports: HTTP as libwebsockets reads it, up to the WebSocket handshake
 *
 * What the public interface of libwebsockets cannot see, and therefore is not refused: frames that
 * a client did not mask. */
#ifndef PARLEY_EIO_LISTENER_LWS_H
#define PARLEY_EIO_LISTENER_LWS_H

#include "gateway-svc/socketio/eio_engine.h"

struct ev_loop;
struct eio_listener;

/* `handler` (`allow` and `http`) and `app` are borrowed.  NULL, and a line in the log, when it
 * cannot listen. */
struct eio_listener *eio_listener_new(struct ev_loop *loop, struct eio_engine *engine,
                                      const struct sio_server_handler *handler, void *app);
/* A second port that serves nothing but handler->http. */
bool eio_listener_http_port(struct eio_listener *listener, const char *host, uint16_t port);
/* Closes every connection too. */
void eio_listener_free(struct eio_listener *listener);

#endif
