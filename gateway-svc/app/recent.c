/* recent.c - what sessions may still do here */
#include "gateway-svc/app/recent.h"
#include <string.h>

/* Hashes are even by themselves. */
static size_t slot_of(const char *hash)
{
    size_t slot = 0;
    for (size_t i = 0; i < 8; i++) {
        slot = slot * 16 + (size_t)(hash[i] <= '9' ? hash[i] - '0' : hash[i] - 'a' + 10);
    }
    return slot % RECENT_SLOTS;
}

struct allowance *recent_of(struct recent *recent, const char *hash)
{
    size_t slot = slot_of(hash);
    if (memcmp(recent->slots[slot].hash, hash, TOKEN_HASH_LEN) != 0) {
        memcpy(recent->slots[slot].hash, hash, TOKEN_HASH_LEN);
        recent->slots[slot].allowance = (struct allowance){0};
    }
    return &recent->slots[slot].allowance;
}
