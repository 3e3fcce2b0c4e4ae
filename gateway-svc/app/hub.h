/* hub.h - the gateway's one meeting point: sockets, chat rules and the relay */
#ifndef PARLEY_HUB_H
#define PARLEY_HUB_H

#include "gateway-svc/relay/relay.h"
#include "gateway-svc/socketio/sio.h"
#include "shared/settings.h"

struct hub;

struct hub_config {
    struct sio_config sio;
    struct relay_config relay;
    size_t message_max_bytes;
    struct rate rate_messages; /* per user, on this gateway */
    unsigned max_sockets;      /* per user, on this gateway */
    uint16_t health_port;
};

/* Listens and connects to Redis.  NULL when a port is taken (logged). */
struct hub *hub_new(struct ev_loop *loop, const struct hub_config *config);
/* Stops serving: gives the lease back and closes all sockets, so that clients go elsewhere and
 * their users are seen leaving only if they do not come back. */
void hub_stop(struct hub *hub);
void hub_free(struct hub *hub);

#endif
