/* history.h - the lines that were entered, to be fetched back with Up and Down; pure */
#ifndef PARLEY_TERMINAL_HISTORY_H
#define PARLEY_TERMINAL_HISTORY_H

#include "shared/buf.h"

#define HISTORY_MAX 100
#define HISTORY_LINE_MAX 16384

struct history {
    struct buf lines[HISTORY_MAX]; /* the oldest first */
    size_t count;
    size_t at;        /* the line shown; count: the one being typed */
    struct buf typed; /* kept while others are shown */
};

void history_init(struct history *h);
void history_deinit(struct history *h);

/* A line was entered; empty ones and one equal to the last are not kept. */
void history_add(struct history *h, struct slice line);

/* Up (older) or down: the line to show instead of `current`; false when there is none that way. The
 * answer is valid until the next call. */
bool history_move(struct history *h, bool older, struct slice current, struct slice *out);

#endif
