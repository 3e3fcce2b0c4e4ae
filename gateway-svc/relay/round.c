/* round.c - every session attached again, in one round of many calls */
#include "gateway-svc/relay/attach_call.h"
#include "gateway-svc/relay/relay_state.h"
#include "shared/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64 /* sessions in one call; parley.lua's BATCH: it takes no more */
#define FIELDS 5 /* arguments per session */
/* Calls that are out at the same time.  All at once, they would take Redis longer than any command
 * may wait for its answer, as soon as enough users are here. */
#define WINDOW 16

/* The answer to parley_reattach: from VERDICTS on one for each session, and behind them each one's
 * newest message. */
enum { REATTACH_ID = ANSWER_ID, REATTACH_VERSION, REATTACH_FIRST, REATTACH_VERDICTS };

/* The last answer of a round is in: everything is attached, in one epoch or not. */
static void end_round(struct relay *r)
{
    if (r->round.mixed) {
        relay_step(r, LINK_EV_STALE);
        return;
    }
    if (r->round.epoch[0] == '\0') { /* there was nothing to attach */
        memcpy(r->round.epoch, r->heard_epoch, sizeof r->round.epoch);
    }
    r->epoch_lost = r->epoch_lost ||
                    (r->caller.epoch[0] != '\0' && strcmp(r->caller.epoch, r->round.epoch) != 0);
    memcpy(r->caller.epoch, r->round.epoch, sizeof r->caller.epoch);
    if (r->heard_id > r->caller.seen) {
        r->caller.seen = r->heard_id;
    }
    relay_step(r, LINK_EV_ATTACHED);
}

static void judge(struct relay *r, struct session *s, struct slice verdict, uint64_t last)
{
    if (slice_equal(verdict, SLICE("ok"))) {
        s->attached = true;
        repair_missed(r, s, last);
        r->handler->attached(r->app, s, RELAY_WAS_HERE);
    } else {
        r->handler->ended(r->app, s, SLICE("session_expired"));
        sessions_remove(r->sessions, s);
    }
}

static void on_reattached(void *arg, const struct redis_reply *reply)
{
    struct attach_call *call = arg;
    struct relay *r = call->relay;
    if (relay_heard(r, reply, ANSWER_ID) &&
        redis_reply_count(reply) == REATTACH_VERDICTS + 2 * call->count) {
        for (size_t i = 0; i < call->count; i++) {
            struct session *s = attach_call_session(call, i);
            if (s) {
                judge(r, s, redis_reply_text_at(reply, REATTACH_VERDICTS + i),
                      redis_reply_u64_at(reply, REATTACH_VERDICTS + call->count + i));
            }
        }
        round_answered(r, call, redis_reply_u64_at(reply, ANSWER_ID));
    } else if (relay_answered(reply)) {
        relay_step(r, LINK_EV_REFUSED); /* cannot go on like this; try from the start */
    }
    free(call);
}

struct batch {
    struct attach_call *call;
    struct slice args[2 + BATCH * FIELDS];
    char numbers[BATCH][2][24];
    char names[BATCH][USERNAME_MAX + 1];
};

static void batch_add(struct batch *b, struct session *s, uint64_t now_ms)
{
    size_t i = b->call->count;
    uint64_t rest_ms = s->expires_ms > now_ms ? s->expires_ms - now_ms : s->expires_ms ? 1 : 0;
    struct slice *at = &b->args[2 + i * FIELDS];
    snprintf(b->numbers[i][0], sizeof b->numbers[i][0], "%llu", (unsigned long long)s->login);
    snprintf(b->numbers[i][1], sizeof b->numbers[i][1], "%llu", (unsigned long long)rest_ms);
    session_name(s, b->names[i]);
    attach_call_add(b->call, s);
    at[0] = slice_text(b->call->items[i].hash);
    at[1] = slice_text(b->names[i]);
    at[2] = slice_text(s->shown);
    at[3] = slice_text(b->numbers[i][0]);
    at[4] = slice_text(b->numbers[i][1]);
}

/* The next session of this round, or NULL.  From the end, so that a removal, which moves the last
 * session into the gap, hides nobody; sessions that come meanwhile attach by themselves. */
static struct session *next_unsent(struct relay *r)
{
    if (r->round.unsent > sessions_count(r->sessions)) {
        r->round.unsent = sessions_count(r->sessions);
    }
    while (r->round.unsent > 0) {
        struct session *s = sessions_at(r->sessions, --r->round.unsent);
        if (s->round != r->round.number) {
            s->round = r->round.number;
            return s;
        }
    }
    return NULL;
}

/* Sends the call that begins with session `s`: it alone, or as many as fit. */
static bool attach_some(struct relay *r, struct session *s, struct batch *b)
{
    if (s->shown[0] == '\0') {
        return newcomers_connect_one(r, s);
    }
    uint64_t now_ms = clock_mono_ms();
    b->call = attach_call_new(r, r->round.number, BATCH);
    b->args[0] = slice_text(r->config.gateway_id);
    b->args[1] = slice_text(r->number_text);
    batch_add(b, s, now_ms);
    while (b->call->count < BATCH && (s = next_unsent(r))) {
        if (s->shown[0] == '\0') { /* it goes alone, next */
            s->round--;
            r->round.unsent++;
            break;
        }
        batch_add(b, s, now_ms);
    }
    size_t count = 2 + b->call->count * FIELDS;
    if (!functions_call(r->commands, "parley_reattach", b->args, count, on_reattached, b->call)) {
        free(b->call);
        return false;
    }
    return true;
}

/* Keeps the window full, and ends the round when nothing is left. */
static void attach_more(struct relay *r)
{
    struct batch b;
    struct session *s;
    while (r->round.out < WINDOW && (s = next_unsent(r))) {
        if (!attach_some(r, s, &b)) {
            relay_step(r, LINK_EV_REFUSED); /* whoever was left out would wait for ever */
            return;
        }
        r->round.out++;
    }
    if (r->round.out == 0) {
        end_round(r);
    }
}

void round_answered(struct relay *r, const struct attach_call *call, uint64_t id)
{
    if (call->round != r->round.number || r->round.out == 0) {
        return;
    }
    if (id > 0) {
        fill_aim(&r->fill, id);
    }
    if (r->round.epoch[0] == '\0') {
        memcpy(r->round.epoch, r->heard_epoch, sizeof r->round.epoch);
    }
    r->round.mixed = r->round.mixed || strcmp(r->round.epoch, r->heard_epoch) != 0;
    r->round.out--;
    attach_more(r);
}

void round_begin(struct relay *r)
{
    repair_forget(r);
    newcomers_forget(r); /* they are in the round */
    r->round.number++;
    r->round.out = 0;
    r->round.unsent = sessions_count(r->sessions);
    r->round.epoch[0] = '\0';
    r->round.mixed = false;
    for (size_t i = 0; i < r->round.unsent; i++) {
        sessions_at(r->sessions, i)->attempt = 0; /* older answers count no more */
    }
    attach_more(r);
}
