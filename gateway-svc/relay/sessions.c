/* sessions.c - hash table and dense list of sessions */
#include "gateway-svc/relay/sessions.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sessions {
    struct session **buckets;
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

/* The key is a SHA-256 already: its first bytes are as good as any hash of it. */
static size_t bucket_of(const struct sessions *t, const uint8_t *hash)
{
    uint64_t h;
    memcpy(&h, hash, sizeof h);
    return (size_t)((h * 0x9e3779b97f4a7c15U) >> 32) & t->mask;
}

static void grow(struct sessions *t)
{
    size_t count = 2 * (t->mask + 1);
    free(t->buckets);
    t->buckets = must(calloc(count, sizeof(struct session *)));
    t->mask = count - 1;
    for (size_t i = 0; i < t->count; i++) {
        struct session **slot = &t->buckets[bucket_of(t, t->all[i]->hash)];
        t->all[i]->next = *slot;
        *slot = t->all[i];
    }
}

struct sessions *sessions_new(void)
{
    struct sessions *t = must(calloc(1, sizeof *t));
    t->mask = 63;
    t->buckets = must(calloc(t->mask + 1, sizeof(struct session *)));
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
    free(t->buckets);
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
    struct session *s = t->buckets[bucket_of(t, bytes)];
    while (s && memcmp(s->hash, bytes, sizeof bytes) != 0) {
        s = s->next;
    }
    return s;
}

struct session *sessions_add(struct sessions *t, struct slice hash)
{
    if (t->count > t->mask) {
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
    struct session **slot = &t->buckets[bucket_of(t, s->hash)];
    s->next = *slot;
    *slot = s;
    s->place = (uint32_t)t->count;
    t->all[t->count++] = s;
    return s;
}

void sessions_remove(struct sessions *t, struct session *s)
{
    struct session **slot = &t->buckets[bucket_of(t, s->hash)];
    while (*slot != s) {
        slot = &(*slot)->next;
    }
    *slot = s->next;
    t->all[s->place] = t->all[--t->count];
    t->all[s->place]->place = s->place;
    free(s);
}
