/* reply.c - answers of a Redis that is none */
#include "tests/support/reply.h"
#include "shared/redis_conn.h"
#include <stdlib.h>

void reply_free(struct redis_reply *reply)
{
    if (!reply) {
        return;
    }
    for (size_t i = 0; i < reply->count; i++) {
        free(reply->items[i].bytes);
    }
    free(reply->items);
    free(reply->bytes);
    free(reply);
}

bool redis_reply_is_error(const struct redis_reply *reply, const char *starts_with)
{
    return reply && reply->error && slice_starts(reply->text, slice_text(starts_with));
}

struct slice redis_reply_text(const struct redis_reply *reply)
{
    return reply ? reply->text : slice_text(NULL);
}

size_t redis_reply_count(const struct redis_reply *reply)
{
    return reply ? reply->count : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index)
{
    return index < redis_reply_count(reply) ? &reply->items[index] : NULL;
}

struct slice redis_reply_text_at(const struct redis_reply *reply, size_t index)
{
    return redis_reply_text(redis_reply_at(reply, index));
}

uint64_t redis_reply_u64_at(const struct redis_reply *reply, size_t index)
{
    uint64_t value = 0;
    (void)slice_u64(redis_reply_text_at(reply, index), UINT64_MAX, &value);
    return value;
}
