/* redis_dial.h - opening sockets to one Redis (part of redis_conn.c)
 *
 * A host name is looked up anew for each attempt, on the side (see resolver_ev.h); of several
 * addresses one is tried per attempt, the next one after a failure.  Loop thread only. */
#ifndef PARLEY_REDIS_DIAL_H
#define PARLEY_REDIS_DIAL_H

#include "shared/redis_conn.h"
#include "shared/redis_url.h"
#include "shared/resolver_ev.h"

struct redisContext;
struct redis_dial;

/* An attempt came to something.  `context` (now the callee's) is a socket that connects: it is
 * writable when that has come to an end (redis_dial_outcome).  NULL when it failed at once; `why`,
 * printable and borrowed for the length of the call, says why.  May free the dial. */
typedef void redis_dial_fn(void *ctx, struct redisContext *context, const char *why);

/* `url` is borrowed for the dial's life; `lookup` NULL: getaddrinfo. */
struct redis_dial *redis_dial_new(struct ev_loop *loop, const struct redis_url *url,
                                  resolver_lookup_fn *lookup, redis_dial_fn *done, void *ctx);
/* Makes one attempt.  `done` is called once: before this returns when there is no name to look up,
 * else from the loop. */
void redis_dial_start(struct redis_dial *dial);
/* The attempt, or what came of it, has ended; `done` is not called for it any more.  A lookup that
 * hangs goes on, and the next attempt waits for it.  Unless the address `worked`, the next attempt
 * takes the next one. */
void redis_dial_stop(struct redis_dial *dial, bool worked);
void redis_dial_free(struct redis_dial *dial);

/* How connecting came to its end: 0 when it is connected, else an errno. */
int redis_dial_outcome(int fd);
/* The numeric address of our end of such a socket, once it is connected: see redis_conn.h. */
bool redis_dial_local_host(int fd, char host[REDIS_CONN_HOST_MAX + 1]);

#endif
