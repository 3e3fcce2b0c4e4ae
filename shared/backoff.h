/* backoff.h - how long to wait before the next attempt: pure, random bits passed in */
#ifndef PARLEY_BACKOFF_H
#define PARLEY_BACKOFF_H

#include <stdint.h>

/* Around min_ms, doubled with each failure before this one (`failures`, 0 for the first wait), with
 * +-50 % jitter, never above max_ms.  The longest waits are spread over [max_ms / 3, max_ms], so
 * that those who lost the same server do not all return at the same time. */
uint64_t backoff_ms(uint32_t min_ms, uint32_t max_ms, unsigned failures, uint32_t random);

#endif
