/* people.h - the list of active users, as user_change_in tells it; pure
 *
 * PROTOCOL.md, section 4: a full list in one or several parts, then changes that each continue from
 * the cursor before.  What watchers are told are net changes: a name that is announced twice joins
 * once, and a full list after a reconnect is compared with what was known. */
#ifndef PARLEY_TERMINAL_PEOPLE_H
#define PARLEY_TERMINAL_PEOPLE_H

#include "shared/json.h"
#include "shared/username.h"

#define PEOPLE_MAX 100000 /* more are not taken in */
#define PEOPLE_CURSOR_MAX 128

struct people;

struct people *people_new(void);
void people_free(struct people *p);

enum people_result {
    PEOPLE_FIRST,   /* the first full list is there */
    PEOPLE_CHANGED, /* a change, or a later full list */
    PEOPLE_PART,    /* of a list: more is to come */
    PEOPLE_GAP,     /* something was missed: ask for what came since the cursor */
    PEOPLE_BAD      /* not as the protocol says; nothing has changed */
};

/* Called for each net change, not for the first list; `name` is NUL-terminated. */
typedef void people_fn(void *ctx, const char *name, bool joined);

/* Takes in a payload of user_change_in. */
enum people_result people_apply(struct people *p, struct json payload, people_fn *fn, void *ctx);

/* In the order of names without regard to case. */
size_t people_count(const struct people *p);
const char *people_name(const struct people *p, size_t index);

/* Empty as long as there is none.  JSON text without quotes: it is passed on as it came. */
struct slice people_cursor(const struct people *p);

#endif
