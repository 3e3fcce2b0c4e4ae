/* redis_sentinel.h - asking Redis Sentinel where the master is (part of redis_route.c)
 *
 * A few sentinels watch one master; any of them knows its address.  One after the other is asked,
 * beginning with the one that answered last; one that refuses, or says nothing in time, is followed
 * by the next.  What a sentinel says is not trusted: redis_conn.c asks the Redis itself for its
 * role.  Loop thread only. */
#ifndef PARLEY_REDIS_SENTINEL_H
#define PARLEY_REDIS_SENTINEL_H

#include "shared/redis_url.h"
#include "shared/resolver_ev.h"

#define SENTINELS_MAX 8
#define SENTINEL_MASTER_MAX 127 /* bytes of the master's name */

/* Where to ask, and for whom. */
struct redis_sentinels {
    size_t count;
    struct redis_url at[SENTINELS_MAX];   /* their passwords, too */
    char master[SENTINEL_MASTER_MAX + 1]; /* as `sentinel monitor` names it */
};

/* "host:port,host:port,..." (without a port: 26379; an IPv6 host in brackets) into the addresses,
 * without passwords; the name is left alone.  False when it is anything else, or more than
 * SENTINELS_MAX. */
bool redis_sentinels_parse(struct slice text, struct redis_sentinels *out);
/* May a master be called so?  [A-Za-z0-9._-]+ */
bool redis_sentinel_name_ok(struct slice name);
/* Puts what a sentinel answered into `out` (host and port; the rest is left alone).  False when it
 * is no address. */
bool redis_sentinel_address(struct slice host, struct slice port, struct redis_url *out);

struct redis_sentinel;

/* The outcome of one round: host and port as a sentinel said them, or an empty host when none did;
 * `why` then says why (of the last one asked; printable).  Both are borrowed for the length of the
 * call.  May free the asker. */
typedef void redis_sentinel_fn(void *ctx, const struct redis_url *address, const char *why);

struct redis_sentinel_config {
    const struct redis_sentinels *sentinels; /* copied */
    resolver_lookup_fn *lookup;              /* of their host names; NULL: getaddrinfo */
    uint32_t patience_ms;                    /* for each of them */
};

struct redis_sentinel *redis_sentinel_new(struct ev_loop *loop,
                                          const struct redis_sentinel_config *config,
                                          redis_sentinel_fn *done, void *ctx);
/* Makes one round.  `done` is called once, from the loop and never before this returns. */
void redis_sentinel_ask(struct redis_sentinel *s);
/* The round is over, or its outcome was no good: `done` is not called for it any more.  Unless the
 * address `worked`, the next round begins with the next sentinel. */
void redis_sentinel_stop(struct redis_sentinel *s, bool worked);
void redis_sentinel_free(struct redis_sentinel *s);

#endif
