/* functions.h - calls to the Redis Functions library `parley` (shared/parley.lua)
 *
 * Wraps a redis_conn: `up` is told only when the server is Redis 7 or newer and holds a library of
 * our major version, loaded or upgraded by us if need be.  Every call carries who calls: the epoch
 * that the caller lives in, the highest message id it has seen, and the two times that any call may
 * need (grace and lease), in this order, before the function's own arguments. */
#ifndef PARLEY_FUNCTIONS_H
#define PARLEY_FUNCTIONS_H

#include "shared/buf.h"
#include "shared/functions_answer.h"
#include "shared/metrics.h"
#include "shared/redis_conn.h"

struct functions;

/* Who calls.  Owned and kept up to date by the service: see each function in parley.lua for when
 * the epoch and `seen` may change. */
struct functions_caller {
    char epoch[EPOCH_MAX + 1]; /* "" = knows none yet */
    uint64_t seen;             /* highest message:id in any answer or delivery of that epoch */
    uint64_t grace_ms;
    uint64_t lease_ms;
};

#define FUNCTIONS_ARGS_MAX 512 /* own arguments of one call */

/* `caller` is borrowed and read at each call; `prefix` (KEY_PREFIX) is borrowed.  A library of a
 * newer major version, or a server older than Redis 7, ends the program with a clear line: running
 * on would damage what a newer release wrote. */
struct functions *functions_new(struct ev_loop *loop, const struct redis_conn_config *config,
                                const struct redis_conn_handler *handler, void *ctx,
                                const char *prefix, const struct functions_caller *caller);
void functions_free(struct functions *f);
/* Calls of parley_send go to PARLEY.SEND (shared/parley_module) while Redis has that command and
 * our user may call it, which is asked at each connection.  Before the first one. */
void functions_use_module(struct functions *f);
bool functions_is_up(const struct functions *f);
/* Does Redis take calls?  False, and why (printable), while it is not up, and from the moment when
 * Redis refused a call for a reason that concerns them all (redis_trouble.h), or broke off, until
 * the next one is answered: so a service that may have nothing to ask for a while asks something.
 */
bool functions_works(const struct functions *f, struct buf *why);
void functions_reset(struct functions *f, const char *why);
/* redis_conn_local_host of its connection. */
bool functions_local_host(const struct functions *f, char host[REDIS_CONN_HOST_MAX + 1]);

/* FCALL name 1 prefix <caller> args..., or what functions_use_module says.   False when not up;
 * then `fn` is not called. When Redis has lost the library (FUNCTION FLUSH), the reply is NULL and
 * the connection is made anew, which loads it again.  It is made anew, too, when Redis turns out to
 * be a replica. */
bool functions_call(struct functions *f, const char *name, const struct slice *args, size_t count,
                    redis_reply_fn *fn, void *arg);
/* A plain command on the same connection, in order with the calls. */
bool functions_command(struct functions *f, const struct slice *argv, size_t argc,
                       redis_reply_fn *fn, void *arg);

/* What became of the calls, ever. */
#define FUNCTIONS_NAMES_MAX 24
struct functions_stats {
    const char *names[FUNCTIONS_NAMES_MAX];      /* of functions that were called; literals */
    struct histogram calls[FUNCTIONS_NAMES_MAX]; /* from asking to the answer, by name */
    size_t count;                                /* of names */
    uint64_t refused;                            /* calls that were answered with an error */
    uint64_t unanswered; /* calls whose connection broke, or that took too long */
    uint64_t connects;   /* how often the connection came up ... */
    uint64_t losses;     /* ... and went down again */
    uint64_t up;         /* 1: it is up */
};
const struct functions_stats *functions_stats(const struct functions *f);

#endif
