/* conns_state.h - what conns.c (connections, and what they subscribed to) and calls.c (commands and
 * answers) share */
#ifndef PARLEY_SIM_CONNS_STATE_H
#define PARLEY_SIM_CONNS_STATE_H

#include "shared/functions.h"
#include "tests/sim/time.h"

#define CHANNELS 8

struct call;

/* One connection; of struct functions it is the whole. */
struct redis_conn {
    struct ev_loop *loop;
    struct redis_conn_config config;
    struct redis_conn_handler handler;
    void *ctx;
    const struct functions_caller *caller;
    bool up, resetting;
    unsigned doomed;   /* the life in which nothing published gets through any more */
    unsigned life;     /* one more with every connection: what belongs to an older one is nothing */
    unsigned failures; /* attempts in a row */
    uint64_t command_at, answer_at, line_at; /* none arrives before the one before it */
    struct call *oldest;
    char *channels[CHANNELS];
    size_t channel_count;
    redis_message_fn *message;
    void *message_ctx;
};

/* How long something is on its way now. */
uint64_t conns_way(void);
/* The later of both, which it notes: nothing arrives before what was sent before it. */
uint64_t conns_later(uint64_t *last, uint64_t at);
/* That text, with a NUL after it; to be freed. */
char *conns_copy(struct slice s);
/* The connection breaks: its owner is told, and it is made again. */
void conns_lost(struct redis_conn *conn, const char *why);

/* calls.c.  False: not taken, because it is not up. */
bool calls_send(struct redis_conn *conn, const char *name, const struct slice *args, size_t count,
                redis_reply_fn *fn, void *arg);
/* Everything unanswered is answered with NULL. */
void calls_forget(struct redis_conn *conn);

#endif
