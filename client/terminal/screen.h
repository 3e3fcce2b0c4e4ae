/* screen.h - the terminal: what stands where on it, and the keys that are pressed (screen_curses.c)
 */
#ifndef PARLEY_TERMINAL_SCREEN_H
#define PARLEY_TERMINAL_SCREEN_H

#include "client/terminal/edit.h"
#include "client/terminal/people.h"
#include "client/terminal/view.h"

/* What is shown: all of it, each time. */
struct scene {
    struct view *view;
    const struct people *people;
    const char *me;
    struct edit *edit;
    struct slice status; /* left in the status line */
    struct slice note;   /* right in it */
    bool alarm;          /* the status is no good one */
};

enum key_kind {
    KEYS_NONE, /* nothing was pressed */
    KEYS_TEXT,
    KEYS_EDIT,
    KEYS_ENTER,
    KEYS_UP,
    KEYS_DOWN,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_TOP,    /* of all that was said: Ctrl-Home */
    KEYS_BOTTOM, /* Ctrl-End */
    KEYS_OLDER,  /* the hit before, Ctrl-P */
    KEYS_NEWER,  /* Ctrl-N */
    KEYS_ESCAPE,
    KEYS_END,     /* Ctrl-D */
    KEYS_REDRAW,  /* Ctrl-L */
    KEYS_UNKNOWN, /* one that means nothing */
};

struct key {
    enum key_kind kind;
    enum edit_key edit; /* of KEYS_EDIT */
    char text[4];       /* of KEYS_TEXT: one character; a line break or tab where it was pasted */
    size_t len;
};

/* Takes the terminal; false when it cannot be used. */
bool screen_open(void);
void screen_close(void); /* as it was before */
/* The window has another size now. */
void screen_resize(void);
void screen_draw(const struct scene *scene);
struct key screen_key(void); /* does not wait */
unsigned screen_pane_lines(void);

#endif
