/* attach.c - sessions: they are opened, refused, closed */
#include "gateway-svc/relay/relay_state.h"
#include <stdio.h>

void relay_refuse(struct relay *r, struct session *s, enum relay_refusal why)
{
    r->stats.refused++;
    r->handler->refused(r->app, s, why);
    sessions_remove(r->sessions, s);
}

struct session *relay_open(struct relay *r, struct slice hash)
{
    struct session *s = sessions_find(r->sessions, hash);
    if (s) {
        return s;
    }
    uint8_t bytes[TOKEN_HASH_BYTES];
    if (!link_is_open(r->state) || !token_hash_read(hash, bytes)) {
        return NULL;
    }
    s = sessions_add(r->sessions, hash);
    return newcomers_add(r, s) ? s : NULL;
}

uint64_t relay_given(const struct relay *r, const struct session *s)
{
    uint64_t id = r->state >= LINK_PRUNING ? r->delivered : r->group_mark;
    return id > s->attach_id ? id : s->attach_id;
}

void relay_close(struct relay *r, struct session *s, uint64_t upto)
{
    char left[24], hash[TOKEN_HASH_LEN + 1];
    newcomers_remove(r, s);
    session_hash(s, hash);
    snprintf(left, sizeof left, "%llu",
             (unsigned long long)(upto == RELAY_WAS_HERE ? relay_given(r, s) : upto));
    const struct slice args[] = {slice_text(r->config.gateway_id), slice_text(r->number_text),
                                 slice_text(hash), slice_text(left)};
    if (link_is_open(r->state)) { /* else the next link prunes it */
        sending_flush(r);
        functions_call(r->commands, "parley_detach", args, 4, NULL, NULL);
    }
    sessions_remove(r->sessions, s);
}

void relay_forget_all(struct relay *r)
{
    r->round.out = 0;
    r->round.unsent = 0;
    newcomers_forget(r);
    repair_forget(r);
    replay_forget(r);
    sending_forget(r);
    for (size_t i = sessions_count(r->sessions); i-- > 0;) {
        struct session *s = sessions_at(r->sessions, i);
        s->attached = false;
        if (s->shown[0] == '\0') { /* whose it is was never answered */
            relay_refuse(r, s, RELAY_UNAVAILABLE);
        }
    }
}
