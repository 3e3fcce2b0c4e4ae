/* redis_api.h - what the module asks of Redis
 *
 * Redis hands a module a function that finds the others by name (its redismodule.h is nothing but
 * their types), so here stand those that we use, as Redis' own reference of the modules' API
 * describes them: all are in Redis 7 and newer, and in Valkey.  None is called before
 * redis_api_load. */
#ifndef PARLEY_MODULE_REDIS_API_H
#define PARLEY_MODULE_REDIS_API_H

#include "shared/slice.h"

typedef struct RedisModuleCtx RedisModuleCtx;
typedef struct RedisModuleString RedisModuleString;
typedef struct RedisModuleKey RedisModuleKey;
typedef struct RedisModuleCallReply RedisModuleCallReply;
typedef struct RedisModuleServerInfoData RedisModuleServerInfoData;
typedef struct RedisModuleInfoCtx RedisModuleInfoCtx;
typedef struct {
    uint64_t ms;
    uint64_t seq;
} RedisModuleStreamID;
typedef int redis_command_fn(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
typedef void redis_info_fn(RedisModuleInfoCtx *ctx, int for_crash_report);

enum { REDISMODULE_OK, REDISMODULE_ERR };
enum { REDISMODULE_READ = 1, REDISMODULE_WRITE = 2 };
enum {
    REDISMODULE_KEYTYPE_EMPTY,
    REDISMODULE_KEYTYPE_STRING,
    REDISMODULE_KEYTYPE_LIST,
    REDISMODULE_KEYTYPE_HASH,
    REDISMODULE_KEYTYPE_STREAM = 7
};
enum { REDISMODULE_LIST_HEAD, REDISMODULE_LIST_TAIL };
enum { REDISMODULE_HASH_NONE = 0, REDISMODULE_HASH_CFIELDS = 1 << 2 };
enum { REDISMODULE_STREAM_TRIM_APPROX = 1 };
#define REDISMODULE_APIVER_1 1

/* FUNCTION(type, name, parameters) of each. */
/* clang-format off */
#define REDIS_API(FUNCTION) \
    FUNCTION(void, SetModuleAttribs, (RedisModuleCtx *, const char *, int, int)) \
    FUNCTION(int, CreateCommand, (RedisModuleCtx *, const char *, redis_command_fn *, const char *, int, int, int)) \
    FUNCTION(int, RegisterInfoFunc, (RedisModuleCtx *, redis_info_fn *)) \
    FUNCTION(int, InfoAddSection, (RedisModuleInfoCtx *, const char *)) \
    FUNCTION(int, InfoAddFieldULongLong, (RedisModuleInfoCtx *, const char *, unsigned long long)) \
    FUNCTION(RedisModuleServerInfoData *, GetServerInfo, (RedisModuleCtx *, const char *)) \
    FUNCTION(const char *, ServerInfoGetFieldC, (RedisModuleServerInfoData *, const char *)) \
    FUNCTION(void, FreeServerInfo, (RedisModuleCtx *, RedisModuleServerInfoData *)) \
    FUNCTION(long long, Milliseconds, (void)) \
    FUNCTION(RedisModuleString *, CreateString, (RedisModuleCtx *, const char *, size_t)) \
    FUNCTION(void, FreeString, (RedisModuleCtx *, RedisModuleString *)) \
    FUNCTION(const char *, StringPtrLen, (const RedisModuleString *, size_t *)) \
    FUNCTION(RedisModuleKey *, OpenKey, (RedisModuleCtx *, RedisModuleString *, int)) \
    FUNCTION(void, CloseKey, (RedisModuleKey *)) \
    FUNCTION(int, KeyType, (RedisModuleKey *)) \
    FUNCTION(size_t, ValueLength, (RedisModuleKey *)) \
    FUNCTION(int, SetExpire, (RedisModuleKey *, long long)) \
    FUNCTION(char *, StringDMA, (RedisModuleKey *, size_t *, int)) \
    FUNCTION(int, StringSet, (RedisModuleKey *, RedisModuleString *)) \
    FUNCTION(int, HashGet, (RedisModuleKey *, int, ...)) \
    FUNCTION(int, HashSet, (RedisModuleKey *, int, ...)) \
    FUNCTION(int, ListPush, (RedisModuleKey *, int, RedisModuleString *)) \
    FUNCTION(RedisModuleString *, ListPop, (RedisModuleKey *, int)) \
    FUNCTION(int, StreamAdd, (RedisModuleKey *, int, RedisModuleStreamID *, RedisModuleString **, long)) \
    FUNCTION(long long, StreamTrimByLength, (RedisModuleKey *, int, long long)) \
    FUNCTION(int, PublishMessage, (RedisModuleCtx *, RedisModuleString *, RedisModuleString *)) \
    FUNCTION(int, Replicate, (RedisModuleCtx *, const char *, const char *, ...)) \
    FUNCTION(RedisModuleCallReply *, Call, (RedisModuleCtx *, const char *, const char *, ...)) \
    FUNCTION(void, FreeCallReply, (RedisModuleCallReply *)) \
    FUNCTION(int, ReplyWithCallReply, (RedisModuleCtx *, RedisModuleCallReply *)) \
    FUNCTION(int, ReplyWithArray, (RedisModuleCtx *, long)) \
    FUNCTION(int, ReplyWithStringBuffer, (RedisModuleCtx *, const char *, size_t)) \
    FUNCTION(int, ReplyWithError, (RedisModuleCtx *, const char *)) \
    FUNCTION(int, WrongArity, (RedisModuleCtx *))
/* clang-format on */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type and parameters cannot stand in any */
#define REDIS_API_DECLARE(type, name, parameters) extern type(*RedisModule_##name) parameters;
REDIS_API(REDIS_API_DECLARE)
#undef REDIS_API_DECLARE
/* NOLINTEND(bugprone-macro-parentheses) */

/* False: this Redis lacks some of it. */
bool redis_api_load(RedisModuleCtx *ctx);

#endif
