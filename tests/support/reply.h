/* reply.h - answers of a Redis that is none: stands in for the reading of replies in
 * shared/redis_conn.h */
#ifndef PARLEY_SUPPORT_REPLY_H
#define PARLEY_SUPPORT_REPLY_H

#include "shared/slice.h"

struct redis_reply {
    bool error;
    char *bytes; /* of the text, where they are the reply's own */
    struct slice text;
    size_t count;
    struct redis_reply *items;
};
void reply_free(struct redis_reply *reply); /* as it was allocated, with items and bytes */

#endif
