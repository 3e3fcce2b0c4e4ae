/* cells.h - text as the terminal's cells: what is shown of a character, and how wide it is; pure
 *
 * What peers write never reaches the terminal as it is.  Controls, C1 among them, and whatever
 * changes the direction of writing are shown as escapes (\x1b, \u009b, \u202e); what has no look of
 * its own (joiners, variation selectors) is left out, because terminals disagree about its width.
 * Widths come from wcwidth(3), so the locale must be a UTF-8 one. */
#ifndef PARLEY_TERMINAL_CELLS_H
#define PARLEY_TERMINAL_CELLS_H

#include "shared/buf.h"

#define CELL_MARKS_MAX 4 /* combining marks that are shown; as many as ncurses keeps */
#define CELL_SHOWN_MAX (sizeof(uint32_t) * (1 + CELL_MARKS_MAX)) /* 4 bytes for each */

/* A character with what combines with it. */
struct cell {
    struct slice bytes; /* of the text */
    unsigned width;     /* columns */
    size_t shown_len;
    char shown[CELL_SHOWN_MAX]; /* printable UTF-8 */
};

/* Takes the next cell off *rest; false at the end.  Bytes that are not UTF-8 become escapes. */
bool cell_next(struct slice *rest, struct cell *out);

/* The columns of the whole text. */
unsigned cells_width(struct slice text);

/* Appends what is shown of it; false when the buffer is full. */
bool cells_print(struct buf *out, struct slice text);

/* The longest beginning of it that fits into so many columns. */
struct slice cells_head(struct slice text, unsigned columns);

/* Decodes a code point off *rest (not empty); the byte itself and false where it is no UTF-8. */
bool cells_code_point(struct slice *rest, uint32_t *out);

#endif
