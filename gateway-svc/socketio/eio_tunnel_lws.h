/* eio_tunnel_lws.h - a client's WebSocket whose connection another server has
 *
 * Messages go there and back.  Either end that is slow holds the other back; either end that
 * closes closes the other, behind everything that was sent before. */
#ifndef PARLEY_EIO_TUNNEL_LWS_H
#define PARLEY_EIO_TUNNEL_LWS_H

#include "gateway-svc/socketio/eio_upstream_ev.h"
#include "gateway-svc/socketio/eio_ws_lws.h"

struct sio_config;

struct tunnel;

/* Those of a server; all that there are. */
struct eio_tunnels {
    const struct sio_config *config; /* has the limits of messages; borrowed */
    struct tunnel *first;
    size_t count;
};

/* Closes up to so many, at both ends: 1001. */
void eio_tunnels_close(struct eio_tunnels *tunnels, size_t count);

/* How much must be able to wait on `up`: its `max_waiting`. */
size_t eio_tunnel_max_waiting(const struct sio_config *config);

/* Accepts the client's WebSocket and ties it to `up`, on which the other server has answered our
 * handshake with 101; `early` is what came behind that.  `tunnels` is borrowed for the tunnel's
 * life.  Owns client->fd and `up` from here on. */
void eio_tunnel_open(struct eio_ws *ws, struct eio_tunnels *tunnels,
                     const struct eio_ws_client *client, struct eio_upstream *up,
                     struct slice early);

#endif
