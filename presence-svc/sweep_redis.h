/* sweep_redis.h - sweeps on Redis: calls parley_sweep when due, listens to expiry events */
#ifndef PARLEY_PRESENCE_SWEEP_REDIS_H
#define PARLEY_PRESENCE_SWEEP_REDIS_H

#include "shared/buf.h"

struct ev_loop;
struct sweep;

struct sweep_config {
    const char *redis_url;
    const char *key_prefix;
    uint64_t grace_ms;
    uint64_t lease_ms;
};

/* Starts at once and goes on for ever; while Redis is away it comes back by itself.  The strings
 * are borrowed.
 *
 * Two connections: one calls, the other is subscribed to the expiry of the keys grace:* and
 * gateway:* (Redis runs with notify-keyspace-events Kx).  An event only wakes: whether anybody has
 * to leave is decided in Redis, so a lost, late or doubled event changes nothing but the moment.
 *
 * NULL when memory is short. */
struct sweep *sweep_new(struct ev_loop *loop, const struct sweep_config *config);
void sweep_free(struct sweep *sweep);

/* For health_new: false, and why, unless sweeps succeed.  ctx is the struct sweep. */
bool sweep_ready(void *ctx, struct buf *why);

#endif
