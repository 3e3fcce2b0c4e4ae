/* replay.c - one page of what a session missed, for one of its clients */
#include "gateway-svc/relay/relay_state.h"
#include "shared/must.h"
#include <stdio.h>
#include <stdlib.h>

struct replay_call {
    struct relay *relay;
    relay_page_fn *fn;
    void *arg;
    uint64_t after;
};

static void on_page(void *arg, const struct redis_reply *reply)
{
    struct replay_call call = *(struct replay_call *)arg;
    struct page page;
    free(arg);
    bool heard = relay_heard(call.relay, reply, 2);
    if (!relay_answered(reply)) {
        call.fn(call.arg, RELAY_PAGE_LOST, NULL);
    } else if (heard && functions_status_is(reply, "ok") &&
               page_read(reply, PAGE_OF_SESSION, call.after, &page)) {
        call.fn(call.arg, RELAY_PAGE_OK, &page);
    } else {
        call.fn(call.arg, RELAY_PAGE_REFUSED, NULL);
    }
}

bool relay_replay(struct relay *r, const struct session *s, uint64_t after, relay_page_fn *fn,
                  void *arg)
{
    if (!link_is_open(r->state)) {
        return false;
    }
    char text[24];
    struct replay_call *call = must(malloc(sizeof *call));
    *call = (struct replay_call){r, fn, arg, after};
    snprintf(text, sizeof text, "%llu", (unsigned long long)after);
    const struct slice args[] = {slice_text(r->config.gateway_id), slice_text(r->number_text),
                                 slice_text(s->hash), slice_text(text), SLICE("all")};
    if (!functions_call(r->commands, "parley_replay", args, sizeof args / sizeof *args, on_page,
                        call)) {
        free(call);
        return false;
    }
    return true;
}
