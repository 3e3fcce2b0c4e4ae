/* conns.h - connections to the broker, over a network that misbehaves
 *
 * Stands in for shared/functions.h and shared/redis_conn.h, for any number of processes.  Commands
 * and answers take their time, in order; published lines are on their way for a while; connections
 * break, and are made again after a back-off. */
#ifndef PARLEY_SIM_CONNS_H
#define PARLEY_SIM_CONNS_H

#include "shared/slice.h"

struct ev_loop;

void conns_begin(void);
void conns_end(void); /* every connection was freed before */

/* The broker's: a line for whoever listens on that channel. */
void conns_publish(struct slice channel, struct slice text);

/* The longest way of a command, of an answer, of a published line; usual times are a tenth. */
void conns_latency(uint64_t us);
/* With so many of a thousand published lines their subscriber is dropped: neither they nor any
 * later one get through, and it learns of that some time after.  (Redis drops no single line.) */
void conns_loss(uint32_t per_mille);
void conns_break_one(void); /* some connection, of the two kinds */
void conns_break_all(void);
/* A process is killed: its connections end, and it hears nothing any more. */
void conns_cut(const struct ev_loop *loop);

#endif
