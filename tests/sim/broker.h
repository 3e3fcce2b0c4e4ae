/* broker.h - a Redis that everybody talks to over a network that misbehaves
 *
 * Stands in for shared/functions.h and shared/redis_conn.h, for any number of processes.  Commands
 * and answers take their time, in order; published lines are on their way for a while; connections
 * break, and are made again after a back-off; Redis stops, stalls, forgets, and hands over to a
 * replica that is behind.  What is executed is executed by the real rules (store.h). */
#ifndef PARLEY_SIM_BROKER_H
#define PARLEY_SIM_BROKER_H

#include "shared/functions.h"
#include "tests/sim/time.h"

struct broker_watch {
    /* A message was accepted, in the order of ids. */
    void (*accepted)(void *ctx, uint64_t id, struct slice sender, struct slice receiver,
                     struct slice client_id);
    /* The list of users changed: "+Alice -bob". */
    void (*presence)(void *ctx, struct slice changes);
};

/* An empty Redis, in which nobody has lived yet. */
void broker_begin(const struct broker_watch *watch, void *ctx);
void broker_end(void); /* every connection was freed before */

/* The longest way of a command, of an answer, of a published line; usual times are a tenth. */
void broker_latency(uint64_t us);
/* With so many of a thousand published lines their subscriber is dropped: neither they nor any
 * later one get through, and it learns of that some time after.  (Redis drops no single line.) */
void broker_loss(uint32_t per_mille);

/* ---- Faults ---------------------------------------------------------------------------------- */

void broker_stall(uint64_t us); /* as under SIGSTOP */
void broker_break_one(void);    /* some connection, of the two kinds */
void broker_kill(uint64_t us,
                 bool data); /* and a new process after that time, with or without it */
void broker_flush(void);     /* FLUSHALL */
/* The master dies; after that time a replica takes over, which has what was there `behind_us` ago
 * or a little later. */
void broker_fail_over(uint64_t us, uint64_t behind_us);
/* A process is killed: its connections end, and it hears nothing any more. */
void broker_cut(const struct ev_loop *loop);
/* Is anything of that still going on? */
bool broker_is_well(void);

/* ---- For whoever looks on -------------------------------------------------------------------- */

/* At once, beside all connections; NULL while Redis cannot answer.  Freed with
 * store_reply_free. */
struct redis_reply *broker_ask(const char *function, const struct slice *args, size_t count);
struct redis_reply *broker_command(const char *name, const char *key);

#endif
