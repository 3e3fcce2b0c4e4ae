/* sending.h - what parley_send (parley.lua) does when nothing is out of the ordinary
 *
 * First everything is looked at, and nothing is changed.  Then either all messages of the call are
 * taken, which leaves the same keys, publishes the same lines and gives the same answer as
 * parley_send; or it is not for us: an epoch that ended, a link that does not hold, a receiver who
 * is not there, a client_id that was used before, a key of another type, whatever else.  Who adds a
 * rule to parley_send adds it here, too, or makes this refuse what the rule is about. */
#ifndef PARLEY_MODULE_SENDING_H
#define PARLEY_MODULE_SENDING_H

#include "shared/parley_module/redis_api.h"

/* The version of parley.lua whose messages these are.  `library` in the hash presence says which
 * one the last renewal of a gateway found, and with another we do nothing. */
#define SENDING_VERSION "1.7"

/* `run`: the id of this Redis process, as parley.lua knows it.  True: done and answered.  False:
 * nothing was changed, and parley_send has to take it. */
bool sending_take(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, struct slice run);

#endif
