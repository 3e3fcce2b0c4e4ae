/* recent.h - what sessions may still do here, also when they have just left; pure
 *
 * A session whose last connection here is gone is forgotten: whoever came back at once would begin
 * with full buckets.  So they are kept here.  The memory is fixed; of two sessions that meet in one
 * slot the later stays. */
#ifndef PARLEY_RECENT_H
#define PARLEY_RECENT_H

#include "shared/bucket.h"
#include "shared/token.h"

#define RECENT_SLOTS 1024

struct allowance {
    struct bucket messages; /* as it was when the session left */
    struct bucket connects;
};

struct recent { /* zeroed: empty */
    struct {
        char hash[TOKEN_HASH_LEN + 1];
        struct allowance allowance;
    } slots[RECENT_SLOTS];
};

/* A session's, by its hash, TOKEN_HASH_LEN lower-case hex digits; full buckets when nothing is
 * known of it.  Borrowed until the next call. */
struct allowance *recent_of(struct recent *recent, const char *hash);

#endif
