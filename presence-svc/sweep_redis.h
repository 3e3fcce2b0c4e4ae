/* sweep_redis.h - sweeps on Redis: calls parley_sweep when due, listens to expiry events */
#ifndef PARLEY_PRESENCE_SWEEP_REDIS_H
#define PARLEY_PRESENCE_SWEEP_REDIS_H

#include "presence-svc/sweeper.h"
#include "shared/functions.h"

struct ev_loop;
struct redis_sentinels;
struct sweep;

struct sweep_config {
    const char *redis_url;
    const struct redis_sentinels *sentinels; /* NULL: none */
    const char *key_prefix;
    uint64_t grace_ms;
    uint64_t lease_ms;
};

/* Starts at once and goes on for ever; while Redis is away it comes back by itself.  The strings
 * are borrowed.
 *
 * Two connections: one calls, the other is subscribed to the expiry of the keys grace:* and
 * gateway:* (Redis runs with notify-keyspace-events Kx).  An event only wakes: whether anybody has
 * to leave is decided in Redis, so a lost, late or doubled event changes nothing but the moment. */
struct sweep *sweep_new(struct ev_loop *loop, const struct sweep_config *config);
void sweep_free(struct sweep *sweep);

struct sweep_stats {
    uint64_t sweeps[SWEEP_RESULTS];   /* ever, by how they ended */
    uint64_t ended, detached, lapsed; /* users whose time was up; users taken from gateways that
                                         fell silent; such gateways */
    uint64_t events;                  /* keys of ours whose expiry Redis announced */
    struct histogram lag;             /* of the most overdue user or gateway of each sweep */
    struct histogram gaps;            /* from the beginning of a sweep to that of the next */
    uint64_t settling;                /* 1: Redis settles, nobody is expired */
};
const struct sweep_stats *sweep_stats(const struct sweep *sweep);
/* Since the last sweep that succeeded; since the start if none has. */
uint64_t sweep_age_ms(const struct sweep *sweep);
/* Through which it calls. */
const struct functions *sweep_functions(const struct sweep *sweep);

/* No sweep begins any more; `done` is called once the one that is on its way, if there is one, has
 * been answered or has failed, perhaps from inside.  From here on sweep_ready is false. */
void sweep_finish(struct sweep *sweep, void (*done)(void *ctx), void *ctx);

/* For health_new: false, and why, unless sweeps succeed.  ctx is the struct sweep. */
bool sweep_ready(void *ctx, struct buf *why);

#endif
