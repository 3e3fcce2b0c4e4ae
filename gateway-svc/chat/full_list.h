/* full_list.h - the list of users as newcomers get it: taken now and then, and what changed since
 *
 * Pure; a part of the roster, see there for what clients get of it.  The list that was taken stands
 * in front of the set's `all`, and stays as it was taken: so what has changed `since` must not be
 * forgotten before the list is.  That is kept below the square root of twice the list's length,
 * where naming it to each newcomer costs as much as taking the list now and then does. */
#ifndef PARLEY_FULL_LIST_H
#define PARLEY_FULL_LIST_H

#include "gateway-svc/chat/name_set.h"
#include "shared/buf.h"

#define FULL_LIST_CURSOR_MAX 56

struct full_list {
    struct name_set *set;
    bool taken;
    bool frozen;     /* it names whoever was told, too */
    uint32_t listed; /* so many of the first of `all` are in it */
    struct name_entries since;
    struct buf first;                      /* what the last part of it begins with */
    char cursor[FULL_LIST_CURSOR_MAX + 1]; /* of all its parts */
};

/* The set is borrowed for the list's life. */
void full_list_init(struct full_list *l, struct name_set *set);
void full_list_deinit(struct full_list *l);

/* Would it be in one that is taken now? */
bool full_list_sees(const struct full_list *l, const struct name_entry *e);
/* Its presence has changed; drops a list that is not worth keeping any more. */
void full_list_note(struct full_list *l, struct name_entry *e);
void full_list_drop(struct full_list *l);
void full_list_freeze(struct full_list *l, bool frozen); /* which drops it */

/* `now`: the cursor of the last bundle, at most FULL_LIST_CURSOR_MAX characters, in all of these.
 */
void full_list_take(struct full_list *l, const char *now);
size_t full_list_parts(const struct full_list *l);
void full_list_part(const struct full_list *l, size_t part, const char *now, struct buf *out);
void full_list_rest(const struct full_list *l, struct slice own, const char *now, struct buf *out);
bool full_list_gone(const struct full_list *l, const char *now, struct buf *out);

#endif
