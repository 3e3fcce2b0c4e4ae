/* roster.c - a hash set of names with two marks each: present now, and told to clients
 *
 * The full list that newcomers get stands in front of `all`.  It stays as it was taken, so what has
 * changed `since` must not be forgotten before the list is: that is kept below the square root of
 * the list's length, where naming it to each newcomer costs as much as taking the list now and then
 * does. */
#include "gateway-svc/chat/roster.h"
#include "shared/json.h"
#include "shared/must.h"
#include "shared/username.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_TEXT 32
#define CURSOR_MAX (EPOCH_TEXT + 24)

/* Small, because every gateway has one for each user there is. */
struct entry {
    struct entry *next; /* in its bucket */
    uint32_t place;     /* in `all` */
    bool present : 1;
    bool told : 1;
    bool changed : 1; /* stands in `changed` */
    bool since : 1;   /* stands in `since` */
    bool hinted : 1;  /* somebody was told of it before the others */
    bool loaded : 1;  /* seen by the load in progress */
    uint8_t len;
    char shown[]; /* as long as it is */
};

struct entries {
    struct entry **at;
    uint32_t count, cap;
};

struct roster {
    struct entry **buckets;
    size_t mask;
    struct entries all;
    struct entries changed; /* since the last bundle */
    uint32_t told;          /* how many clients were told of */
    bool loading, loaded, frozen;
    bool has_list;
    bool peeked;                      /* somebody was given the list since the last bundle */
    uint32_t listed;                  /* the first of `all` are the list that was taken */
    struct entries since;             /* what has changed since it was taken */
    struct buf first;                 /* what the last part of it begins with */
    char list_cursor[CURSOR_MAX + 1]; /* of all its parts */
    char epoch[EPOCH_TEXT + 1];
    uint64_t version;
    char cursor[CURSOR_MAX + 1];
};

static void entries_push(struct entries *list, struct entry *e)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->at = must(realloc(list->at, list->cap * sizeof(struct entry *)));
    }
    list->at[list->count++] = e;
}

/* Names come from our own Redis, at most one per session. */
static size_t hash_name(struct slice s)
{
    uint64_t h = slice_hash(s);
    return (size_t)(h ^ (h >> 32));
}

static struct slice name_of(const struct entry *e)
{
    return (struct slice){e->shown, e->len};
}

static struct entry *find(const struct roster *r, struct slice shown)
{
    struct entry *e = r->buckets[hash_name(shown) & r->mask];
    while (e && !slice_equal(name_of(e), shown)) {
        e = e->next;
    }
    return e;
}

static void grow(struct roster *r)
{
    size_t count = 2 * (r->mask + 1);
    struct entry **buckets = must(calloc(count, sizeof(struct entry *)));
    for (size_t i = 0; i < r->all.count; i++) {
        struct entry *e = r->all.at[i];
        struct entry **slot = &buckets[hash_name(name_of(e)) & (count - 1)];
        e->next = *slot;
        *slot = e;
    }
    free(r->buckets);
    r->buckets = buckets;
    r->mask = count - 1;
}

static struct entry *add(struct roster *r, struct slice shown)
{
    if (r->all.count > 2 * r->mask) {
        grow(r);
    }
    struct entry *e = must(calloc(1, offsetof(struct entry, shown) + shown.len));
    e->len = (uint8_t)shown.len;
    memcpy(e->shown, shown.ptr, shown.len);
    e->place = r->all.count;
    entries_push(&r->all, e);
    struct entry **slot = &r->buckets[hash_name(shown) & r->mask];
    e->next = *slot;
    *slot = e;
    return e;
}

static void swap_places(struct roster *r, uint32_t a, uint32_t b)
{
    struct entry *x = r->all.at[a], *y = r->all.at[b];
    r->all.at[a] = y;
    y->place = a;
    r->all.at[b] = x;
    x->place = b;
}

/* The one function that changes what clients know of an entry. */
static void set_told(struct roster *r, struct entry *e, bool told)
{
    r->told = r->told - e->told + told;
    e->told = told;
}

static void forget(struct roster *r, struct entry *e)
{
    assert(!e->told && !e->present);
    struct entry **slot = &r->buckets[hash_name(name_of(e)) & r->mask];
    while (*slot != e) {
        slot = &(*slot)->next;
    }
    *slot = e->next;
    swap_places(r, e->place, r->all.count - 1);
    r->all.count--;
    free(e);
}

