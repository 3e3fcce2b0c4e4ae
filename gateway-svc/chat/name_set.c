/* name_set.c - a hash set of names, each with marks */
#include "gateway-svc/chat/name_set.h"
#include "shared/must.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

void name_set_init(struct name_set *s)
{
    *s = (struct name_set){.mask = BUCKETS_MIN - 1};
    s->buckets = must(calloc(BUCKETS_MIN, sizeof(struct name_entry *)));
}

void name_set_deinit(struct name_set *s)
{
    for (size_t i = 0; i < s->all.count; i++) {
        free(s->all.at[i]);
    }
    free(s->all.at);
    free(s->buckets);
}

void name_entries_push(struct name_entries *list, struct name_entry *e)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->at = must(realloc(list->at, list->cap * sizeof(struct name_entry *)));
    }
    list->at[list->count++] = e;
}

/* FNV-1a; names come from our own Redis, at most one per session. */
static size_t hash_name(struct slice s)
{
    uint64_t h = slice_hash(s);
    return (size_t)(h ^ (h >> 32));
}

struct name_entry *name_set_find(const struct name_set *s, struct slice name)
{
    struct name_entry *e = s->buckets[hash_name(name) & s->mask];
    while (e && !slice_equal(name_of(e), name)) {
        e = e->next;
    }
    return e;
}

static void grow(struct name_set *s)
{
    size_t count = 2 * (s->mask + 1);
    struct name_entry **buckets = must(calloc(count, sizeof(struct name_entry *)));
    for (size_t i = 0; i < s->all.count; i++) {
        struct name_entry *e = s->all.at[i];
        struct name_entry **slot = &buckets[hash_name(name_of(e)) & (count - 1)];
        e->next = *slot;
        *slot = e;
    }
    free(s->buckets);
    s->buckets = buckets;
    s->mask = count - 1;
}

struct name_entry *name_set_add(struct name_set *s, struct slice name)
{
    if (s->all.count > 2 * s->mask) {
        grow(s);
    }
    struct name_entry *e = must(calloc(1, offsetof(struct name_entry, shown) + name.len));
    e->len = (uint8_t)name.len;
    memcpy(e->shown, name.ptr, name.len);
    e->place = s->all.count;
    name_entries_push(&s->all, e);
    struct name_entry **slot = &s->buckets[hash_name(name) & s->mask];
    e->next = *slot;
    *slot = e;
    return e;
}

void name_set_swap(struct name_set *s, uint32_t a, uint32_t b)
{
    struct name_entry *x = s->all.at[a], *y = s->all.at[b];
    s->all.at[a] = y;
    y->place = a;
    s->all.at[b] = x;
    x->place = b;
}

void name_set_release(struct name_set *s, struct name_entry *e)
{
    if (e->present || e->told || e->changed || e->since) {
        return;
    }
    struct name_entry **slot = &s->buckets[hash_name(name_of(e)) & s->mask];
    while (*slot != e) {
        slot = &(*slot)->next;
    }
    *slot = e->next;
    name_set_swap(s, e->place, s->all.count - 1);
    s->all.count--;
    free(e);
}
