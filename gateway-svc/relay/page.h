/* page.h - one page of what Redis keeps of the messages, taken apart
 *
 * parley_replay answers with a page of what one session missed, parley_group with one of the
 * group. */
#ifndef PARLEY_PAGE_H
#define PARLEY_PAGE_H

#include "gateway-svc/relay/bus_line.h"
#include "shared/redis_conn.h"

#define PAGE_ENTRIES 64

struct page {
    uint64_t now;  /* message:id when it was read: whatever is published later is above it */
    bool whole;    /* nothing that belongs behind `after`, up to `next`, is missing */
    uint64_t gone; /* not whole: what is missing is not above this id; whole: 0 */
    bool more;     /* there is more behind `next`, up to `now` */
    uint64_t next; /* where the next page begins; `now` when there is no more */
    size_t count;
    struct bus_message entries[PAGE_ENTRIES]; /* ascending, above `after`, not above `now` */
};

enum page_kind { PAGE_OF_SESSION, PAGE_OF_GROUP };

/* Takes apart an answer "ok" to the question what came after `after`.  Entries that are no messages
 * of ours are left out, and the page is not whole then.  False when it is no page.  Slices point
 * into it. */
bool page_read(const struct redis_reply *reply, enum page_kind kind, uint64_t after,
               struct page *out);

#endif
