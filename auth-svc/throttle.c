/* throttle.c - how often one address may log in */
#include "auth-svc/throttle.h"

#include "shared/must.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Places of 8: a look-up reads a few cache lines, whatever the table holds. */
#define WAYS 8
#define PLACES (THROTTLE_ADDRESSES / WAYS)

struct entry {
    uint64_t key; /* 0: free */
    uint64_t last_ms;
    struct bucket bucket;
};

struct throttle {
    struct rate rate;
    uint64_t seed;
    struct entry entries[PLACES][WAYS];
};

struct throttle *throttle_new(struct rate rate, uint64_t seed)
{
    struct throttle *t = must(calloc(1, sizeof *t));

    t->rate = rate;
    t->seed = seed;
    return t;
}

void throttle_free(struct throttle *t)
{
    free(t);
}

static uint64_t big_endian(const uint8_t *bytes, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++) {
        v = v << 8 | bytes[i];
    }
    return v;
}

/* Keys that are no IPv6 network of a client begin with ff, as multicast does. */
#define KEY_IPV4 (UINT64_C(0xff) << 56)
#define KEY_UNKNOWN UINT64_MAX
#define KEY_LOWEST (UINT64_MAX - 1) /* ::/64, of ::1; a key is never 0 */

static uint64_t key_of(struct slice address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN + 1] = "";
    uint8_t raw[16];

    if (address.len < sizeof text && address.len > 0) {
        memcpy(text, address.ptr, address.len);
    }
    if (inet_pton(AF_INET, text, raw) == 1) {
        return KEY_IPV4 | big_endian(raw, 4);
    }
    if (inet_pton(AF_INET6, text, raw) != 1) {
        return KEY_UNKNOWN;
    }
    if (memcmp(raw, mapped, sizeof mapped) == 0) {
        return KEY_IPV4 | big_endian(raw + 12, 4);
    }
    uint64_t network = big_endian(raw, 8);
    return network > 0 ? network : KEY_LOWEST;
}

/* The finishing steps of splitmix64. */
static uint64_t mix(uint64_t v)
{
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
    return v ^ v >> 31;
}

static struct entry *find(struct entry *place, uint64_t key)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (place[i].key == key) {
            return &place[i];
        }
    }
    return NULL;
}

/* Whom nobody would miss: a free entry, one with a full bucket, the one silent longest. */
static struct entry *replace(const struct throttle *t, struct entry *place, uint64_t key,
                             uint64_t now_ms)
{
    struct entry *oldest = &place[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (place[i].key == 0 || bucket_is_full(&place[i].bucket, t->rate, now_ms)) {
            oldest = &place[i];
            break;
        }
        if (place[i].last_ms < oldest->last_ms) {
            oldest = &place[i];
        }
    }
    *oldest = (struct entry){.key = key};
    return oldest;
}

uint64_t throttle_take(struct throttle *t, struct slice address, uint64_t now_ms)
{
    uint64_t key = key_of(address);
    struct entry *place = t->entries[mix(mix(key ^ t->seed) + t->seed) % PLACES];
    struct entry *e = find(place, key);

    if (!e) {
        e = replace(t, place, key, now_ms);
    }
    e->last_ms = now_ms;
    return bucket_take(&e->bucket, t->rate, now_ms);
}
