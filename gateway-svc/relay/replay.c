/* replay.c - one page of what a session missed, for one of its clients */
#include "gateway-svc/relay/relay_state.h"
#include "shared/must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Questions that are out at the same time; the others wait.  When a gateway died, or much was
 * missed, thousands ask at once: together they would take Redis longer than any command may wait
 * for its answer. */
#define WINDOW 32

struct replay_call {
    struct replay_call *next; /* while it waits */
    struct relay *relay;
    relay_page_fn *fn;
    void *arg;
    uint64_t after;
    char hash[TOKEN_HASH_LEN + 1];
};

static void end_call(struct replay_call *call, enum relay_page result, const struct page *page)
{
    relay_page_fn *fn = call->fn;
    void *arg = call->arg;
    free(call);
    fn(arg, result, page);
}

static void on_page(void *arg, const struct redis_reply *reply);

static bool send_call(struct replay_call *call)
{
    struct relay *r = call->relay;
    char after[24];
    snprintf(after, sizeof after, "%llu", (unsigned long long)call->after);
    const struct slice args[] = {slice_text(r->config.gateway_id), slice_text(r->number_text),
                                 slice_text(call->hash), slice_text(after), SLICE("all")};
    if (!functions_call(r->commands, "parley_replay", args, sizeof args / sizeof *args, on_page,
                        call)) {
        return false;
    }
    r->replaying++;
    return true;
}

static struct replay_call *take_waiting(struct relay *r)
{
    struct replay_call *call = r->replays;
    r->replays = call ? call->next : NULL;
    r->replays_end = r->replays ? r->replays_end : &r->replays;
    return call;
}

static void send_waiting(struct relay *r)
{
    while (r->replays && r->replaying < WINDOW) {
        struct replay_call *call = take_waiting(r);
        if (!send_call(call)) {
            end_call(call, RELAY_PAGE_REFUSED, NULL);
        }
    }
}

static void on_page(void *arg, const struct redis_reply *reply)
{
    struct replay_call *call = arg;
    struct relay *r = call->relay;
    struct page page;
    r->replaying--;
    bool heard = relay_heard(r, reply, ANSWER_ID);
    if (!relay_answered(reply)) {
        end_call(call, RELAY_PAGE_LOST, NULL); /* those that wait hear it when the link is down */
        return;
    }
    if (heard && functions_status_is(reply, "ok") &&
        page_read(reply, PAGE_OF_SESSION, call->after, &page)) {
        end_call(call, RELAY_PAGE_OK, &page);
    } else {
        end_call(call, RELAY_PAGE_REFUSED, NULL);
    }
    send_waiting(r);
}

bool relay_replay(struct relay *r, const struct session *s, uint64_t after, relay_page_fn *fn,
                  void *arg)
{
    if (!link_is_open(r->state)) {
        return false;
    }
    struct replay_call *call = must(calloc(1, sizeof *call));
    *call = (struct replay_call){.relay = r, .fn = fn, .arg = arg, .after = after};
    session_hash(s, call->hash);
    if (r->replaying < WINDOW) {
        if (!send_call(call)) {
            free(call);
            return false;
        }
        return true;
    }
    *r->replays_end = call;
    r->replays_end = &call->next;
    return true;
}

void replay_init(struct relay *r)
{
    r->replays_end = &r->replays;
}

void replay_forget(struct relay *r)
{
    struct replay_call *call;
    while ((call = take_waiting(r))) {
        end_call(call, RELAY_PAGE_LOST, NULL);
    }
}
