/* redis_reply.c - reading replies of Redis, whatever their shape (contract: redis_conn.h) */
#include "shared/redis_conn.h"

#include <hiredis/hiredis.h>

static const redisReply *reply_of(const struct redis_reply *reply)
{
    return (const redisReply *)reply;
}

bool redis_reply_is_error(const struct redis_reply *reply, const char *starts_with)
{
    return reply && reply_of(reply)->type == REDIS_REPLY_ERROR &&
           slice_starts(redis_reply_text(reply), slice_text(starts_with));
}

struct slice redis_reply_text(const struct redis_reply *reply)
{
    const redisReply *r = reply_of(reply);
    if (!r || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS &&
               r->type != REDIS_REPLY_ERROR)) {
        return SLICE("");
    }
    return (struct slice){r->str, (size_t)r->len};
}

size_t redis_reply_count(const struct redis_reply *reply)
{
    const redisReply *r = reply_of(reply);
    return r && r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index)
{
    return index < redis_reply_count(reply)
               ? (const struct redis_reply *)reply_of(reply)->element[index]
               : NULL;
}

struct slice redis_reply_text_at(const struct redis_reply *reply, size_t index)
{
    return redis_reply_text(redis_reply_at(reply, index));
}

uint64_t redis_reply_u64_at(const struct redis_reply *reply, size_t index)
{
    const redisReply *r = reply_of(redis_reply_at(reply, index));
    uint64_t value = 0;
    if (r && r->type == REDIS_REPLY_INTEGER) {
        return r->integer > 0 ? (uint64_t)r->integer : 0;
    }
    (void)slice_u64(redis_reply_text_at(reply, index), UINT64_MAX, &value);
    return value;
}
