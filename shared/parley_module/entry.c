/* entry.c - a key of Redis that a call has opened */
#include "shared/parley_module/entry.h"

#include "shared/parley_module/number.h"

#include <string.h>

#define NAME_MAX 512 /* of a key: prefix, and names that are no longer than 64 each */

/* ---- Strings of Redis ------------------------------------------------------------------------ */

RedisModuleString *string_of(struct slice s)
{
    return RedisModule_CreateString(NULL, s.ptr, s.len);
}

struct slice string_slice(const RedisModuleString *s)
{
    struct slice slice = {NULL, 0};
    if (s) {
        slice.ptr = RedisModule_StringPtrLen(s, &slice.len);
    }
    return slice;
}

void string_free(RedisModuleString *s)
{
    if (s) {
        RedisModule_FreeString(NULL, s);
    }
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static RedisModuleString *name_of(struct slice prefix, struct slice what, struct slice rest)
{
    char name[NAME_MAX];
    size_t len = 0;
    const struct slice parts[] = {prefix, what, rest};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].len > sizeof name - len) {
            return NULL;
        }
        if (parts[i].len > 0) {
            memcpy(name + len, parts[i].ptr, parts[i].len);
            len += parts[i].len;
        }
    }
    return string_of((struct slice){name, len});
}

/* NOLINTNEXTLINE(readability-function-size): a key's name is in three parts */
bool entry_open(struct entry *e, RedisModuleCtx *ctx, struct slice prefix, const char *what,
                struct slice rest, int type, int mode)
{
    if (e->name) {
        return true;
    }
    e->ctx = ctx;
    e->name = name_of(prefix, slice_text(what), rest);
    if (!e->name) {
        return false;
    }
    e->key = RedisModule_OpenKey(ctx, e->name, mode);
    int found = RedisModule_KeyType(e->key);
    if (found != type && found != REDISMODULE_KEYTYPE_EMPTY) {
        entry_close(e);
        return false;
    }
    return true;
}

void entry_close(struct entry *e)
{
    if (e->key) {
        RedisModule_CloseKey(e->key);
    }
    string_free(e->name);
    *e = (struct entry){NULL, NULL, NULL};
}

RedisModuleString *entry_field(const struct entry *e, const char *field)
{
    RedisModuleString *value = NULL;
    if (e->key) {
        (void)RedisModule_HashGet(e->key, REDISMODULE_HASH_CFIELDS, field, &value, NULL);
    }
    return value;
}

RedisModuleString *entry_member(const struct entry *e, RedisModuleString *field)
{
    RedisModuleString *value = NULL;
    if (e->key) {
        (void)RedisModule_HashGet(e->key, REDISMODULE_HASH_NONE, field, &value, NULL);
    }
    return value;
}

bool entry_number(const struct entry *e, const char *field, uint64_t *out)
{
    RedisModuleString *value = entry_field(e, field);
    bool good = number_read(string_slice(value), out);
    string_free(value);
    return good;
}

/* ---- Changes --------------------------------------------------------------------------------- */

void entry_set(struct entry *e, struct slice value)
{
    RedisModuleString *copy = string_of(value);
    (void)RedisModule_StringSet(e->key, copy);
    (void)RedisModule_Replicate(e->ctx, "SET", "ss", e->name, copy);
    string_free(copy);
}

void entry_set_field(struct entry *e, const char *field, struct slice value)
{
    RedisModuleString *copy = string_of(value);
    (void)RedisModule_HashSet(e->key, REDISMODULE_HASH_CFIELDS, field, copy, NULL);
    (void)RedisModule_Replicate(e->ctx, "HSET", "scs", e->name, field, copy);
    string_free(copy);
}

void entry_set_member(struct entry *e, RedisModuleString *field, struct slice value)
{
    RedisModuleString *copy = string_of(value);
    (void)RedisModule_HashSet(e->key, REDISMODULE_HASH_NONE, field, copy, NULL);
    (void)RedisModule_Replicate(e->ctx, "HSET", "sss", e->name, field, copy);
    string_free(copy);
}

void entry_push(struct entry *e, RedisModuleString *value)
{
    (void)RedisModule_ListPush(e->key, REDISMODULE_LIST_TAIL, value);
    (void)RedisModule_Replicate(e->ctx, "RPUSH", "ss", e->name, value);
}

/* (A replica is told the moment, because it hears of it later.) */
void entry_expire(struct entry *e, uint64_t now_ms, uint64_t after_ms)
{
    (void)RedisModule_SetExpire(e->key, (long long)after_ms);
    (void)RedisModule_Replicate(e->ctx, "PEXPIREAT", "sl", e->name,
                                (long long)now_ms + (long long)after_ms);
}
