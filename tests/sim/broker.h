/* broker.h - a Redis that everybody talks to (over conns.h): it stops, stalls, forgets, and hands
 * over to a replica that is behind
 *
 * What is executed is executed by the real rules (store.h). */
#ifndef PARLEY_SIM_BROKER_H
#define PARLEY_SIM_BROKER_H

#include "shared/slice.h"

struct broker_watch {
    /* A message was accepted, in the order of ids. */
    void (*accepted)(void *ctx, uint64_t id, struct slice sender, struct slice receiver,
                     struct slice client_id);
    /* The list of users changed: "+Alice -bob". */
    void (*presence)(void *ctx, struct slice changes);
    /* A function failed: nothing in a simulation gives it a reason to. */
    void (*failed)(void *ctx, const char *name, struct slice error);
};

/* An empty Redis, in which nobody has lived yet.  After conns_begin. */
void broker_begin(const struct broker_watch *watch, void *ctx);
void broker_end(void);

/* ---- For its connections --------------------------------------------------------------------- */

/* The number of the process, from 1; 0 while there is none. */
unsigned broker_run(void);
/* Until then it does nothing, though it is there. */
uint64_t broker_stalled_until(void);
/* A function by its name, or "GET"; freed with reply_free. */
struct redis_reply *broker_execute(const char *name, const struct slice *args, size_t count);

/* ---- Faults ---------------------------------------------------------------------------------- */

void broker_stall(uint64_t us); /* as under SIGSTOP */
void broker_kill(uint64_t us,
                 bool data); /* and a new process after that time, with or without it */
void broker_flush(void);     /* FLUSHALL */
/* The master dies; after that time a replica takes over, which has what was there `behind_us` ago
 * or a little later. */
void broker_fail_over(uint64_t us, uint64_t behind_us);
/* Is anything of that still going on? */
bool broker_is_well(void);

/* ---- For whoever looks on -------------------------------------------------------------------- */

/* At once, beside all connections; NULL while Redis cannot answer.  Freed with
 * reply_free. */
struct redis_reply *broker_ask(const char *function, const struct slice *args, size_t count);
struct redis_reply *broker_command(const char *name, const char *key);

#endif
