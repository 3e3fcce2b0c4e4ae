/* history.c - the lines that were entered */
#include "client/terminal/history.h"
#include <string.h>

void history_init(struct history *h)
{
    memset(h, 0, sizeof *h);
    for (size_t i = 0; i < HISTORY_MAX; i++) {
        buf_init(&h->lines[i], HISTORY_LINE_MAX);
    }
    buf_init(&h->typed, HISTORY_LINE_MAX);
}

void history_deinit(struct history *h)
{
    for (size_t i = 0; i < HISTORY_MAX; i++) {
        buf_deinit(&h->lines[i]);
    }
    buf_deinit(&h->typed);
}

static void drop_oldest(struct history *h)
{
    struct buf oldest = h->lines[0];
    memmove(h->lines, h->lines + 1, (HISTORY_MAX - 1) * sizeof *h->lines);
    buf_clear(&oldest);
    h->lines[HISTORY_MAX - 1] = oldest;
    h->count--;
}

void history_add(struct history *h, struct slice line)
{
    bool again = h->count > 0 && slice_equal(buf_slice(&h->lines[h->count - 1]), line);
    if (line.len > 0 && line.len <= HISTORY_LINE_MAX && !again) {
        if (h->count == HISTORY_MAX) {
            drop_oldest(h);
        }
        buf_append(&h->lines[h->count++], line);
    }
    h->at = h->count;
}

bool history_move(struct history *h, bool older, struct slice current, struct slice *out)
{
    if (older ? h->at == 0 : h->at >= h->count) {
        return false;
    }
    if (h->at == h->count) {
        buf_clear(&h->typed);
        buf_append(&h->typed, slice_head(current, HISTORY_LINE_MAX));
    }
    h->at = older ? h->at - 1 : h->at + 1;
    *out = buf_slice(h->at == h->count ? &h->typed : &h->lines[h->at]);
    return true;
}
