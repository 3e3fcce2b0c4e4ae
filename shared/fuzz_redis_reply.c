/* fuzz_redis_reply.c - whatever shape a reply has, each accessor gives what is there or an empty
 * value; and a stream that comes in two pieces gives the same replies as in one
 *
 * Input: two bytes that say where to cut, then what Redis sends. */
#include "shared/buf.h"
#include "shared/redis_conn.h"
#include "tests/support/fuzz.h"

#include <hiredis/hiredis.h>

static const struct redis_reply *ours(const redisReply *reply)
{
    return (const struct redis_reply *)reply;
}

static bool is_text(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS ||
           r->type == REDIS_REPLY_ERROR;
}

static void check_number(const redisReply *parent, size_t i)
{
    const redisReply *r = parent->element[i];
    uint64_t expected = 0, got = redis_reply_u64_at(ours(parent), i);
    if (r->type == REDIS_REPLY_INTEGER) {
        HOLDS(got == (r->integer > 0 ? (uint64_t)r->integer : 0));
    } else if (is_text(r)) {
        bool ok = slice_u64((struct slice){r->str, (size_t)r->len}, UINT64_MAX, &expected);
        HOLDS(got == (ok ? expected : 0));
    } else {
        HOLDS(got == 0);
    }
}

/* As deep as the reader goes.  NOLINTNEXTLINE(misc-no-recursion) */
static void check(const redisReply *r, struct buf *seen)
{
    struct slice text = redis_reply_text(ours(r));
    size_t count = redis_reply_count(ours(r));
    HOLDS(text.len == (is_text(r) ? (size_t)r->len : 0));
    HOLDS(count == (r->type == REDIS_REPLY_ARRAY ? r->elements : 0));
    HOLDS(redis_reply_is_error(ours(r), NULL) == (r->type == REDIS_REPLY_ERROR));
    HOLDS(!redis_reply_is_error(ours(r), "ERR ") || slice_starts(text, SLICE("ERR ")));
    HOLDS(!redis_reply_at(ours(r), count) && !redis_reply_at(ours(r), SIZE_MAX));
    HOLDS(redis_reply_text_at(ours(r), count).len == 0 && redis_reply_u64_at(ours(r), count) == 0);
    buf_printf(seen, "%d %zu %zu ", r->type, text.len, count);
    buf_append(seen, text);
    for (size_t i = 0; i < count; i++) {
        HOLDS(redis_reply_at(ours(r), i) == ours(r->element[i]));
        check_number(r, i);
        check(r->element[i], seen);
    }
}

/* Feeds it in two pieces; writes down all that came of it. */
static void read_all(struct slice stream, size_t cut, struct buf *seen)
{
    redisReader *reader = redisReaderCreate();
    struct slice pieces[] = {slice_head(stream, cut), slice_tail(stream, cut)};
    int err = reader ? REDIS_OK : REDIS_ERR;
    for (size_t i = 0; i < 2 && err == REDIS_OK; i++) {
        void *reply = NULL;
        redisReaderFeed(reader, pieces[i].ptr, pieces[i].len);
        while ((err = redisReaderGetReply(reader, &reply)) == REDIS_OK && reply) {
            check(reply, seen);
            freeReplyObject(reply);
        }
    }
    buf_printf(seen, "end %d", err);
    redisReaderFree(reader);
}

/* A count that is only announced makes the reader ask for that much memory at once: with more than
 * this, the test would be about the allocator. */
static bool announces_much(struct slice stream)
{
    unsigned digits = 0;
    for (size_t i = 0; i < stream.len; i++) {
        digits = stream.ptr[i] >= '0' && stream.ptr[i] <= '9' ? digits + 1 : 0;
        if (digits > 5) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    size_t cut = fuzz_byte(&in) << 8;
    struct buf whole, pieces;

    cut = (cut | fuzz_byte(&in)) % (in.len + 1);
    if (announces_much(in)) {
        return 0;
    }
    buf_init(&whole, SIZE_MAX);
    buf_init(&pieces, SIZE_MAX);
    read_all(in, in.len, &whole);
    read_all(in, cut, &pieces);
    HOLDS(slice_equal(buf_slice(&whole), buf_slice(&pieces)));
    HOLDS(!redis_reply_is_error(NULL, NULL) && redis_reply_count(NULL) == 0);
    buf_deinit(&whole);
    buf_deinit(&pieces);
    return 0;
}
