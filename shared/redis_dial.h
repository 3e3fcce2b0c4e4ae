/* redis_dial.h - opening a socket to Redis (part of redis_conn.c) */
#ifndef PARLEY_REDIS_DIAL_H
#define PARLEY_REDIS_DIAL_H

#include "shared/redis_url.h"

struct redisContext;

/* Begins to connect: the socket is writable when that has come to an end, see SO_ERROR.  NULL when
 * it failed at once; then `why` says why.  A host name is looked up before this returns. */
struct redisContext *redis_dial(const struct redis_url *url, char *why, size_t why_size);

#endif
