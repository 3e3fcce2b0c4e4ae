/* redis_route.h - the way to the Redis to be used: the one of REDIS_URL, or the master that
 * sentinels name (part of redis_conn.c)
 *
 * Without sentinels this is redis_dial.h.  With them every attempt asks them first; of the URL then
 * only user and password count.  Loop thread only. */
#ifndef PARLEY_REDIS_ROUTE_H
#define PARLEY_REDIS_ROUTE_H

#include "shared/redis_dial.h"

struct redis_route;
struct redis_sentinels;

struct redis_route_config {
    const struct redis_url *url;             /* borrowed for the route's life */
    const struct redis_sentinels *sentinels; /* copied; NULL: none */
    resolver_lookup_fn *lookup;
    uint32_t timeout_ms; /* of a whole attempt; a sentinel gets a share of it */
};

/* `done`: as of redis_dial.h; may free the route. */
struct redis_route *redis_route_new(struct ev_loop *loop, const struct redis_route_config *config,
                                    redis_dial_fn *done, void *ctx);
/* Makes one attempt.  `done` is called once, perhaps before this returns. */
void redis_route_start(struct redis_route *route);
/* As redis_dial_stop.  With sentinels: unless it `worked`, the next attempt begins with the next of
 * them. */
void redis_route_stop(struct redis_route *route, bool worked);
/* Where attempts go; with sentinels: to the master that they named last, an empty host before that.
 */
const struct redis_url *redis_route_target(const struct redis_route *route);
void redis_route_free(struct redis_route *route);

#endif
