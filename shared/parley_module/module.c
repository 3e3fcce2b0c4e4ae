/* module.c - what Redis loads: the command PARLEY.SEND
 *
 *   PARLEY.SEND prefix                     the version of parley.lua that we know
 *   PARLEY.SEND prefix epoch seen ...      as FCALL parley_send 1 prefix epoch seen ...
 *
 * Messages as they are mostly are taken here, in C; whatever is out of the ordinary goes to
 * parley_send, and its answer back.  INFO parley tells how many calls went which way.
 *
 * No script may send it: Redis ends when a script calls another through a module. */
#include "shared/parley_module/sending.h"

#include <stdio.h>

#define MODULE_VERSION 1
#define RUN_ID_MAX 64

static struct {
    char run[RUN_ID_MAX + 1];
    unsigned long long taken;
    unsigned long long passed_on;
} module;

/* With the rights of whoever calls. */
static int pass_on(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    module.passed_on++;
    RedisModuleCallReply *reply =
        RedisModule_Call(ctx, "FCALL", "!CEccv", "parley_send", "1", argv + 1, (size_t)argc - 1);
    if (!reply) {
        return RedisModule_ReplyWithError(ctx, "ERR parley: parley_send cannot be called");
    }
    (void)RedisModule_ReplyWithCallReply(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

static int on_send(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc < 2) {
        return RedisModule_WrongArity(ctx);
    }
    if (argc == 2) {
        return RedisModule_ReplyWithStringBuffer(ctx, SENDING_VERSION, sizeof SENDING_VERSION - 1);
    }
    if (!sending_take(ctx, argv, argc, slice_text(module.run))) {
        return pass_on(ctx, argv, argc);
    }
    module.taken++;
    return REDISMODULE_OK;
}

static void on_info(RedisModuleInfoCtx *ctx, int for_crash_report)
{
    (void)for_crash_report;
    (void)RedisModule_InfoAddSection(ctx, "");
    (void)RedisModule_InfoAddFieldULongLong(ctx, "calls_taken", module.taken);
    (void)RedisModule_InfoAddFieldULongLong(ctx, "calls_passed_on", module.passed_on);
}

/* As long as the process lives. */
static bool read_run_id(RedisModuleCtx *ctx)
{
    RedisModuleServerInfoData *info = RedisModule_GetServerInfo(ctx, "server");
    const char *run = RedisModule_ServerInfoGetFieldC(info, "run_id");
    int len = snprintf(module.run, sizeof module.run, "%s", run ? run : "");
    RedisModule_FreeServerInfo(ctx, info);
    return len > 0 && (size_t)len < sizeof module.run;
}

/* Its name and type are what Redis looks for. */
__attribute__((visibility("default"))) int RedisModule_OnLoad(RedisModuleCtx *ctx,
                                                              RedisModuleString **argv, int argc);
int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    (void)argv;
    (void)argc;
    if (!redis_api_load(ctx)) {
        return REDISMODULE_ERR;
    }
    RedisModule_SetModuleAttribs(ctx, "parley", MODULE_VERSION, REDISMODULE_APIVER_1);
    return read_run_id(ctx) && RedisModule_RegisterInfoFunc(ctx, on_info) == REDISMODULE_OK
               ? RedisModule_CreateCommand(ctx, "parley.send", on_send,
                                           "write deny-oom deny-script", 1, 1, 1)
               : REDISMODULE_ERR;
}
