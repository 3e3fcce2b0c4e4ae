/* view.h - the part of a story that is on the screen: scrolling and searching; pure
 *
 * It follows the end until somebody scrolls up; from then on what is shown stays where it is, and
 * what comes is counted. */
#ifndef PARLEY_TERMINAL_VIEW_H
#define PARLEY_TERMINAL_VIEW_H

#include "client/terminal/story.h"
#include "client/terminal/wrap.h"

#define VIEW_SEARCH_MAX 256

struct view {
    const struct story *story;
    struct wrap wrap;
    unsigned lines;
    bool follows;
    uint64_t bottom;     /* the entry whose row is the lowest */
    unsigned bottom_row; /* that row of it, from 0 */
    uint64_t seen;       /* the last entry that has been on the screen */
    struct buf searched;
    uint64_t hit; /* the entry that was found; 0: none */
};

void view_init(struct view *v, const struct story *story);
void view_deinit(struct view *v);

/* The size of the pane; at least 1 of each counts. */
void view_resize(struct view *v, unsigned columns, unsigned lines, unsigned indent);

/* Rows upwards; below zero downwards.  Reaching the end means to follow it. */
void view_scroll(struct view *v, int rows);
void view_to_end(struct view *v);
void view_to_start(struct view *v);

/* Looks for the text from what is shown upwards (or again, if it is empty), older or newer; shows
 * what it finds. */
bool view_search(struct view *v, struct slice text, bool older);
void view_search_end(struct view *v);

/* How many messages have come below what is shown. */
uint64_t view_unseen(const struct view *v);

/* A row of the screen. */
struct view_row {
    const struct entry *entry;
    struct slice text;
    unsigned indent;
    bool hit;
};
/* Calls fn for the rows that are to be seen, from the lowest up; `line` counts from 0 at the top.
 * What follows the end is seen by it. */
typedef void view_fn(void *ctx, unsigned line, const struct view_row *row);
void view_show(struct view *v, view_fn *fn, void *ctx);

#endif
