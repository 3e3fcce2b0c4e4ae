/* full_list.c - the list of users as newcomers get it */
#include "gateway-svc/chat/full_list.h"
#include "gateway-svc/chat/payload.h"
#include "gateway-svc/chat/roster.h"
#include "shared/json.h"
#include "shared/username.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGINNING "{\"users\":["
#define FIRST_MAX (sizeof BEGINNING + (size_t)ROSTER_PART * (USERNAME_MAX + 3))

void full_list_init(struct full_list *l, struct name_set *set)
{
    *l = (struct full_list){.set = set};
    buf_init(&l->first, FIRST_MAX);
}

void full_list_deinit(struct full_list *l)
{
    free(l->since.at);
    buf_deinit(&l->first);
}

/* Is it in the list that was taken? */
static bool is_listed(const struct full_list *l, const struct name_entry *e)
{
    return e->place < l->listed;
}

/* Would it be in one that is taken now? */
bool full_list_sees(const struct full_list *l, const struct name_entry *e)
{
    return e->present || (l->frozen && e->told);
}

void full_list_drop(struct full_list *l)
{
    l->taken = false;
    l->listed = 0;
    for (uint32_t i = 0; i < l->since.count; i++) {
        struct name_entry *e = l->since.at[i];
        e->since = false;
        name_set_release(l->set, e);
    }
    l->since.count = 0;
}

/* A short list is one event, and nobody who has left stands in it. */
static bool is_list_stale(const struct full_list *l, const struct name_entry *last)
{
    uint64_t since = l->since.count;
    return since * since > 2 * (uint64_t)l->listed ||
           (l->listed <= ROSTER_PART && is_listed(l, last) && !full_list_sees(l, last));
}

void full_list_note(struct full_list *l, struct name_entry *e)
{
    if (!l->taken) {
        return;
    }
    if (!e->since) {
        e->since = true;
        name_entries_push(&l->since, e);
    }
    if (is_list_stale(l, e)) {
        full_list_drop(l);
    }
}

size_t full_list_parts(const struct full_list *l)
{
    return l->listed <= ROSTER_PART ? 0 : (l->listed + ROSTER_PART - 1) / ROSTER_PART;
}

/* Appends these of the list. */
static void put_listed(const struct full_list *l, size_t begin, size_t end, struct buf *out)
{
    bool first = true;
    buf_append(out, SLICE(BEGINNING));
    for (size_t i = begin; i < end; i++) {
        first = payload_put_name(out, name_of(l->set->all.at[i]), first);
    }
}

void full_list_take(struct full_list *l, const char *now)
{
    uint32_t listed = 0;
    full_list_drop(l);
    for (uint32_t i = 0; i < l->set->all.count; i++) {
        if (full_list_sees(l, l->set->all.at[i])) {
            name_set_swap(l->set, i, listed++);
        }
    }
    l->listed = listed;
    l->taken = true;
    (void)snprintf(l->cursor, sizeof l->cursor, "%s", now);
    buf_clear(&l->first);
    put_listed(l, 0, full_list_parts(l) == 0 ? listed : 0, &l->first);
}

/* The cursor that newcomers get with the list.  One event needs no other than that of now. */
static const char *cursor_of(const struct full_list *l, const char *now)
{
    return full_list_parts(l) > 0 ? l->cursor : now;
}

/* Ends a part; `part` counts from 1. */
static void put_end(const struct full_list *l, size_t part, const char *now, struct buf *out)
{
    size_t parts = full_list_parts(l) + 1;
    buf_append(out, SLICE("],"));
    payload_put_cursor(out, "cursor", cursor_of(l, now));
    if (parts > 1) {
        buf_printf(out, ",\"part\":%zu,\"parts\":%zu", part, parts);
    }
    buf_byte(out, '}');
}

void full_list_part(const struct full_list *l, size_t part, const char *now, struct buf *out)
{
    size_t begin = part * ROSTER_PART, end = begin + ROSTER_PART;
    put_listed(l, begin, end < l->listed ? end : l->listed, out);
    put_end(l, part + 1, now, out);
}

void full_list_rest(const struct full_list *l, struct slice own, const char *now, struct buf *out)
{
    bool first = full_list_parts(l) > 0 || l->listed == 0;
    const struct name_entry *me = own.len > 0 ? name_set_find(l->set, own) : NULL;
    buf_append(out, buf_slice(&l->first));
    for (uint32_t i = 0; i < l->since.count; i++) {
        const struct name_entry *e = l->since.at[i];
        if (full_list_sees(l, e) && !is_listed(l, e)) {
            first = payload_put_name(out, name_of(e), first);
        }
    }
    if (own.len > 0 && !(me && full_list_sees(l, me))) {
        buf_append(out, first ? SLICE("") : SLICE(","));
        json_append_string(out, own);
    }
    put_end(l, full_list_parts(l) + 1, now, out);
}

static size_t count_gone(const struct full_list *l)
{
    size_t count = 0;
    for (uint32_t i = 0; i < l->since.count; i++) {
        count += is_listed(l, l->since.at[i]) && !full_list_sees(l, l->since.at[i]);
    }
    return count;
}

bool full_list_gone(const struct full_list *l, const char *now, struct buf *out)
{
    bool first = true;
    if (count_gone(l) == 0 && strcmp(cursor_of(l, now), now) == 0) {
        return false;
    }
    buf_append(out, SLICE("{\"joined\":[],\"left\":["));
    for (uint32_t i = 0; i < l->since.count; i++) {
        const struct name_entry *e = l->since.at[i];
        if (is_listed(l, e) && !full_list_sees(l, e)) {
            first = payload_put_name(out, name_of(e), first);
        }
    }
    buf_append(out, SLICE("],"));
    payload_put_cursor(out, "from", cursor_of(l, now));
    buf_byte(out, ',');
    payload_put_cursor(out, "cursor", now);
    buf_byte(out, '}');
    return true;
}

void full_list_freeze(struct full_list *l, bool frozen)
{
    l->frozen = frozen;
    full_list_drop(l);
}
