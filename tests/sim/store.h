/* store.h - the rules of shared/parley.lua, run by Lua 5.1 on the data of redis.lua
 *
 * Data sets are numbers: one is in use, others may be kept beside it as a replica or a file has
 * them.  One store at a time. */
#ifndef PARLEY_SIM_STORE_H
#define PARLEY_SIM_STORE_H

#include "tests/support/reply.h"

/* Reads both files; ends the program when it cannot. */
void store_begin(const char *redis_lua, const char *library);
void store_end(void);

int store_new(void);      /* an empty data set */
int store_copy(int data); /* as it is now */
void store_drop(int data);
/* From now on everything acts on it, in a Redis process of that id (hexadecimal). */
void store_use(int data, const char *run_id);

typedef void store_published_fn(void *ctx, struct slice channel, struct slice text);
/* FCALL name 1 prefix args...; what it published is told before it returns. */
struct redis_reply *store_call(const char *name, const char *prefix, const struct slice *args,
                               size_t count, store_published_fn *published, void *ctx);
/* One plain command. */
struct redis_reply *store_command(const struct slice *argv, size_t argc);

#endif
