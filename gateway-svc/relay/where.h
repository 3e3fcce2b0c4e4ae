/* where.h - where other gateways listen for clients, as they say in Redis (gateway:<id>) */
#ifndef PARLEY_WHERE_H
#define PARLEY_WHERE_H

#include "shared/functions.h"

struct where;

/* `commands` and `prefix` are borrowed. */
struct where *where_new(struct functions *commands, const char *prefix);
/* After `commands` is freed, which answers the questions that are out. */
void where_free(struct where *where);

/* `address` is "host:port", or empty: no such gateway.  What was heard a moment ago is told again;
 * while Redis is away, the last address, unless it was heard that there is none any more. */
typedef void where_fn(void *arg, struct slice address);
/* `fn` is called exactly once, perhaps before this returns. */
void where_ask(struct where *where, struct slice gateway_id, uint64_t now_ms, where_fn *fn,
               void *arg);

#endif
