/* sio_acks.h - acks that the server waits for
 *
 * Kept for the whole server and not per socket, so that a socket that never asks for one pays
 * nothing.  Ids count from 0 and stay below 2^31: some clients hold them in 32 bits. */
#ifndef PARLEY_SIO_ACKS_H
#define PARLEY_SIO_ACKS_H

#include "gateway-svc/socketio/eio_deadline.h"
#include "gateway-svc/socketio/sio.h"

#define SIO_ACK_BUCKETS 256

struct sio_ack_wait;

struct sio_acks {
    struct sio_ack_wait *buckets[SIO_ACK_BUCKETS]; /* by socket */
    struct eio_deadlines *timeouts;                /* the engine's */
    uint32_t next_id;
};

/* Waits for the answer to a new id, which it returns. */
uint32_t sio_acks_ask(struct sio_acks *acks, struct sio_socket *socket, uint64_t now_us,
                      sio_ack_fn *fn, void *arg);
/* The answer has come; an id that nobody waits for is ignored. */
void sio_acks_answer(struct sio_acks *acks, struct sio_socket *socket, uint64_t id,
                     const struct sio_answer *answer);
/* The socket is gone: no answer will come. */
void sio_acks_fail(struct sio_acks *acks, struct sio_socket *socket);
/* Time is up for the one that this deadline belongs to. */
void sio_acks_late(struct sio_acks *acks, struct eio_deadline *timeout);

#endif
