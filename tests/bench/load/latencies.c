/* latencies.c - how often each latency was seen, in buckets that grow with it; pure */
#include "tests/bench/load/latencies.h"

#define EXACT 64u /* values with a bucket each; every octave above has half as many buckets */
#define HALF (EXACT / 2)
#define SHIFT_OF_FIRST_OCTAVE 1u

/* Octave n (from 1) holds the values from 64 << (n-1), n bits of which are not looked at. */
static size_t bucket_of(uint64_t us)
{
    if (us < EXACT) {
        return (size_t)us;
    }
    unsigned highest = 63u - (unsigned)__builtin_clzll(us);
    unsigned shift = highest - 5; /* leaves 32 to 63 */
    return EXACT + (size_t)(shift - SHIFT_OF_FIRST_OCTAVE) * HALF + (size_t)((us >> shift) - HALF);
}

/* The largest value of a bucket. */
static uint64_t bound_of(size_t bucket)
{
    if (bucket < EXACT) {
        return bucket;
    }
    size_t shift = (bucket - EXACT) / HALF + SHIFT_OF_FIRST_OCTAVE;
    uint64_t first = HALF + (bucket - EXACT) % HALF;
    return ((first + 1) << shift) - 1;
}

void latencies_add(struct latencies *l, uint64_t us)
{
    uint64_t value = us < LATENCIES_MAX_US ? us : LATENCIES_MAX_US;
    l->at[bucket_of(value)]++;
    l->count++;
    l->max_us = value > l->max_us ? value : l->max_us;
}

uint64_t latencies_at(const struct latencies *l, uint32_t per_mille)
{
    uint64_t wanted = (l->count * per_mille + 999) / 1000; /* of the values, rounded up */
    uint64_t below = 0;
    if (l->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < LATENCIES_BUCKETS; i++) {
        below += l->at[i];
        if (below >= wanted) {
            return bound_of(i) < l->max_us ? bound_of(i) : l->max_us;
        }
    }
    return l->max_us;
}
