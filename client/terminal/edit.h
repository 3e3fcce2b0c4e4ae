/* edit.h - the line that is being typed; pure
 *
 * The cursor stands between cells, so that a letter and its accents are one step. */
#ifndef PARLEY_TERMINAL_EDIT_H
#define PARLEY_TERMINAL_EDIT_H

#include "shared/buf.h"

#define EDIT_MAX 16384 /* bytes */

struct edit {
    struct buf text;
    size_t cursor; /* bytes before it */
};

enum edit_key {
    EDIT_LEFT,
    EDIT_RIGHT,
    EDIT_HOME,
    EDIT_END,
    EDIT_WORD_LEFT,
    EDIT_WORD_RIGHT,
    EDIT_BACKSPACE,
    EDIT_DELETE,
    EDIT_KILL_BEFORE, /* Ctrl-U */
    EDIT_KILL_BEHIND, /* Ctrl-K */
    EDIT_KILL_WORD,   /* Ctrl-W */
    EDIT_KEYS
};

void edit_init(struct edit *e);
void edit_deinit(struct edit *e);

/* At the cursor; false when the line is full. */
bool edit_insert(struct edit *e, struct slice utf8);
void edit_key(struct edit *e, enum edit_key key);
/* Another line, with the cursor behind it. */
void edit_set(struct edit *e, struct slice text);

/* What is visible of it in so many columns (at least 1): it always holds the cursor, whose column
 * is told. */
struct slice edit_window(const struct edit *e, unsigned columns, unsigned *cursor_column);

#endif