/* ---- What has changed since the list was taken ----------------------------------------------- */

/* Is it in the list that was taken? */
static bool is_listed(const struct roster *r, const struct entry *e)
{
    return e->place < r->listed;
}

/* Would it be in one that is taken now? */
static bool is_seen(const struct roster *r, const struct entry *e)
{
    return e->present || (r->frozen && e->told);
}

/* Nobody needs it any more. */
static bool is_dead(const struct entry *e)
{
    return !e->present && !e->told && !e->changed && !e->since;
}

static void drop_list(struct roster *r)
{
    r->has_list = false;
    r->listed = 0;
    for (uint32_t i = 0; i < r->since.count; i++) {
        struct entry *e = r->since.at[i];
        e->since = false;
        if (is_dead(e)) {
            forget(r, e);
        }
    }
    r->since.count = 0;
}

/* A short list is one event, and nobody who has left stands in it. */
static bool is_list_stale(const struct roster *r, const struct entry *last)
{
    uint64_t since = r->since.count;
    return since * since > 2 * (uint64_t)r->listed ||
           (r->listed <= ROSTER_PART && is_listed(r, last) && !is_seen(r, last));
}

static void note_since(struct roster *r, struct entry *e)
{
    if (!r->has_list) {
        return;
    }
    if (!e->since) {
        e->since = true;
        entries_push(&r->since, e);
    }
    if (is_list_stale(r, e)) {
        drop_list(r);
    }
}

/* ---- Changes --------------------------------------------------------------------------------- */

/* Whoever was given the list since the last bundle may know it as it is, which the others do not.
 * (Or was given it before it changed: then a bundle names it in vain.) */
static void hint(const struct roster *r, struct entry *e)
{
    if (r->peeked && is_seen(r, e) != e->told) {
        e->hinted = true;
    }
}

/* What cannot be a name is passed over: channels are open to whoever may write to Redis. */
static void set_present(struct roster *r, struct slice shown, bool present)
{
    if (username_check(shown) != USERNAME_OK) {
        return;
    }
    struct entry *e = find(r, shown);
    if (!e && present) {
        e = add(r, shown);
    }
    if (!e) {
        return;
    }
    e->loaded = true;
    if (e->present == present) {
        return;
    }
    hint(r, e);
    e->present = present;
    if (!e->changed) {
        e->changed = true;
        entries_push(&r->changed, e);
    }
    note_since(r, e);
}

static void copy_epoch(struct roster *r, struct slice epoch)
{
    struct slice cut = slice_head(epoch, EPOCH_TEXT);
    memset(r->epoch, 0, sizeof r->epoch);
    if (cut.len > 0) {
        memcpy(r->epoch, cut.ptr, cut.len);
    }
}

static void set_cursor(struct roster *r)
{
    struct buf b;
    buf_init(&b, CURSOR_MAX);
    buf_append(&b, slice_text(r->epoch));
    buf_byte(&b, '.');
    buf_u64(&b, r->version);
    memset(r->cursor, 0, sizeof r->cursor);
    memcpy(r->cursor, b.ptr, b.len);
    buf_deinit(&b);
}

struct roster *roster_new(void)
{
    struct roster *r = must(calloc(1, sizeof *r));
    r->mask = 63;
    r->buckets = must(calloc(r->mask + 1, sizeof(struct entry *)));
    buf_init(&r->first, SIZE_MAX);
    set_cursor(r);
    return r;
}

void roster_free(struct roster *r)
{
    if (!r) {
        return;
    }
    for (size_t i = 0; i < r->all.count; i++) {
        free(r->all.at[i]);
    }
    free(r->all.at);
    free(r->changed.at);
    free(r->since.at);
    buf_deinit(&r->first);
    free(r->buckets);
    free(r);
}

enum roster_result roster_apply(struct roster *r, struct slice epoch, uint64_t version,
                                struct slice list)
{
    if (!roster_is_loaded(r) || !slice_equal(epoch, slice_text(r->epoch))) {
        return ROSTER_GAP;
    }
    if (version <= r->version) {
        return ROSTER_OLD;
    }
    if (version != r->version + 1) {
        return ROSTER_GAP;
    }
    r->version = version;
    while (list.len > 0) {
        struct slice item = slice_cut(&list, ' ');
        if (slice_starts(item, SLICE("+")) || slice_starts(item, SLICE("-"))) {
            set_present(r, slice_tail(item, 1), item.ptr[0] == '+');
        }
    }
    return ROSTER_OK;
}

