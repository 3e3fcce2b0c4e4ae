/* roster.c - a set of names with two marks each: present now, and told to clients */
#include "gateway-svc/chat/roster.h"
#include "gateway-svc/chat/full_list.h"
#include "gateway-svc/chat/payload.h"
#include "shared/must.h"
#include "shared/username.h"
#include <stdlib.h>
#include <string.h>

#define EPOCH_TEXT 32
#define CURSOR_MAX FULL_LIST_CURSOR_MAX

_Static_assert(CURSOR_MAX >= EPOCH_TEXT + 21, "epoch, dot and version");

struct roster {
    struct name_set set;
    struct full_list list;
    struct name_entries changed; /* since the last bundle */
    uint32_t told;               /* how many clients were told of */
    bool loading, loaded;
    bool peeked; /* somebody was given the list since the last bundle */
    char epoch[EPOCH_TEXT + 1];
    uint64_t version;
    char cursor[CURSOR_MAX + 1];
};

/* A load has ended, and no other has begun since. */
static bool is_loaded(const struct roster *r)
{
    return r->loaded && !r->loading;
}

/* The one function that changes what clients know of an entry. */
static void set_told(struct roster *r, struct name_entry *e, bool told)
{
    r->told = r->told - e->told + told;
    e->told = told;
}

/* ---- Changes --------------------------------------------------------------------------------- */

/* Whoever was given the list since the last bundle may know it as it is, which the others do not.
 * (Or was given it before it changed: then a bundle names it in vain.) */
static void hint(const struct roster *r, struct name_entry *e)
{
    if (r->peeked && full_list_sees(&r->list, e) != e->told) {
        e->hinted = true;
    }
}

/* What cannot be a name is passed over: channels are open to whoever may write to Redis. */
static void set_present(struct roster *r, struct slice shown, bool present)
{
    if (username_check(shown) != USERNAME_OK) {
        return;
    }
    struct name_entry *e = name_set_find(&r->set, shown);
    if (!e && present) {
        e = name_set_add(&r->set, shown);
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
        name_entries_push(&r->changed, e);
    }
    full_list_note(&r->list, e);
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
    name_set_init(&r->set);
    full_list_init(&r->list, &r->set);
    set_cursor(r);
    return r;
}

void roster_free(struct roster *r)
{
    if (!r) {
        return;
    }
    full_list_deinit(&r->list);
    name_set_deinit(&r->set);
    free(r->changed.at);
    free(r);
}

enum roster_result roster_apply(struct roster *r, struct slice epoch, uint64_t version,
                                struct slice list)
{
    if (!is_loaded(r) || !slice_equal(epoch, slice_text(r->epoch))) {
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
    for (size_t i = 0; i < r->set.all.count; i++) {
        r->set.all.at[i]->loaded = false;
    }
}

void roster_load_name(struct roster *r, struct slice shown)
{
    set_present(r, shown, true);
}

void roster_load_end(struct roster *r, struct slice epoch, uint64_t version)
{
    full_list_drop(&r->list); /* so that nobody is forgotten on the way through all */
    for (size_t i = 0; i < r->set.all.count; i++) {
        struct name_entry *e = r->set.all.at[i];
        if (!e->loaded && e->present) {
            set_present(r, name_of(e), false);
        }
    }
    copy_epoch(r, epoch);
    r->version = version;
    r->loading = false;
    r->loaded = true;
}

/* Must the next bundle name it?  Also if it is again as it was told, but somebody was told of what
 * it was in between. */
static bool is_news(const struct name_entry *e)
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
    bool first = true;
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < r->changed.count; i++) {
        const struct name_entry *e = r->changed.at[i];
        if (e->present == present && is_news(e)) {
            first = payload_put_name(out, name_of(e), first);
        }
    }
    buf_append(out, SLICE("],"));
}

static void settle_changes(struct roster *r)
{
    if (r->list.frozen) {
        full_list_drop(&r->list); /* it names whoever was told */
    }
    r->peeked = false;
    for (size_t i = 0; i < r->changed.count; i++) {
        struct name_entry *e = r->changed.at[i];
        e->changed = false;
        e->hinted = false;
        set_told(r, e, e->present);
        name_set_release(&r->set, e);
    }
    r->changed.count = 0;
}

size_t roster_tell(struct roster *r, struct buf *out)
{
    if (!is_loaded(r)) {
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
    payload_put_cursor(out, "from", r->cursor);
    set_cursor(r);
    buf_byte(out, ',');
    payload_put_cursor(out, "cursor", r->cursor);
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
    return r->list.taken;
}

void roster_take_list(struct roster *r)
{
    full_list_take(&r->list, r->cursor);
}

size_t roster_list_parts(const struct roster *r)
{
    return full_list_parts(&r->list);
}

void roster_list_part(const struct roster *r, size_t part, struct buf *out)
{
    full_list_part(&r->list, part, r->cursor, out);
}

void roster_list_rest(struct roster *r, struct slice own, struct buf *out)
{
    full_list_rest(&r->list, own, r->cursor, out);
    r->peeked = true;
}

bool roster_list_gone(const struct roster *r, struct buf *out)
{
    return full_list_gone(&r->list, r->cursor, out);
}

void roster_freeze(struct roster *r, bool frozen)
{
    if (r->list.frozen == frozen) {
        return;
    }
    for (uint32_t i = 0; i < r->changed.count; i++) {
        hint(r, r->changed.at[i]);
    }
    full_list_freeze(&r->list, frozen);
}

void roster_nothing(const struct roster *r, struct buf *out)
{
    buf_append(out, SLICE("{\"joined\":[],\"left\":[],"));
    payload_put_cursor(out, "from", r->cursor);
    buf_byte(out, ',');
    payload_put_cursor(out, "cursor", r->cursor);
    buf_byte(out, '}');
}
