/* redis_handshake.h - what a connection asks before it is up: may we in, under which name, is Redis
 * ready, and is it a master? (part of redis_conn.c) */
#ifndef PARLEY_REDIS_HANDSHAKE_H
#define PARLEY_REDIS_HANDSHAKE_H

#include "shared/redis_queue.h"
#include "shared/redis_url.h"

/* `fault` NULL: the connection is up.  Else what is wrong, a literal, and what Redis said of it,
 * borrowed for the length of the call; then the connection is no good. */
typedef void redis_handshake_fn(void *ctx, const char *fault, struct slice detail);

/* The owner's storage; everything is borrowed for as long as answers are awaited. */
struct redis_handshake {
    const struct redis_url *url; /* user and password */
    const char *name;            /* CLIENT SETNAME */
    redis_handshake_fn *done;
    void *ctx;
};

/* Queues all questions.  `done` is called once, while an answer is read: at the first fault or
 * behind the last answer; never when answers fail to come (NULL).  False: no memory. */
bool redis_handshake_ask(struct redis_handshake *h, struct redis_queue *queue);

/* NULL when the answer to ROLE is that of a master; else the fault, as above. */
const char *redis_role_fault(const struct redis_reply *role, struct slice *detail);

#endif
