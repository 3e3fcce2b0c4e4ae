/* bucket.h - a token bucket: pure, 16 bytes, time passed in */
#ifndef PARLEY_BUCKET_H
#define PARLEY_BUCKET_H

#include "shared/settings.h"

/* Zeroed = full.  Holds up to rate.burst tokens, refilled with rate.per_second of them a second. */
struct bucket {
    uint64_t used_milli; /* thousandths of tokens missing from a full bucket */
    uint64_t at_ms;      /* when that was true */
};

/* Takes one token: 0 when there was one, else the milliseconds (at least 1) until there will be.
 * `now_ms` is monotonic and never goes back. */
uint64_t bucket_take(struct bucket *b, struct rate rate, uint64_t now_ms);
/* True when the bucket is full at now_ms, so that it may be forgotten. */
bool bucket_is_full(const struct bucket *b, struct rate rate, uint64_t now_ms);

#endif
