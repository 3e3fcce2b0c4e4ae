/* person.h - senders and receivers of one call, each looked up once */
#ifndef PARLEY_MODULE_PERSON_H
#define PARLEY_MODULE_PERSON_H

#include "shared/parley_module/entry.h"
#include "shared/parley_module/inbox.h"
#include "shared/parley_module/send_call.h"
#include "shared/parley_module/sent.h"

#define PEOPLE_MAX (2 * SEND_MAX)

/* Of user:<name>, as far as a message needs it. */
struct person {
    struct slice key; /* the name in keys */
    struct entry user;
    RedisModuleString *name, *session, *gateways;
    struct inbox inbox;
    struct entry messages; /* his inbox's; open when a message to one user concerns him */
    bool kept;             /* there are more now */
    struct sent sent;
};

struct people {
    struct person all[PEOPLE_MAX];
    size_t count;
    uint8_t places[4 * PEOPLE_MAX]; /* by hash of the name: 1 + index in `all` */
};

/* NULL: he is not there, never connected, or there is something about him that parley.lua has to
 * look at. */
struct person *people_find(struct people *people, RedisModuleCtx *ctx, struct slice prefix,
                           struct slice name);
/* What was noted of them is written. */
void people_note_inboxes(struct people *people);
/* Closes all keys, and forgets everybody. */
void people_clear(struct people *people);

#endif
