/* story.h - what has been said and what happened, in the order of the screen; pure
 *
 * Bounded: the oldest entries go when there are too many or they hold too much. */
#ifndef PARLEY_TERMINAL_STORY_H
#define PARLEY_TERMINAL_STORY_H

#include "shared/buf.h"

#define STORY_MAX 20000             /* entries */
#define STORY_BYTES_MAX (32u << 20) /* of their texts */

enum story_style {
    STORY_PLAIN,
    STORY_PRIVATE,
    STORY_OWN,     /* sent */
    STORY_WAITING, /* own, not sent yet */
    STORY_FAILED,  /* own, not sent */
    STORY_NOTE,    /* joins, leaves, and what the program itself says */
    STORY_WARNING,
    STORY_DAY, /* another day begins */
    STORY_STYLES
};

struct entry {
    uint64_t seq; /* counts from 1, without holes */
    enum story_style style;
    uint64_t own;    /* the number of one's own message, else 0 */
    struct buf text; /* UTF-8, with its time and names */
};

struct story;
struct story *story_new(void);
void story_free(struct story *s);

/* At the end; its number in the story. */
uint64_t story_add(struct story *s, enum story_style style, uint64_t own, struct slice text);
/* The entry of one's own message says something else from now on; false if it is gone. */
bool story_change(struct story *s, uint64_t own, enum story_style style, struct slice text);

/* Entries have the numbers first..last; empty: first = last + 1. */
uint64_t story_first(const struct story *s);
uint64_t story_last(const struct story *s);
/* NULL when there is none (any more). */
const struct entry *story_entry(const struct story *s, uint64_t seq);

/* The next entry before or behind `seq` that holds the text, ASCII letters in any case; 0: none. To
 * begin at the end: story_last + 1. */
uint64_t story_search(const struct story *s, uint64_t seq, bool older, struct slice text);

#endif
