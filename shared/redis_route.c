/* redis_route.c - the way to the Redis to be used */
#include "shared/redis_route.h"

#include "shared/must.h"
#include "shared/redis_sentinel.h"

#include <string.h>

#define PATIENCE_MIN_MS 20

struct redis_route {
    struct ev_loop *loop;
    resolver_lookup_fn *lookup;
    struct redis_sentinel *sentinel; /* NULL: no sentinels */
    const struct redis_url *url;     /* NULL: it is where sentinels say */
    struct redis_url master;         /* and that is here */
    struct redis_dial *dial;         /* with sentinels NULL until they have said it once */
    redis_dial_fn *done;
    void *ctx;
};

static struct redis_dial *dial_to(struct redis_route *route, const struct redis_url *url)
{
    return redis_dial_new(route->loop, url, route->lookup, route->done, route->ctx);
}

static void on_master(void *ctx, const struct redis_url *address, const char *why)
{
    struct redis_route *route = ctx;
    if (address->host[0] == '\0') {
        route->done(route->ctx, NULL, why);
        return;
    }
    /* A new dial for a new address: the old one may still be looking the old name up. */
    if (!route->dial || address->port != route->master.port ||
        strcmp(address->host, route->master.host) != 0) {
        redis_dial_free(route->dial);
        route->master = *address;
        route->dial = dial_to(route, &route->master);
    }
    redis_dial_start(route->dial);
}

struct redis_route *redis_route_new(struct ev_loop *loop, const struct redis_route_config *config,
                                    redis_dial_fn *done, void *ctx)
{
    struct redis_route *route = must(calloc(1, sizeof *route));
    route->loop = loop;
    route->lookup = config->lookup;
    route->done = done;
    route->ctx = ctx;
    if (!config->sentinels) {
        route->url = config->url;
        route->dial = dial_to(route, config->url);
        return route;
    }
    /* So that a round leaves time to connect, too. */
    uint32_t share_ms = config->timeout_ms / (uint32_t)(config->sentinels->count + 1);
    const struct redis_sentinel_config sentinel = {
        .sentinels = config->sentinels,
        .lookup = config->lookup,
        .patience_ms = share_ms < PATIENCE_MIN_MS ? PATIENCE_MIN_MS : share_ms};
    route->sentinel = redis_sentinel_new(loop, &sentinel, on_master, route);
    return route;
}

void redis_route_start(struct redis_route *route)
{
    if (route->sentinel) {
        redis_sentinel_ask(route->sentinel);
    } else {
        redis_dial_start(route->dial);
    }
}

void redis_route_stop(struct redis_route *route, bool worked)
{
    if (route->sentinel) {
        redis_sentinel_stop(route->sentinel, worked);
    }
    if (route->dial) {
        redis_dial_stop(route->dial, worked);
    }
}

const struct redis_url *redis_route_target(const struct redis_route *route)
{
    return route->url ? route->url : &route->master;
}

void redis_route_free(struct redis_route *route)
{
    if (!route) {
        return;
    }
    redis_sentinel_free(route->sentinel);
    redis_dial_free(route->dial);
    free(route);
}
