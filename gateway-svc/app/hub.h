/* hub.h - the gateway's one meeting point: sockets, chat rules and the relay */
#ifndef PARLEY_HUB_H
#define PARLEY_HUB_H

#include "gateway-svc/chat/chat_err.h"
#include "gateway-svc/relay/relay.h"
#include "gateway-svc/socketio/sio.h"
#include "shared/settings.h"

struct hub;

/* What became of a client's CONNECT. */
enum hub_connect {
    HUB_WELCOMED = 0,
    HUB_NOT_LOGGED_IN,    /* it showed no token */
    HUB_SESSION_EXPIRED,  /* one that is none, or of a session that has ended */
    HUB_TOO_MANY_SOCKETS, /* of this session */
    HUB_TRY_AGAIN,        /* Redis is away or settles, or we are stopping */
    HUB_CONNECTS
};
enum hub_event { HUB_MESSAGE_OUT = 0, HUB_USER_CHANGE_OUT, HUB_OTHER_EVENT, HUB_EVENTS };
enum hub_end { HUB_LOGGED_OUT = 0, HUB_KICKED, HUB_EXPIRED, HUB_OTHER_END, HUB_ENDS };

struct hub_stats { /* ever */
    uint64_t connects[HUB_CONNECTS];
    uint64_t events[HUB_EVENTS]; /* received */
    uint64_t accepted;           /* messages, by Redis */
    uint64_t dups;               /* that had been accepted before */
    uint64_t refused[CHAT_ERRS]; /* events that were answered with an error, by its code */
    uint64_t delivered;          /* message_in, one per socket */
    uint64_t ended[HUB_ENDS];    /* sessions that were served here */
    uint64_t replayed;           /* messages that a client had missed, one per socket */
    uint64_t recovered[2];       /* clients that said what they have: [1] those who got the rest */
    uint64_t told_lost;          /* sockets told, while connected, that messages are missing */
};

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
/* Sends the clients elsewhere, over `length_ms`, see drain.h; `done` is called once, from the loop,
 * when hub_stop may follow. */
void hub_drain(struct hub *hub, uint64_t length_ms, void (*done)(void *ctx), void *ctx);
/* Stops serving: gives the lease back and closes all sockets that are left, so that clients go
 * elsewhere and their users are seen leaving only if they do not come back. */
void hub_stop(struct hub *hub);
void hub_free(struct hub *hub);

#endif
