/* attach_call.c - one call that attaches sessions, while it waits for its answer */
#include "gateway-svc/relay/attach_call.h"
#include "gateway-svc/relay/relay_state.h"
#include "shared/must.h"
#include <stdlib.h>

struct attach_call *attach_call_new(struct relay *r, uint32_t round, size_t capacity)
{
    struct attach_call *call = must(calloc(1, sizeof *call + capacity * sizeof call->items[0]));
    call->relay = r;
    call->round = round;
    return call;
}

void attach_call_add(struct attach_call *call, struct session *s)
{
    s->attempt = ++call->relay->attempts;
    session_hash(s, call->items[call->count].hash);
    call->items[call->count++].attempt = s->attempt;
}

struct session *attach_call_session(const struct attach_call *call, size_t i)
{
    struct session *s = sessions_find(call->relay->sessions, slice_text(call->items[i].hash));
    return s && s->attempt == call->items[i].attempt ? s : NULL;
}
