/* sent.c - the client_ids of a user */
#include "shared/parley_module/sent.h"

#include "shared/decimal.h"
#include "shared/parley_module/number.h"

#include <string.h>

static bool is_in_older(RedisModuleCtx *ctx, struct slice prefix, struct slice name,
                        RedisModuleString *client_id)
{
    struct entry older = {NULL, NULL, NULL};
    const struct slice suffix = SLICE(":old");
    char rest[80];
    if (name.len > sizeof rest - suffix.len) {
        return true;
    }
    memcpy(rest, name.ptr, name.len);
    memcpy(rest + name.len, suffix.ptr, suffix.len);
    if (!entry_open(&older, ctx, prefix, "sent:", (struct slice){rest, name.len + suffix.len},
                    REDISMODULE_KEYTYPE_HASH, REDISMODULE_READ)) {
        return true;
    }
    RedisModuleString *found = entry_member(&older, client_id);
    string_free(found);
    entry_close(&older);
    return found != NULL;
}

/* When they were begun, with a minus before it where there are no older ones.  False: too long ago,
 * or it cannot be read. */
static bool read_begun(struct slice begun, const struct sent_time *time, bool *alone)
{
    uint64_t at;
    *alone = slice_starts(begun, SLICE("-"));
    return number_read(slice_tail(begun, *alone ? 1 : 0), &at) &&
           time->now_ms <= at + time->keep_ms;
}

/* NOLINTNEXTLINE(readability-function-size): where, what, and when */
bool sent_is_new(struct sent *sent, RedisModuleCtx *ctx, struct slice prefix, struct slice name,
                 RedisModuleString *client_id, const struct sent_time *time)
{
    if (!entry_open(&sent->ids, ctx, prefix, "sent:", name, REDISMODULE_KEYTYPE_HASH,
                    REDISMODULE_WRITE)) {
        return false;
    }
    RedisModuleString *begun = NULL, *before = NULL;
    bool alone = false;
    (void)RedisModule_HashGet(sent->ids.key, REDISMODULE_HASH_NONE, client_id, &before, NULL);
    begun = entry_field(&sent->ids, "");
    bool good = !before && (!begun || read_begun(string_slice(begun), time, &alone)) &&
                (alone || !is_in_older(ctx, prefix, name, client_id));
    sent->begun = begun != NULL;
    string_free(before);
    string_free(begun);
    return good;
}

void sent_note(struct sent *sent, RedisModuleString *client_id, struct slice entry,
               const struct sent_time *time)
{
    entry_set_member(&sent->ids, client_id, entry);
    if (!sent->begun) {
        char digits[DECIMAL_MAX], mark[1 + DECIMAL_MAX] = "-";
        struct slice now = decimal(digits, time->now_ms);
        memcpy(mark + 1, now.ptr, now.len);
        entry_set_field(&sent->ids, "", (struct slice){mark, 1 + now.len});
        entry_expire(&sent->ids, time->now_ms, 2 * time->keep_ms);
        sent->begun = true;
    }
}
