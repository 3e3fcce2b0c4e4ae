/* wire.h - a Socket.IO server without wires: stands in for gateway-svc/socketio behind sio.h
 *
 * What the application sends to a socket is on its way for a while, in order, and comes to the
 * client of the simulation as an event and its arguments.  A cut connection loses what is on its
 * way, both ways; each side notices on its own. */
#ifndef PARLEY_SIM_WIRE_H
#define PARLEY_SIM_WIRE_H

#include "gateway-svc/socketio/sio.h"

struct ev_loop;
struct wire; /* one connection, as its client holds it */

struct wire_client {
    /* "session", "message_in"...; of an ack the name is empty, and the id is given. */
    void (*event)(void *ctx, struct slice name, struct slice args, uint64_t ack_id);
    /* It was let in; it was refused for good (the code); it is gone and the client may come back;
     * it was put out with the word DISCONNECT. */
    void (*accepted)(void *ctx);
    void (*refused)(void *ctx, struct slice data_json);
    void (*gone)(void *ctx, bool for_good);
};

/* A connection of its own to the server whose loop that is, and CONNECT with `auth`; `gone` follows
 * if there is none (any more).  Until `gone` or wire_leave, events come. */
struct wire *wire_connect(const struct ev_loop *loop, struct slice auth,
                          const struct wire_client *client, void *ctx);
/* ack_id 0: none is wanted. */
void wire_send(struct wire *wire, struct slice name, struct slice args, uint64_t ack_id);
/* The client hears no more, and the server notices after that time. */
void wire_leave(struct wire *wire, uint64_t us);

/* The longest way of a packet. */
void wire_latency(uint64_t us);
void wire_end(void); /* frees all that is left of all connections */

#endif
