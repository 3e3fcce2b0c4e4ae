/* sessions.c - hash table and dense list of sessions
 *
 * The table holds places in the list, with linear probing: half of what pointers would take, and
 * sessions need none to each other. */
#include "gateway-svc/relay/sessions.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sessions {
    uint32_t *slots; /* a session's place + 1, or 0; three quarters of them are taken at most */
    size_t mask;
    struct session **all;
    size_t count, cap;
};

void session_name(const struct session *s, char out[USERNAME_MAX + 1])
{
    username_fold(slice_text(s->shown), out);
}

void session_hash(const struct session *s, char out[TOKEN_HASH_LEN + 1])
{
    token_hash_print(s->hash, out);
}

/* The slot of that session, or the empty one that it would get.  The key is a SHA-256 already: its
 * first bytes are as good as any hash of it. */
static size_t slot_of(const struct sessions *t, const uint8_t *hash)
{
    uint64_t h;
    memcpy(&h, hash, sizeof h);
    size_t i = (size_t)((h * 0x9e3779b97f4a7c15U) >> 32) & t->mask;
    while (t->slots[i] > 0 && memcmp(t->all[t->slots[i] - 1]->hash, hash, TOKEN_HASH_BYTES) != 0) {
        i = (i + 1) & t->mask;
    }
    return i;
}

static void put(struct sessions *t, uint32_t place)
{
    t->slots[slot_of(t, t->all[place]->hash)] = place + 1;
}

static void grow(struct sessions *t)
{
    size_t count = 2 * (t->mask + 1);
    free(t->slots);
    t->slots = must(calloc(count, sizeof *t->slots));
    t->mask = count - 1;
    for (uint32_t i = 0; i < t->count; i++) {
        put(t, i);
    }
}

struct sessions *sessions_new(void)
{
    struct sessions *t = must(calloc(1, sizeof *t));
    t->mask = 63;
    t->slots = must(calloc(t->mask + 1, sizeof *t->slots));
    return t;
}

void sessions_free(struct sessions *t)
{
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        free(t->all[i]);
    }
    free(t->all);
    free(t->slots);
    free(t);
}

size_t sessions_count(const struct sessions *t)
{
    return t->count;
}

struct session *sessions_at(const struct sessions *t, size_t i)
{
    assert(i < t->count);
    return t->all[i];
}

struct session *sessions_find(const struct sessions *t, struct slice hash)
{
    uint8_t bytes[TOKEN_HASH_BYTES];
    if (!token_hash_read(hash, bytes)) {
        return NULL;
    }
    uint32_t place = t->slots[slot_of(t, bytes)];
    return place > 0 ? t->all[place - 1] : NULL;
}

struct session *sessions_add(struct sessions *t, struct slice hash)
{
    if (t->count >= (t->mask + 1) / 4 * 3) {
        grow(t);
    }
    if (t->count == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 64;
        t->all = must(realloc(t->all, t->cap * sizeof(struct session *)));
    }
    struct session *s = must(calloc(1, sizeof *s));
    bool good = token_hash_read(hash, s->hash);
    assert(good);
    (void)good;
    s->place = (uint32_t)t->count;
    t->all[t->count++] = s;
    put(t, s->place);
    return s;
}

/* Sessions that stand behind an emptied slot, because it was taken when they came, move up. */
static void close_gap(struct sessions *t, size_t gap)
{
    for (size_t i = (gap + 1) & t->mask; t->slots[i] > 0; i = (i + 1) & t->mask) {
        uint32_t place = t->slots[i] - 1;
        t->slots[i] = 0;
        put(t, place);
    }
}

void sessions_remove(struct sessions *t, struct session *s)
{
    struct session *last = t->all[t->count - 1];
    size_t slot = slot_of(t, s->hash);
    t->slots[slot_of(t, last->hash)] = s->place + 1;
    t->all[s->place] = last;
    last->place = s->place;
    t->count--;
    t->slots[slot] = 0;
    close_gap(t, slot);
    free(s);
}
