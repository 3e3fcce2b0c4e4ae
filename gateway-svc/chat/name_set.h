/* name_set.h - a hash set of names, each with the marks that its owner gives it (pure)
 *
 * The entries also stand in one array, in an order that the owner may change: the first so many of
 * them can be a list. */
#ifndef PARLEY_NAME_SET_H
#define PARLEY_NAME_SET_H

#include "shared/slice.h"

/* Small, because every gateway has one for each user there is. */
struct name_entry {
    struct name_entry *next; /* in its bucket */
    uint32_t place;          /* in `all` */
    bool present : 1;        /* roster.c's: now, */
    bool told : 1;           /* to clients, */
    bool changed : 1;        /* stands in `changed`, */
    bool hinted : 1;         /* somebody was told of it before the others, */
    bool loaded : 1;         /* seen by the load in progress */
    bool since : 1;          /* full_list.c's: stands in `since` */
    uint8_t len;
    char shown[]; /* as long as it is */
};

/* Some of them; borrowed. */
struct name_entries {
    struct name_entry **at;
    uint32_t count, cap;
};

struct name_set {
    struct name_entry **buckets;
    size_t mask;
    struct name_entries all;
};

void name_set_init(struct name_set *s);
void name_set_deinit(struct name_set *s);

static inline struct slice name_of(const struct name_entry *e)
{
    return (struct slice){e->shown, e->len};
}

struct name_entry *name_set_find(const struct name_set *s, struct slice name); /* or NULL */
/* A new one without marks, behind all others; `name` has at most 255 bytes and is not in it yet. */
struct name_entry *name_set_add(struct name_set *s, struct slice name);
/* Each takes the other's place in `all`. */
void name_set_swap(struct name_set *s, uint32_t a, uint32_t b);
/* Frees it, and the last of `all` takes its place, unless a mark keeps it: present, told, changed
 * or since. */
void name_set_release(struct name_set *s, struct name_entry *e);

void name_entries_push(struct name_entries *list, struct name_entry *e);

#endif
