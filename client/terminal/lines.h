/* lines.h - lines out of bytes that come in pieces; pure */
#ifndef PARLEY_TERMINAL_LINES_H
#define PARLEY_TERMINAL_LINES_H

#include "shared/buf.h"

struct lines {
    struct buf bytes; /* its maximum is that of a line, with the line feed */
    size_t at;        /* what of it has been taken */
    bool skipping;    /* the rest of a line that was too long */
    bool ended;       /* nothing more will come */
    uint64_t number;  /* of the line taken last, from 1 */
};

enum lines_result { LINES_ONE, LINES_TOO_LONG, LINES_NONE, LINES_END };

void lines_init(struct lines *l, size_t line_max);
void lines_deinit(struct lines *l);

/* How many bytes may be put in now; 0 only while there are lines to take. */
size_t lines_room(const struct lines *l);
void lines_put(struct lines *l, struct slice bytes);
void lines_end(struct lines *l);
/* The same, and nobody wants what is there; the line taken last is no longer valid. */
void lines_drop(struct lines *l);

/* The next line, without its line feed, valid until the next call; the last may have none.  One
 * that is too long is told once, and left out.  LINES_NONE: more bytes are needed. */
enum lines_result lines_take(struct lines *l, struct slice *line);

#endif
