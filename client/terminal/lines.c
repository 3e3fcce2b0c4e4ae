/* lines.c - lines out of bytes that come in pieces */
#include "client/terminal/lines.h"
#include <string.h>

void lines_init(struct lines *l, size_t line_max)
{
    *l = (struct lines){0};
    buf_init(&l->bytes, line_max + 1);
}

void lines_deinit(struct lines *l)
{
    buf_deinit(&l->bytes);
}

size_t lines_room(const struct lines *l)
{
    return l->bytes.max - (l->bytes.len - l->at);
}

static void move_up(struct lines *l)
{
    if (l->at > 0) {
        buf_consume(&l->bytes, l->at);
        l->at = 0;
    }
}

void lines_put(struct lines *l, struct slice bytes)
{
    move_up(l);
    buf_append(&l->bytes, bytes);
}

void lines_end(struct lines *l)
{
    l->ended = true;
}

void lines_drop(struct lines *l)
{
    buf_clear(&l->bytes);
    l->at = 0;
    l->skipping = false;
    lines_end(l);
}

/* All that is there belongs to one line, whose end has not come. */
static enum lines_result take_open(struct lines *l, struct slice rest, struct slice *line)
{
    bool skipped = l->skipping;
    if (l->ended) {
        l->at += rest.len;
        if (rest.len == 0 || skipped) {
            l->skipping = false;
            return LINES_END;
        }
        l->number++;
        *line = rest;
        return LINES_ONE;
    }
    if (skipped || rest.len == l->bytes.max) {
        l->at += rest.len;
        l->skipping = true;
        l->number += !skipped;
        return skipped ? LINES_NONE : LINES_TOO_LONG;
    }
    return LINES_NONE;
}

enum lines_result lines_take(struct lines *l, struct slice *line)
{
    for (;;) {
        struct slice rest = slice_tail(buf_slice(&l->bytes), l->at);
        const char *end = rest.len > 0 ? memchr(rest.ptr, '\n', rest.len) : NULL;
        if (!end) {
            return take_open(l, rest, line);
        }
        *line = slice_head(rest, (size_t)(end - rest.ptr));
        l->at += line->len + 1;
        if (!l->skipping) {
            l->number++;
            return LINES_ONE;
        }
        l->skipping = false;
    }
}
