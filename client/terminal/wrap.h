/* wrap.h - a text cut into rows of the screen; pure */
#ifndef PARLEY_TERMINAL_WRAP_H
#define PARLEY_TERMINAL_WRAP_H

#include "client/terminal/cells.h"

/* How wide rows are: the first, and those behind it, which are indented. */
struct wrap {
    unsigned columns; /* at least 1 */
    unsigned indent;  /* of all rows but the first; below columns */
};

/* Takes the next row off *rest: up to a line feed, or as much as fits, broken behind a blank where
 * there is one.  Neither the line feed nor blanks at the end are part of it.  `first`: of the text.
 * A text that is not empty has at least one row; each takes something off, so that it ends. */
struct slice wrap_next(struct slice *rest, struct wrap wrap, bool first);

/* How many rows it has: at least 1. */
unsigned wrap_count(struct slice text, struct wrap wrap);

#endif
