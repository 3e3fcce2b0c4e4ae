/* latencies.h - how often each latency was seen, in buckets that grow with it; pure
 *
 * Exact below 64 µs; above, a bucket is at most 1/32 of its values wide, as in HdrHistogram, so a
 * percentile is too high by at most 3.2 %, and never too low. */
#ifndef PARLEY_BENCH_LATENCIES_H
#define PARLEY_BENCH_LATENCIES_H

#include <stddef.h>
#include <stdint.h>

#define LATENCIES_MAX_US ((UINT64_C(1) << 36) - 1) /* 19 hours; what is longer counts as that */
#define LATENCIES_BUCKETS 1024

/* Zeroed = nothing seen. */
struct latencies {
    uint64_t at[LATENCIES_BUCKETS];
    uint64_t count, max_us;
};

void latencies_add(struct latencies *l, uint64_t us);

/* The smallest bound below or at which `per_mille` of 1,000 values lie, at most the largest value;
 * 0 when there are none.  per_mille: 1 to 1,000. */
uint64_t latencies_at(const struct latencies *l, uint32_t per_mille);

#endif
