/* attach_call.h - one call that attaches sessions, while it waits for its answer
 *
 * Sessions may be gone or tried anew by then, so it has their hashes, and at which attempt each was
 * asked for. */
#ifndef PARLEY_ATTACH_CALL_H
#define PARLEY_ATTACH_CALL_H

#include "gateway-svc/relay/sessions.h"

struct relay;

struct attach_call {
    struct relay *relay;
    uint32_t round; /* 0: not part of an attach-all */
    size_t count;
    struct {
        char hash[TOKEN_HASH_LEN + 1];
        uint32_t attempt;
    } items[];
};

/* To be freed with free(3). */
struct attach_call *attach_call_new(struct relay *r, uint32_t round, size_t capacity);
/* There must be room for it.  Its answers to older calls count no more. */
void attach_call_add(struct attach_call *call, struct session *s);
/* The session that an answer is for, unless it is gone or was attached once more since. */
struct session *attach_call_session(const struct attach_call *call, size_t i);

#endif
