/* roster.h - the list of active users as one gateway knows it, and what its clients were told of it
 *
 * Pure.  Changes come in with the version that Redis gave them and are told to clients in bundles:
 * between two bundles a user who left and came back is no change at all.  Names are kept as typed
 * at login. */
#ifndef PARLEY_ROSTER_H
#define PARLEY_ROSTER_H

#include "shared/buf.h"

struct roster;

#define ROSTER_PART 1000 /* names in one event of the full list */

struct roster *roster_new(void);
void roster_free(struct roster *r);

enum roster_result {
    ROSTER_OK = 0,
    ROSTER_OLD, /* already known: nothing was done */
    ROSTER_GAP  /* versions in between are missing, or it is another epoch's: nothing was done */
};

/* One published change: `list` is "+alice -bob", `version` the one it leads to.  Items that are no
 * such thing, and names that nobody can have, are passed over; so they are in a load. */
enum roster_result roster_apply(struct roster *r, struct slice epoch, uint64_t version,
                                struct slice list);

/* Replaces everything: begin, all names, end.  What differs from before becomes a change like any
 * other.  Until `end`, changes are answered ROSTER_GAP. */
void roster_load_begin(struct roster *r);
void roster_load_name(struct roster *r, struct slice shown);
void roster_load_end(struct roster *r, struct slice epoch, uint64_t version);

/* Bundles what changed since the last call: appends {"joined":[...],"left":[...],"from":"...",
 * "cursor":"..."} and returns the number of names in it; 0 and nothing appended when nothing
 * changed. From then on this is what clients know. */
size_t roster_tell(struct roster *r, struct buf *out);

/* Has anything changed since? */
bool roster_has_news(const struct roster *r);
size_t roster_told_count(const struct roster *r); /* names that clients were told last */
/* The cursor that stands for it; opaque to clients; valid until the next roster_tell. */
struct slice roster_cursor(const struct roster *r);

/* ---- The full list, for somebody who comes ----
 *
 * It is taken now and then, not for each: its parts are the same for everybody, who comes later
 * gets in the last part who joined since, and behind it who left.  When that becomes too much the
 * list is dropped, and has to be taken anew.  A newcomer knows what happened a moment ago before
 * the others are told: the next bundle names all of that whatever happens until then. */

/* Is there one? */
bool roster_has_list(const struct roster *r);
void roster_take_list(struct roster *r);
/* How many parts are the same for everybody: none with up to ROSTER_PART names, which stand all in
 * the last part then. */
size_t roster_list_parts(const struct roster *r);
/* One of them, counted from 0: {"users":[...],"cursor":"...","part":1,"parts":3}. */
void roster_list_part(const struct roster *r, size_t part, struct buf *out);
/* The last part, with everybody who joined since, and `own` (may be empty) in any case; without
 * "part" and "parts" if it is the only one. */
void roster_list_rest(struct roster *r, struct slice own, struct buf *out);
/* Appends what leads from the list, which has one cursor in all its parts, to now: who is in it and
 * has left since, {"joined":[],"left":[...],"from":cursor,"cursor":cursor}.  False, and nothing
 * appended, when nobody has and the cursor is that of now. */
bool roster_list_gone(const struct roster *r, struct buf *out);

/* While frozen, lists still name whoever seems gone but was told. */
void roster_freeze(struct roster *r, bool frozen);

/* {"joined":[],"left":[],"from":cursor,"cursor":cursor}: the answer to somebody who missed nothing.
 */
void roster_nothing(const struct roster *r, struct buf *out);

#endif
