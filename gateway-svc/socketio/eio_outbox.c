/* eio_outbox.c - a ring of frames, there only while it holds one */
#include "gateway-svc/socketio/eio_outbox.h"
#include <assert.h>
#include <stdlib.h>

#define FIRST_CAPACITY 2 /* most wait alone, in many connections at once */

struct eio_outbox {
    size_t bytes;
    uint32_t old;      /* of the frames, so many waited when it was marked */
    uint32_t head;     /* index of the first */
    uint32_t count;    /* 1 to capacity, between calls */
    uint32_t capacity; /* a power of two */
    struct sio_frame *ring[];
};

static struct sio_frame *frame_at(const struct eio_outbox *box, uint32_t index)
{
    return box->ring[(box->head + index) & (box->capacity - 1)];
}

/* A ring of twice the size with the same frames in it. */
static struct eio_outbox *grow(struct eio_outbox *old)
{
    uint32_t capacity = old ? old->capacity * 2 : FIRST_CAPACITY;
    if (capacity == 0) {
        return NULL;
    }
    struct eio_outbox *box = malloc(sizeof *box + capacity * sizeof(struct sio_frame *));
    if (!box) {
        return NULL;
    }
    *box = (struct eio_outbox){.capacity = capacity};
    if (old) {
        box->bytes = old->bytes;
        box->old = old->old;
        box->count = old->count;
        for (uint32_t i = 0; i < old->count; i++) {
            box->ring[i] = frame_at(old, i);
        }
        free(old);
    }
    return box;
}

bool eio_outbox_push(struct eio_outbox **box, struct sio_frame *frame)
{
    struct eio_outbox *b = *box;
    if (!b || b->count == b->capacity) {
        b = grow(b);
        if (!b) {
            return false;
        }
        *box = b;
    }
    b->ring[(b->head + b->count) & (b->capacity - 1)] = sio_frame_ref(frame);
    b->count++;
    b->bytes += frame->len;
    return true;
}

size_t eio_outbox_bytes(const struct eio_outbox *box)
{
    return box ? box->bytes : 0;
}

size_t eio_outbox_count(const struct eio_outbox *box)
{
    return box ? box->count : 0;
}

void eio_outbox_mark(struct eio_outbox *box)
{
    if (box) {
        box->old = box->count;
    }
}

bool eio_outbox_has_old(const struct eio_outbox *box)
{
    return box && box->old > 0;
}

size_t eio_outbox_iov(const struct eio_outbox *box, struct iovec *iov, size_t max)
{
    size_t n = eio_outbox_count(box);
    n = n < max ? n : max;
    for (size_t i = 0; i < n; i++) {
        struct sio_frame *frame = frame_at(box, (uint32_t)i);
        iov[i] = (struct iovec){frame->ws, frame->len};
    }
    return n;
}

const struct sio_frame *eio_outbox_at(const struct eio_outbox *box, size_t index)
{
    return index < eio_outbox_count(box) ? frame_at(box, (uint32_t)index) : NULL;
}

static struct sio_frame *pop(struct eio_outbox *b)
{
    struct sio_frame *frame = frame_at(b, 0);
    b->head = (b->head + 1) & (b->capacity - 1);
    b->count--;
    b->old -= b->old > 0 ? 1 : 0;
    b->bytes -= frame->len;
    return frame;
}

struct eio_outbox_sent eio_outbox_advance(struct eio_outbox **box, size_t bytes)
{
    struct eio_outbox_sent sent = {0};
    struct eio_outbox *b = *box;
    assert(bytes <= eio_outbox_bytes(b));
    while (bytes > 0) {
        struct sio_frame *frame = pop(b);
        if (bytes < frame->len) {
            sent.cut = frame;
            sent.cut_at = bytes;
            break;
        }
        bytes -= frame->len;
        sent.frames++;
        sio_frame_unref(frame);
    }
    if (b && b->count == 0) {
        free(b);
        *box = NULL;
    }
    return sent;
}

void eio_outbox_clear(struct eio_outbox **box)
{
    if (!*box) {
        return;
    }
    while ((*box)->count > 0) {
        sio_frame_unref(pop(*box));
    }
    free(*box);
    *box = NULL;
}
