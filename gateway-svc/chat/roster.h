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
/* True once a load has ended and no other has begun since. */
bool roster_is_loaded(const struct roster *r);
uint64_t roster_version(const struct roster *r);

/* Bundles what changed since the last call: appends {"joined":[...],"left":[...],"from":"...",
 * "cursor":"..."} and returns the number of names in it; 0 and nothing appended when nothing
 * changed. From then on this is what clients know. */
size_t roster_tell(struct roster *r, struct buf *out);

/* What clients were told last: */
size_t roster_told_count(const struct roster *r);
bool roster_was_told(const struct roster *r, struct slice shown);
/* The cursor that stands for it; opaque to clients; valid until the next roster_tell. */
struct slice roster_cursor(const struct roster *r);
/* {"users":[...],"cursor":"..."}; with more than ROSTER_PART names also "part" and "parts".  part
 * counts from 0.  Without `own` it is what clients were told last, the same for everybody; with it,
 * the last part also names who joined since, and `own` in any case. */
size_t roster_parts(const struct roster *r);
void roster_full(const struct roster *r, size_t part, struct slice own, struct buf *out);
/* Is there a change that clients were not told yet? */
bool roster_has_news(const struct roster *r);
/* To be called when a client just got the full list with its news: appends who left since the last
 * bundle, {"joined":[],"left":[...],"from":cursor,"cursor":cursor}, or returns false when nobody
 * did. The next bundle names all of them whatever happens until then, because that client knows
 * them. */
bool roster_hint(struct roster *r, bool leaves, struct buf *out);
/* {"joined":[],"left":[],"from":cursor,"cursor":cursor}: the answer to somebody who missed nothing.
 */
void roster_nothing(const struct roster *r, struct buf *out);

#endif
