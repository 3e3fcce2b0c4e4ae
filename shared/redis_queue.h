/* redis_queue.h - commands on their way: bytes that the kernel has not taken, and replies awaited
 *
 * Part of redis_conn.c. */
#ifndef PARLEY_REDIS_QUEUE_H
#define PARLEY_REDIS_QUEUE_H

#include "shared/buf.h"
#include "shared/redis_conn.h"

#define REDIS_QUEUE_MAX_BYTES (16U << 20) /* with what the kernel took, while it is under half */

struct redis_expected {
    struct redis_expected *next;
    redis_reply_fn *fn; /* may be NULL */
    void *arg;
    uint64_t sent_ms;
    bool confirmation; /* of one channel's subscription, not the reply to a command */
};

/* A password goes through it: it is overwritten when the queue is emptied or ends, and when
 * redis_queue_wipe is told that the peer has had it. */
struct redis_queue {
    struct buf out;
    size_t out_sent;
    struct redis_expected *oldest; /* the next reply belongs to it; NULL: none is awaited */
    struct redis_expected **newest;
};

void redis_queue_init(struct redis_queue *q);
void redis_queue_deinit(struct redis_queue *q); /* nothing may be awaited any more */

/* Overwrites what was sent. */
void redis_queue_wipe(struct redis_queue *q);

/* Encodes a command (RESP 2) and awaits `expected.fn`'s one reply, or as many confirmations.  All
 * or nothing: false when REDIS_QUEUE_MAX_BYTES are waiting or memory runs out. */
bool redis_queue_push(struct redis_queue *q, const struct slice *argv, size_t argc,
                      const struct redis_expected *expected, size_t count);

/* Gives the kernel what it takes: > 0 when all is gone, 0 when some is left, < 0 on an error
 * (errno). */
int redis_queue_flush(struct redis_queue *q, int fd);

/* Forgets the oldest awaited reply and returns a copy of it.  There must be one. */
struct redis_expected redis_queue_pop(struct redis_queue *q);

/* Empties the queue; returns what was awaited, oldest first. */
struct redis_expected *redis_queue_take(struct redis_queue *q);
/* Calls and frees all of a list that was taken.  The queue may be gone meanwhile. */
void redis_expected_fail(struct redis_expected *list);

#endif
