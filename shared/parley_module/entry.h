/* entry.h - a key of Redis that a call has opened
 *
 * What changes it goes to replicas and into the append-only file, too, as the plain command that
 * would have done it: so neither of them needs the module. */
#ifndef PARLEY_MODULE_ENTRY_H
#define PARLEY_MODULE_ENTRY_H

#include "shared/parley_module/redis_api.h"

/* All zero: not open.  `key` is NULL, too, when it was opened to be read and is not there. */
struct entry {
    RedisModuleCtx *ctx;
    RedisModuleString *name;
    RedisModuleKey *key;
};

/* The key `prefix` `what` `rest`.  False when it holds something else than `type`, one of
 * REDISMODULE_KEYTYPE; then it is not open.  An open one may be opened again: nothing happens.
 * Each must be closed before Redis runs anything else. */
bool entry_open(struct entry *e, RedisModuleCtx *ctx, struct slice prefix, const char *what,
                struct slice rest, int type, int mode);
void entry_close(struct entry *e);

/* A copy of a field, or NULL; whoever asks frees it. */
RedisModuleString *entry_field(const struct entry *e, const char *field);
/* The same, where the field is a string of a caller. */
RedisModuleString *entry_member(const struct entry *e, RedisModuleString *field);

/* A field that is a number (number.h).  False: it is none, or not there. */
bool entry_number(const struct entry *e, const char *field, uint64_t *out);

void entry_set(struct entry *e, struct slice value);
void entry_set_field(struct entry *e, const char *field, struct slice value);
void entry_set_member(struct entry *e, RedisModuleString *field, struct slice value);
void entry_push(struct entry *e, RedisModuleString *value);
void entry_expire(struct entry *e, uint64_t now_ms, uint64_t after_ms);

/* ---- Strings of Redis ------------------------------------------------------------------------ */

RedisModuleString *string_of(struct slice s);
struct slice string_slice(const RedisModuleString *s); /* NULL: an empty one */
void string_free(RedisModuleString *s);                /* or NULL */

#endif
