/* module.c - what Redis loads: the command PARLEY.SEND */
#include "shared/parley_module/redis_api.h"

#define VERSION "1.7" /* of parley.lua */

static int on_send(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    (void)argv;
    if (argc == 2) {
        return RedisModule_ReplyWithStringBuffer(ctx, VERSION, sizeof VERSION - 1);
    }
    return RedisModule_ReplyWithError(ctx, "ERR not yet");
}

__attribute__((visibility("default"))) int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    (void)argv;
    (void)argc;
    if (!redis_api_load(ctx)) {
        return REDISMODULE_ERR;
    }
    RedisModule_SetModuleAttribs(ctx, "parley", 1, REDISMODULE_APIVER_1);
    return RedisModule_CreateCommand(ctx, "parley.send", on_send, "write deny-oom", 1, 1, 1);
}
