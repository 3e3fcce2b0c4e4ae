/* eio_carry_ev.h - requests for a connection that another server has are carried to it
 *
 * The sid names the server; the application knows where that is (sio.h, `find`).  The request is
 * asked there again, and the answer comes back byte for byte; when the client hangs up, so do we.
 * A WebSocket that the other server accepts is accepted here too, and becomes a tunnel
 * (eio_tunnel_lws.h).  So no load balancer has to send a client to the same server twice. */
#ifndef PARLEY_EIO_CARRY_EV_H
#define PARLEY_EIO_CARRY_EV_H

#include "gateway-svc/socketio/eio_exchange.h"
#include "gateway-svc/socketio/eio_tunnel_lws.h"
#include "gateway-svc/socketio/eio_ws_lws.h"
#include "gateway-svc/socketio/sio.h"

/* What carries, in the request that we make: it is not carried on. */
#define EIO_CARRIED_HEADER "X-Parley-Carried"
/* In the answer to a polling handshake: the node that the sid begins with. */
#define EIO_NODE_HEADER "X-Parley-Node"

struct eio_carrier { /* borrowed for as long as there are requests that it carries */
    struct ev_loop *loop;
    struct eio_ws *ws;
    const struct sio_config *config;
    struct eio_tunnels *tunnels;              /* that WebSockets become */
    const struct sio_server_handler *handler; /* has `find` */
    void *app;
    double answer_s; /* for the other server to answer what it need not hold; 0: that below */
};
#define EIO_CARRY_ANSWER_S 10.0

/* `head` is the request to make, without the empty line at its end; copied.  `x` is answered, by
 * the time this returns or later: with "unknown sid" when there is no such node, or it does not
 * answer, or not with HTTP and a Content-Length. */
void eio_carry_get(const struct eio_carrier *carrier, struct slice node, struct eio_exchange *x,
                   struct slice head);
/* The same with a body, which the caller has told `x` to expect. */
void eio_carry_post(const struct eio_carrier *carrier, struct slice node, struct eio_exchange *x,
                    struct slice head);
/* A request for a WebSocket.  `handshake` is the client's; `head` has one of our own.  Accepted
 * when the other server has accepted it; else its refusal is what the client gets, as the last
 * answer on its connection. */
void eio_carry_websocket(const struct eio_carrier *carrier, struct slice node,
                         struct eio_exchange *x, struct slice head,
                         const struct eio_handshake *handshake);

#endif
