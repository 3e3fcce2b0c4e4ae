/* backoff.c - how long to wait before the next attempt */
#include "shared/backoff.h"

#define DOUBLINGS_MAX 20

uint64_t backoff_ms(uint32_t min_ms, uint32_t max_ms, unsigned failures, uint32_t random)
{
    unsigned doublings = failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX;
    uint64_t middle = (uint64_t)min_ms << doublings;
    uint64_t middle_max = (uint64_t)max_ms * 2 / 3;
    if (middle > middle_max) {
        middle = middle_max;
    }
    return middle - middle / 2 + random % (middle / 2 * 2 + 1);
}
