/* bucket.c - a token bucket */
#include "shared/bucket.h"

#define MILLI 1000

/* A rate of r tokens a second is r thousandths a millisecond: whole numbers, nothing is rounded
 * away however often the bucket is asked. */
static uint64_t used_at(const struct bucket *b, struct rate rate, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

    if (rate.per_second == 0) {
        return b->used_milli;
    }
    if (elapsed_ms > b->used_milli / rate.per_second) {
        return 0; /* asked before multiplying, which could wrap */
    }
    return b->used_milli - elapsed_ms * rate.per_second;
}

static uint64_t capacity_milli(struct rate rate)
{
    return rate.burst > UINT64_MAX / MILLI ? UINT64_MAX : rate.burst * MILLI;
}

/* Thousandths to wait for until a whole token is there.  capacity >= MILLI, so nothing wraps; used
 * above capacity happens only when the caller changed the rate. */
static uint64_t missing_milli(uint64_t used, uint64_t capacity)
{
    return used <= capacity ? MILLI - (capacity - used) : used - capacity + MILLI;
}

uint64_t bucket_take(struct bucket *b, struct rate rate, uint64_t now_ms)
{
    uint64_t capacity = capacity_milli(rate);
    uint64_t used = used_at(b, rate, now_ms);

    b->used_milli = used;
    b->at_ms = now_ms > b->at_ms ? now_ms : b->at_ms;
    if (used <= capacity && capacity - used >= MILLI) {
        b->used_milli = used + MILLI;
        return 0;
    }
    if (rate.per_second == 0 || rate.burst == 0) {
        return UINT64_MAX; /* there never will be one */
    }
    uint64_t missing = missing_milli(used, capacity);
    return missing / rate.per_second + (missing % rate.per_second > 0 ? 1 : 0);
}

bool bucket_is_full(const struct bucket *b, struct rate rate, uint64_t now_ms)
{
    return used_at(b, rate, now_ms) == 0;
}