void roster_load_begin(struct roster *r)
{
    r->loading = true;
    for (size_t i = 0; i < r->all.count; i++) {
        r->all.at[i]->loaded = false;
    }
}

void roster_load_name(struct roster *r, struct slice shown)
{
    set_present(r, shown, true);
}

void roster_load_end(struct roster *r, struct slice epoch, uint64_t version)
{
    drop_list(r); /* so that nobody is forgotten on the way through all */
    for (size_t i = 0; i < r->all.count; i++) {
        struct entry *e = r->all.at[i];
        if (!e->loaded && e->present) {
            set_present(r, name_of(e), false);
        }
    }
    copy_epoch(r, epoch);
    r->version = version;
    r->loading = false;
    r->loaded = true;
}

bool roster_is_loaded(const struct roster *r)
{
    return r->loaded && !r->loading;
}

uint64_t roster_version(const struct roster *r)
{
    return r->version;
}

/* Must the next bundle name it?  Also if it is again as it was told, but somebody was told of what
 * it was in between. */
static bool is_news(const struct entry *e)
{
    return e->present != e->told || e->hinted;
}

static size_t count_changes(const struct roster *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->changed.count; i++) {
        count += is_news(r->changed.at[i]);
    }
    return count;
}

/* Appends a name as JSON, which in a name is no more than quotes, and a comma before all but the
 * first.  Returns false, so that it can be kept as `first`. */
static bool put_name(struct buf *out, const struct entry *e, bool first)
{
    char text[USERNAME_MAX + 3];
    size_t len = 0;
    if (!first) {
        text[len++] = ',';
    }
    text[len++] = '"';
    memcpy(text + len, e->shown, e->len);
    len += e->len;
    text[len++] = '"';
    buf_append(out, (struct slice){text, len});
    return false;
}

/* Appends "key":[names]: those changed entries whose new state is `present`. */
static void put_changes(const struct roster *r, const char *key, bool present, struct buf *out)
{
    bool first = true;
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < r->changed.count; i++) {
        const struct entry *e = r->changed.at[i];
        if (e->present == present && is_news(e)) {
            first = put_name(out, e, first);
        }
    }
    buf_append(out, SLICE("],"));
}

static void put_cursor(struct buf *out, const char *key, const char *cursor)
{
    buf_printf(out, "\"%s\":\"%s\"", key, cursor);
}

static void settle_changes(struct roster *r)
{
    if (r->frozen) {
        drop_list(r); /* it names whoever was told */
    }
    r->peeked = false;
    for (size_t i = 0; i < r->changed.count; i++) {
        struct entry *e = r->changed.at[i];
        e->changed = false;
        e->hinted = false;
        set_told(r, e, e->present);
        if (is_dead(e)) {
            forget(r, e);
        }
    }
    r->changed.count = 0;
}

size_t roster_tell(struct roster *r, struct buf *out)
{
    if (!roster_is_loaded(r)) {
        return 0;
    }
    size_t count = count_changes(r);
    if (count == 0) { /* everybody who left is back: nobody was told, nobody needs to be */
        settle_changes(r);
        return 0;
    }
    buf_byte(out, '{');
    put_changes(r, "joined", true, out);
    put_changes(r, "left", false, out);
    settle_changes(r);
    put_cursor(out, "from", r->cursor);
    set_cursor(r);
    buf_byte(out, ',');
    put_cursor(out, "cursor", r->cursor);
    buf_byte(out, '}');
    return count;
}

bool roster_has_news(const struct roster *r)
{
    return r->changed.count > 0;
}

size_t roster_told_count(const struct roster *r)
{
    return r->told;
}

struct slice roster_cursor(const struct roster *r)
{
    return slice_text(r->cursor);
}

/* ---- The full list --------------------------------------------------------------------------- */

bool roster_has_list(const struct roster *r)
{
    return r->has_list;
}

