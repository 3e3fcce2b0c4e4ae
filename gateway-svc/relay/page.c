/* page.c - takes apart an answer of parley_replay or parley_group */
#include "gateway-svc/relay/page.h"

enum { AT_NOW = 2, AT_WHOLE, AT_MORE, AT_NEXT, AT_ENTRIES };

static bool flag_at(const struct redis_reply *reply, size_t at)
{
    return slice_equal(redis_reply_text_at(reply, at), SLICE("1"));
}

static void read_entry(struct page *out, uint64_t last, struct slice text)
{
    struct bus_message *m = &out->entries[out->count];
    if (bus_message_decode(text, m) && m->id > last && m->id <= out->now) {
        out->count++;
    } else {
        out->whole = false;
    }
}

/* The last one that was read; `after` before the first. */
static uint64_t last_id(const struct page *page, uint64_t after)
{
    return page->count > 0 ? page->entries[page->count - 1].id : after;
}

/* Windows lose their oldest: what is missing was before the first entry, if the answer is as we
 * took it. */
static uint64_t newest_gone(const struct page *page, uint64_t after, bool as_said)
{
    uint64_t gone = as_said && page->count > 0 ? page->entries[0].id - 1 : page->now;
    return gone > after ? gone : after + 1;
}

/* Nobody goes round in circles, or past an entry, because of what an answer says. */
static void check_next(struct page *out, uint64_t after)
{
    uint64_t last = last_id(out, 0);
    if (out->more && (out->next <= after || out->next < last || out->next > out->now)) {
        out->more = false;
        out->whole = false;
    }
    if (!out->more) {
        out->next = out->now;
    }
}

bool page_read(const struct redis_reply *reply, enum page_kind kind, uint64_t after,
               struct page *out)
{
    size_t entries_at = kind == PAGE_OF_GROUP ? AT_ENTRIES + 1 : AT_ENTRIES;
    size_t count = redis_reply_count(reply);
    if (count < entries_at || count - entries_at > PAGE_ENTRIES) {
        return false;
    }
    out->now = redis_reply_u64_at(reply, AT_NOW);
    out->whole = flag_at(reply, AT_WHOLE);
    out->more = flag_at(reply, AT_MORE);
    out->next = redis_reply_u64_at(reply, AT_NEXT);
    out->count = 0;
    for (size_t i = entries_at; i < count; i++) {
        read_entry(out, last_id(out, after), redis_reply_text_at(reply, i));
    }
    check_next(out, after);
    bool as_said = out->count == count - entries_at && out->more == flag_at(reply, AT_MORE);
    out->gone = out->whole ? 0 : newest_gone(out, after, as_said);
    return true;
}
