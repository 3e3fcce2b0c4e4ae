/* backlog.c - what one client has still to get before it is live */
#include "gateway-svc/app/backlog.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>

void backlog_clear(struct backlog *b)
{
    for (size_t i = 0; i < b->count; i++) {
        sio_frame_unref(b->held[i].frame);
    }
    free(b->held);
    b->held = NULL;
    b->count = 0;
    b->bytes = 0;
}

void backlog_asked(struct backlog *b)
{
    assert(!b->asked);
    b->asked = true;
    b->dropped = false;
}

void backlog_failed(struct backlog *b)
{
    b->asked = false;
    backlog_clear(b);
}

void backlog_hold(struct backlog *b, uint64_t id, struct sio_frame *frame)
{
    size_t size = sio_frame_size(frame);
    if (!b->asked || b->dropped) {
        return;
    }
    if (b->count == BACKLOG_HELD_MAX || size > b->max - b->bytes) {
        backlog_clear(b);
        b->dropped = true;
        return;
    }
    if (!b->held) {
        b->held = must(calloc(BACKLOG_HELD_MAX, sizeof *b->held));
    }
    b->held[b->count++] = (struct backlog_item){id, sio_frame_ref(frame)};
    b->bytes += size;
}

bool backlog_page(struct backlog *b, uint64_t next, bool more)
{
    b->asked = false;
    b->after = next > b->after ? next : b->after;
    if (more) {
        backlog_clear(b); /* it will be in the next answer */
    }
    return more || b->dropped;
}
