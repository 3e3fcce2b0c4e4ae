/* roster.c - a hash set of names with two marks each: present now, and told to clients
 *
 * `told` entries stand in front of `all`, so that the full list is a prefix and needs no search. */
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
    uint32_t told; /* the first `told` of `all` are what clients know */
    struct entries changed;
    bool loading, loaded;
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

/* FNV-1a; names come from our own Redis, at most one per session. */
static size_t hash_name(struct slice s)
{
    uint64_t h = 14695981039346656037U;
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ (uint8_t)s.ptr[i]) * 1099511628211U;
    }
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
    if (e->told == told) {
        return;
    }
    e->told = told;
    if (told) {
        swap_places(r, e->place, r->told++);
    } else {
        swap_places(r, e->place, --r->told);
    }
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

/* What cannot be a name is passed over: channels are open to whoever may write to Redis. */
static void set_present(struct roster *r, struct slice shown, bool present)
{
    if (username_check(shown) != USERNAME_OK) {
        return;
    }
    struct entry *e = find(r, shown);
    if (!e) {
        if (!present) {
            return;
        }
        e = add(r, shown);
    }
    e->present = present;
    e->loaded = true;
    if (!e->changed) {
        e->changed = true;
        entries_push(&r->changed, e);
    }
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

/* Appends "key":[names]: those changed entries whose new state is `present`. */
static void put_changes(const struct roster *r, const char *key, bool present, struct buf *out)
{
    size_t count = 0;
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < r->changed.count; i++) {
        const struct entry *e = r->changed.at[i];
        if (e->present == present && is_news(e)) {
            buf_append(out, count++ ? SLICE(",") : SLICE(""));
            json_append_string(out, name_of(e));
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
    for (size_t i = 0; i < r->changed.count; i++) {
        struct entry *e = r->changed.at[i];
        e->changed = false;
        e->hinted = false;
        set_told(r, e, e->present);
        if (!e->present) {
            forget(r, e);
        }
    }
    r->changed.count = 0;
}

size_t roster_tell(struct roster *r, struct buf *out)
{
    if (!roster_is_loaded(r) || r->changed.count == 0) {
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

size_t roster_told_count(const struct roster *r)
{
    return r->told;
}

bool roster_was_told(const struct roster *r, struct slice shown)
{
    const struct entry *e = find(r, shown);
    return e && e->told;
}

struct slice roster_cursor(const struct roster *r)
{
    return slice_text(r->cursor);
}

size_t roster_parts(const struct roster *r)
{
    return r->told == 0 ? 1 : (r->told + ROSTER_PART - 1) / ROSTER_PART;
}

/* Appends who joined since the last bundle, and `own` unless it is among them or was told. */
static void put_newcomers(const struct roster *r, bool comma, struct slice own, struct buf *out)
{
    for (size_t i = 0; i < r->changed.count; i++) {
        const struct entry *e = r->changed.at[i];
        if (e->present && !e->told && !slice_equal(name_of(e), own)) {
            buf_append(out, comma ? SLICE(",") : SLICE(""));
            json_append_string(out, name_of(e));
            comma = true;
        }
    }
    if (!roster_was_told(r, own)) {
        buf_append(out, comma ? SLICE(",") : SLICE(""));
        json_append_string(out, own);
    }
}

bool roster_has_news(const struct roster *r)
{
    return count_changes(r) > 0;
}

bool roster_hint(struct roster *r, bool leaves, struct buf *out)
{
    size_t left = 0;
    for (size_t i = 0; i < r->changed.count; i++) {
        struct entry *e = r->changed.at[i];
        if (e->present != e->told && (e->present || leaves)) {
            e->hinted = true;
            left += !e->present;
        }
    }
    if (left == 0) {
        return false;
    }
    buf_append(out, SLICE("{\"joined\":[],"));
    put_changes(r, "left", false, out);
    put_cursor(out, "from", r->cursor);
    buf_byte(out, ',');
    put_cursor(out, "cursor", r->cursor);
    buf_byte(out, '}');
    return true;
}

void roster_full(const struct roster *r, size_t part, struct slice own, struct buf *out)
{
    size_t parts = roster_parts(r), first = part * ROSTER_PART;
    size_t end = part + 1 == parts ? r->told : first + ROSTER_PART;
    buf_append(out, SLICE("{\"users\":["));
    for (size_t i = first; i < end; i++) {
        buf_append(out, i > first ? SLICE(",") : SLICE(""));
        json_append_string(out, name_of(r->all.at[i]));
    }
    if (own.len > 0 && part + 1 == parts) {
        put_newcomers(r, end > first, own, out);
    }
    buf_append(out, SLICE("],"));
    put_cursor(out, "cursor", r->cursor);
    if (parts > 1) {
        buf_printf(out, ",\"part\":%zu,\"parts\":%zu", part + 1, parts);
    }
    buf_byte(out, '}');
}

void roster_nothing(const struct roster *r, struct buf *out)
{
    buf_append(out, SLICE("{\"joined\":[],\"left\":[],"));
    put_cursor(out, "from", r->cursor);
    buf_byte(out, ',');
    put_cursor(out, "cursor", r->cursor);
    buf_byte(out, '}');
}
