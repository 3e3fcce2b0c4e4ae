/* fill.h - what was missed on the channels, gathered from Redis and put in order (pure)
 *
 * A fill has sources: the group, and each session that was sent something; and a target, an id:
 * what is missing is above what was delivered before, and not above the target.  Everything above
 * the target comes, or waits already, on the channels: so the target is message:id as the first
 * answer says it after the hole was seen.  Sources are asked page by page, in any order.  What is
 * found, but not above what its clients have got, comes too late: ids rise.  It is lost.
 *
 * (When it is too much, a message of the group that is too late for one client may be in the pages
 * that another asks for, who is told of it all the same.  It takes one lost line of the group
 * before one of a user's that was not: Redis drops subscribers, never single lines.) */
#ifndef PARLEY_FILL_H
#define PARLEY_FILL_H

#include "gateway-svc/relay/page.h"
#include "gateway-svc/relay/pile.h"
#include "shared/token.h"

/* More is not gathered: then each client has to ask for itself, for what is behind the last that it
 * got.  Sources are asked on only for what comes too late, which is in no client's page. */
#define FILL_MAX_BYTES ((size_t)16 << 20)
#define FILL_MAX_GROUP_BYTES ((size_t)512 << 10)
#define FILL_MAX_SESSION_BYTES ((size_t)256 << 10)

struct fill_source {
    char session[TOKEN_HASH_LEN + 1]; /* hash; empty: the group */
    uint64_t after;                   /* up to here it was gathered, or delivered before */
    uint64_t passed;                  /* its clients may have got others up to here */
    size_t bytes;                     /* that were gathered */
    uint64_t lost;                    /* 0: nothing; else what is lost of it is not above this */
};

struct fill {
    uint64_t target; /* 0: not known yet */
    struct fill_source *sources;
    size_t count, cap, next;       /* next: the first one that was not asked yet */
    struct pile pile;              /* keys: the places of the sources */
    size_t group_max, session_max; /* bytes of one source */
    bool too_much;
};

/* queue_bytes: what may wait for a client.  It gets what was gathered at once, of the group and of
 * its session: so their texts are three quarters of it at most, and the rest is for what stands
 * around them, and for what waits already. */
void fill_init(struct fill *f, size_t queue_bytes);
void fill_clear(struct fill *f); /* forgets everything, and gives the memory back */

/* message:id in an answer; the first one counts. */
void fill_aim(struct fill *f, uint64_t id);
void fill_add(struct fill *f, struct slice session, uint64_t after, uint64_t passed);
/* Something of the source is lost, and is not above this id.  (May be above the target: what is
 * missing in a page, too, may have come later.) */
void fill_lost(struct fill_source *source, uint64_t id);
/* The place of a source that was not asked yet, and has to be; false when there is none. */
bool fill_next(struct fill *f, size_t *source);
/* Takes a page of it; true when it has to be asked again, after its new `after`. */
bool fill_page(struct fill *f, size_t source, const struct page *page);

#endif
