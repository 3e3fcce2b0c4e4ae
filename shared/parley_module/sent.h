/* sent.h - the client_ids of a user, so that nothing is sent twice
 *
 * The hash sent:<name> has each client_id with "id sent_at digest", and in its field '' when it was
 * begun, as parley.lua (sent_before, remember_sent) has it. */
#ifndef PARLEY_MODULE_SENT_H
#define PARLEY_MODULE_SENT_H

#include "shared/parley_module/entry.h"

struct sent {
    struct entry ids;
    bool begun;
};

/* What a call knows. */
struct sent_time {
    uint64_t now_ms;
    uint64_t keep_ms; /* for which client_ids are kept at least */
};

/* Is this client_id new, and no new generation to be begun?  `name` is the user's. */
bool sent_is_new(struct sent *sent, RedisModuleCtx *ctx, struct slice prefix, struct slice name,
                 RedisModuleString *client_id, const struct sent_time *time);
/* Behind that. */
void sent_note(struct sent *sent, RedisModuleString *client_id, struct slice entry,
               const struct sent_time *time);

#endif
