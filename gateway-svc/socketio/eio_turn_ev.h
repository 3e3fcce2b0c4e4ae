/* eio_turn_ev.h - ties an engine to a libev loop: its deadlines, and the end of each turn */
#ifndef PARLEY_EIO_TURN_EV_H
#define PARLEY_EIO_TURN_EV_H

#include "gateway-svc/socketio/eio_engine.h"

struct ev_loop;
struct eio_turn;

/* `engine` is borrowed.  NULL when memory runs out. */
struct eio_turn *eio_turn_new(struct ev_loop *loop, struct eio_engine *engine);
void eio_turn_free(struct eio_turn *turn);

#endif
