/* sio_acks.c - acks that the server waits for */
#include "gateway-svc/socketio/sio_acks.h"
#include "gateway-svc/socketio/sio_socket.h"
#include "shared/must.h"
#include <stddef.h>
#include <stdlib.h>

#define ID_MASK 0x7fffffffu

struct sio_ack_wait {
    struct sio_ack_wait *next;
    struct sio_socket *socket; /* borrowed: it fails its waits before it goes */
    struct eio_deadline timeout;
    sio_ack_fn *fn;
    void *arg;
    uint32_t id;
};

static struct sio_ack_wait **bucket_of(struct sio_acks *acks, const struct sio_socket *socket)
{
    return &acks->buckets[((uintptr_t)socket >> 4) * 2654435761u / 16 % SIO_ACK_BUCKETS];
}

uint32_t sio_acks_ask(struct sio_acks *acks, struct sio_socket *socket, uint64_t now_us,
                      sio_ack_fn *fn, void *arg)
{
    struct sio_ack_wait **bucket = bucket_of(acks, socket);
    struct sio_ack_wait *wait = must(calloc(1, sizeof *wait));
    *wait = (struct sio_ack_wait){
        .next = *bucket, .socket = socket, .fn = fn, .arg = arg, .id = acks->next_id};
    *bucket = wait;
    acks->next_id = (acks->next_id + 1) & ID_MASK;
    socket->asked++;
    eio_deadline_start(acks->timeouts, &wait->timeout, now_us);
    return wait->id;
}

/* Takes it out of its list, then tells: the callback may ask again. */
static void settle(struct sio_ack_wait **slot, const struct sio_answer *answer)
{
    struct sio_ack_wait *wait = *slot;
    *slot = wait->next;
    eio_deadline_stop(&wait->timeout);
    wait->socket->asked--;
    wait->fn(wait->arg, wait->socket, answer);
    free(wait);
}

void sio_acks_answer(struct sio_acks *acks, struct sio_socket *socket, uint64_t id,
                     const struct sio_answer *answer)
{
    for (struct sio_ack_wait **slot = bucket_of(acks, socket); *slot; slot = &(*slot)->next) {
        if ((*slot)->socket == socket && (*slot)->id == id) {
            settle(slot, answer);
            return;
        }
    }
}

void sio_acks_fail(struct sio_acks *acks, struct sio_socket *socket)
{
    struct sio_ack_wait **slot = bucket_of(acks, socket);
    while (socket->asked > 0 && *slot) {
        if ((*slot)->socket == socket) {
            settle(slot, NULL);
            slot = bucket_of(acks, socket); /* the callback may have changed the list */
        } else {
            slot = &(*slot)->next;
        }
    }
}

void sio_acks_late(struct sio_acks *acks, struct eio_deadline *timeout)
{
    struct sio_ack_wait *wait =
        (struct sio_ack_wait *)(void *)((char *)timeout - offsetof(struct sio_ack_wait, timeout));
    struct sio_ack_wait **slot = bucket_of(acks, wait->socket);
    while (*slot != wait) {
        slot = &(*slot)->next;
    }
    settle(slot, NULL);
}
