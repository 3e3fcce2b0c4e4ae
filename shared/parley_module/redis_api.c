/* redis_api.c - what the module asks of Redis: found by name */
#include "shared/parley_module/redis_api.h"

#define DEFINE(type, name, parameters) type(*RedisModule_##name) parameters;
REDIS_API(DEFINE)
#undef DEFINE

/* A context begins with the function that finds the others. */
bool redis_api_load(RedisModuleCtx *ctx)
{
    typedef int find_fn(const char *name, void **function);
    find_fn *find = *(find_fn **)(void *)ctx;
    bool all = true;
#define FIND(type, name, parameters)                                                               \
    all = find("RedisModule_" #name, (void **)&RedisModule_##name) == REDISMODULE_OK && all;
    REDIS_API(FIND)
#undef FIND
    return all;
}
