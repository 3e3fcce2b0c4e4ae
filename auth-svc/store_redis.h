/* store_redis.h - the store port on Redis: the functions parley_login, _logout, _session */
#ifndef PARLEY_AUTH_STORE_REDIS_H
#define PARLEY_AUTH_STORE_REDIS_H

#include "auth-svc/store.h"
#include "shared/functions.h"
#include "shared/log.h"

#define STORE_WHY_MAX 640

/* The state behind the port; the owner's storage, zeroed but for the first two. */
struct store_redis {
    struct functions *functions;     /* borrowed */
    struct functions_caller *caller; /* its epoch follows every answer; `seen` stays 0 */
    struct log_limit limit;
    bool probing;            /* its answer is awaited */
    char why[STORE_WHY_MAX]; /* the last probe's answer was no good; empty: it was */
};

/* A port whose ctx is `state`.  When the connection is down it answers at once; otherwise the
 * connection's command timeout bounds the wait. */
struct store store_redis_port(struct store_redis *state);

/* Logs a session out that cannot be: so it shows whether Redis takes calls, also when nobody asks
 * anything.  To be called when the connection has come up, and every second. */
void store_redis_probe(struct store_redis *state);
/* Does Redis take calls (functions_works), and was the last probe answered as it must be?  False,
 * and why (printable): no login would succeed. */
bool store_redis_works(const struct store_redis *state, struct buf *why);

#endif