size_t roster_list_parts(const struct roster *r)
{
    return r->listed <= ROSTER_PART ? 0 : (r->listed + ROSTER_PART - 1) / ROSTER_PART;
}

/* Appends these of the list. */
static void put_listed(const struct roster *r, size_t begin, size_t end, struct buf *out)
{
    bool first = true;
    buf_append(out, SLICE("{\"users\":["));
    for (size_t i = begin; i < end; i++) {
        first = put_name(out, r->all.at[i], first);
    }
}

void roster_take_list(struct roster *r)
{
    uint32_t listed = 0;
    drop_list(r);
    for (uint32_t i = 0; i < r->all.count; i++) {
        if (is_seen(r, r->all.at[i])) {
            swap_places(r, i, listed++);
        }
    }
    r->listed = listed;
    r->has_list = true;
    memcpy(r->list_cursor, r->cursor, sizeof r->cursor);
    buf_clear(&r->first);
    put_listed(r, 0, roster_list_parts(r) == 0 ? listed : 0, &r->first);
}

/* The cursor that newcomers get with the list.  One event needs no other than that of now. */
static const char *list_cursor(const struct roster *r)
{
    return roster_list_parts(r) > 0 ? r->list_cursor : r->cursor;
}

/* Ends a part; `part` counts from 1. */
static void put_end(const struct roster *r, size_t part, struct buf *out)
{
    size_t parts = roster_list_parts(r) + 1;
    buf_append(out, SLICE("],"));
    put_cursor(out, "cursor", list_cursor(r));
    if (parts > 1) {
        buf_printf(out, ",\"part\":%zu,\"parts\":%zu", part, parts);
    }
    buf_byte(out, '}');
}

void roster_list_part(const struct roster *r, size_t part, struct buf *out)
{
    size_t begin = part * ROSTER_PART, end = begin + ROSTER_PART;
    put_listed(r, begin, end < r->listed ? end : r->listed, out);
    put_end(r, part + 1, out);
}

void roster_list_rest(struct roster *r, struct slice own, struct buf *out)
{
    bool first = roster_list_parts(r) > 0 || r->listed == 0;
    const struct entry *me = own.len > 0 ? find(r, own) : NULL;
    buf_append(out, buf_slice(&r->first));
    for (uint32_t i = 0; i < r->since.count; i++) {
        const struct entry *e = r->since.at[i];
        if (is_seen(r, e) && !is_listed(r, e)) {
            first = put_name(out, e, first);
        }
    }
    if (own.len > 0 && !(me && is_seen(r, me))) {
        buf_append(out, first ? SLICE("") : SLICE(","));
        json_append_string(out, own);
    }
    put_end(r, roster_list_parts(r) + 1, out);
    r->peeked = true;
}

static size_t count_gone(const struct roster *r)
{
    size_t count = 0;
    for (uint32_t i = 0; i < r->since.count; i++) {
        count += is_listed(r, r->since.at[i]) && !is_seen(r, r->since.at[i]);
    }
    return count;
}

bool roster_list_gone(const struct roster *r, struct buf *out)
{
    bool first = true;
    if (count_gone(r) == 0 && strcmp(list_cursor(r), r->cursor) == 0) {
        return false;
    }
    buf_append(out, SLICE("{\"joined\":[],\"left\":["));
    for (uint32_t i = 0; i < r->since.count; i++) {
        const struct entry *e = r->since.at[i];
        if (is_listed(r, e) && !is_seen(r, e)) {
            first = put_name(out, e, first);
        }
    }
    buf_append(out, SLICE("],"));
    put_cursor(out, "from", list_cursor(r));
    buf_byte(out, ',');
    put_cursor(out, "cursor", r->cursor);
    buf_byte(out, '}');
    return true;
}

void roster_freeze(struct roster *r, bool frozen)
{
    if (r->frozen == frozen) {
        return;
    }
    for (uint32_t i = 0; i < r->changed.count; i++) {
        hint(r, r->changed.at[i]);
    }
    r->frozen = frozen;
    drop_list(r);
}

void roster_nothing(const struct roster *r, struct buf *out)
{
    buf_append(out, SLICE("{\"joined\":[],\"left\":[],"));
    put_cursor(out, "from", r->cursor);
    buf_byte(out, ',');
    put_cursor(out, "cursor", r->cursor);
    buf_byte(out, '}');
}
