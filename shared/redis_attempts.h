/* redis_attempts.h - attempts to connect: how long until the next, and what the log says of them
 * (part of redis_conn.c) */
#ifndef PARLEY_REDIS_ATTEMPTS_H
#define PARLEY_REDIS_ATTEMPTS_H

#include "shared/redis_conn.h"

/* Zeroed at first. */
struct redis_attempts {
    unsigned failures;    /* in a row */
    bool said_away;       /* in the log, and not since that it is connected */
    uint64_t up_since_ms; /* 0: it is not up */
};

/* One has succeeded.  The log says so of the first, and then only behind a failure that it told:
 * so a Redis that lets us in and is good for nothing leaves no line for each attempt. */
void redis_attempts_up(struct redis_attempts *a, const struct redis_conn_config *config,
                       const char *where, uint64_t now_ms);
/* One has failed, or its connection has ended; `where` (redis_url_words) and `why` are printable.
 * Returns the milliseconds until the next (redis_conn_config).  The log tells failures 1, 2, 4, 8
 * ... of those in a row. */
uint64_t redis_attempts_failed(struct redis_attempts *a, const struct redis_conn_config *config,
                               const char *where, const char *why, uint64_t now_ms);

#endif
