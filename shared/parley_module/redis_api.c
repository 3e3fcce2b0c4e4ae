/* redis_api.c - what the module asks of Redis: found by name */
#include "shared/parley_module/redis_api.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): a type and parameters cannot stand in any */
#define DEFINE(type, name, parameters) type(*RedisModule_##name) parameters;
REDIS_API(DEFINE)
#undef DEFINE
/* NOLINTEND(bugprone-macro-parentheses) */

#define ROW(type, name, parameters) {"RedisModule_" #name, (void **)&RedisModule_##name},
static const struct {
    const char *name;
    void **function;
} api[] = {REDIS_API(ROW)};
#undef ROW

/* A context begins with the function that finds the others. */
bool redis_api_load(RedisModuleCtx *ctx)
{
    typedef int find_fn(const char *name, void **function);
    find_fn *find = *(find_fn **)(void *)ctx;
    for (size_t i = 0; i < sizeof api / sizeof *api; i++) {
        if (find(api[i].name, api[i].function) != REDISMODULE_OK) {
            return false;
        }
    }
    return true;
}
