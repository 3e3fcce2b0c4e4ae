/* newcomers.c - sessions that came: attached by their tokens, many in one call */
#include "gateway-svc/relay/attach_call.h"
#include "gateway-svc/relay/relay_state.h"
#include "shared/clock.h"
#include <stdio.h>
#include <stdlib.h>

#define CONNECTS 32 /* sessions in one call: many at once must not hold up messages */

/* The answer to parley_connect: all this for each session. */
enum {
    CONNECT_STATUS = ANSWER_STATUS,
    CONNECT_ID = ANSWER_ID,
    CONNECT_NAME,
    CONNECT_SHOWN, /* as typed */
    CONNECT_LOGIN,
    CONNECT_REST_MS, /* to its end; 0: none */
    CONNECT_VERSION,
    CONNECT_FLOOR,
    CONNECT_JOINED, /* 1: it became visible with that version */
    CONNECT_LEFT,   /* see left_of */
    CONNECT_FIRST,
    CONNECT_NEWEST,
    CONNECT_FIELDS
};

static void copy_name(char out[USERNAME_MAX + 1], struct slice name)
{
    snprintf(out, USERNAME_MAX + 1, "%.*s", (int)slice_head(name, USERNAME_MAX).len,
             name.len ? name.ptr : "");
}

/* Clients get the name as it is, and calls carry it: what nobody can be called is no answer.  `at`:
 * where it begins in the answer. */
static bool learn(struct session *s, const struct redis_reply *reply, size_t at)
{
    uint64_t rest_ms = redis_reply_u64_at(reply, at + CONNECT_REST_MS);
    struct slice name = redis_reply_text_at(reply, at + CONNECT_NAME);
    struct slice shown = redis_reply_text_at(reply, at + CONNECT_SHOWN);
    if (username_check(shown) != USERNAME_OK || !slice_equal_nocase(name, shown)) {
        return false;
    }
    copy_name(s->shown, shown);
    s->login = redis_reply_u64_at(reply, at + CONNECT_LOGIN);
    s->attach_id = redis_reply_u64_at(reply, at + CONNECT_ID);
    s->newest = s->attach_id;
    s->expires_ms = rest_ms ? clock_mono_ms() + rest_ms : 0;
    s->attached = true;
    return true;
}

/* Behind which id the session has missed something: where its user went away, if he was in grace;
 * or where it was attached, if the channels were quicker than this answer. */
static uint64_t left_of(const struct relay *r, const struct session *s, struct slice left_text)
{
    uint64_t left;
    if (slice_u64(left_text, UINT64_MAX - 1, &left)) {
        return left;
    }
    return r->delivered > s->attach_id ? s->attach_id : RELAY_WAS_HERE;
}

/* Who became visible by the call, in the order of its change. */
static void note_joined(struct relay *r, const struct attach_call *call,
                        const struct redis_reply *reply)
{
    struct buf list;
    uint64_t version = 0;
    buf_init(&list, (size_t)CONNECTS * (USERNAME_MAX + 2));
    for (size_t i = 0; i < call->count; i++) {
        if (redis_reply_u64_at(reply, i * CONNECT_FIELDS + CONNECT_JOINED) == 1) {
            struct slice shown = redis_reply_text_at(reply, i * CONNECT_FIELDS + CONNECT_SHOWN);
            version = redis_reply_u64_at(reply, i * CONNECT_FIELDS + CONNECT_VERSION);
            buf_append(&list, list.len > 0 ? SLICE(" +") : SLICE("+"));
            buf_append(&list, slice_head(shown, USERNAME_MAX));
        }
    }
    if (list.len > 0) {
        roster_feed_joined(r, version, buf_slice(&list));
    }
    buf_deinit(&list);
}

static void take_answer(struct relay *r, struct session *s, const struct redis_reply *reply,
                        size_t at)
{
    struct slice status = redis_reply_text_at(reply, at + CONNECT_STATUS);
    if (!slice_equal(status, SLICE("ok")) || !learn(s, reply, at)) {
        relay_refuse(r, s,
                     slice_equal(status, SLICE("unknown")) ? RELAY_UNKNOWN : RELAY_UNAVAILABLE);
        return;
    }
    uint64_t left = left_of(r, s, redis_reply_text_at(reply, at + CONNECT_LEFT));
    if (r->delivered > s->newest) {
        s->newest = r->delivered; /* what passed by its clients ask for */
    }
    r->handler->attached(r->app, s, left);
}

static bool connect_more(struct relay *r, const struct session *opening);

static void on_connected(void *arg, const struct redis_reply *reply)
{
    struct attach_call *call = arg;
    struct relay *r = call->relay;
    relay_heard(r, reply, ANSWER_ID);
    bool answered = relay_answered(reply);
    if (answered) {
        note_joined(r, call, reply);
    }
    for (size_t i = 0; i < call->count && answered; i++) {
        struct session *s = attach_call_session(call, i);
        if (s) {
            take_answer(r, s, reply, i * CONNECT_FIELDS);
        }
    }
    if (call->round == 0) {
        r->newcomers.out = false;
        (void)connect_more(r, NULL);
    } else if (answered) {
        round_answered(r, call,
                       functions_status_is(reply, "ok") ? redis_reply_u64_at(reply, ANSWER_ID) : 0);
    }
    free(call);
}

static bool connect_call(struct relay *r, struct attach_call *call)
{
    struct slice args[2 + CONNECTS] = {slice_text(r->config.gateway_id),
                                       slice_text(r->number_text)};
    for (size_t i = 0; i < call->count; i++) {
        args[2 + i] = slice_text(call->items[i].hash);
    }
    return functions_call(r->commands, "parley_connect", args, 2 + call->count, on_connected, call);
}

bool newcomers_connect_one(struct relay *r, struct session *s)
{
    struct attach_call *call = attach_call_new(r, r->round.number, 1);
    attach_call_add(call, s);
    if (!connect_call(r, call)) {
        free(call);
        return false;
    }
    return true;
}

/* It could not be sent: those in it come again by themselves.  Of the one that is being opened just
 * now (NULL: none) nobody knows yet: its caller is told. */
static void give_up(struct relay *r, const struct attach_call *call, const struct session *opening)
{
    for (size_t i = 0; i < call->count; i++) {
        struct session *s = attach_call_session(call, i);
        if (s && s == opening) {
            sessions_remove(r->sessions, s);
        } else if (s) {
            relay_refuse(r, s, RELAY_UNAVAILABLE);
        }
    }
}

/* Who has gone since, or was sent by an attach-all, is not to be attached behind that. */
static void drop_gone(struct attach_call *call)
{
    size_t count = 0;
    for (size_t i = 0; i < call->count; i++) {
        if (attach_call_session(call, i)) {
            call->items[count++] = call->items[i];
        }
    }
    call->count = count;
}

static bool connect_more(struct relay *r, const struct session *opening)
{
    struct attach_call *call = r->newcomers.next;
    if (!call) {
        return true;
    }
    r->newcomers.next = NULL;
    drop_gone(call);
    if (call->count == 0) {
        free(call);
        return true;
    }
    r->newcomers.out = link_is_open(r->state) && connect_call(r, call);
    if (!r->newcomers.out) {
        give_up(r, call, opening);
        free(call);
    }
    return r->newcomers.out;
}

/* One call is out at a time, but for those that are full: whoever comes meanwhile shares the next,
 * because one call is much cheaper for Redis than many. */
bool newcomers_add(struct relay *r, struct session *s)
{
    if (!r->newcomers.next) {
        r->newcomers.next = attach_call_new(r, 0, CONNECTS);
    }
    attach_call_add(r->newcomers.next, s);
    return (r->newcomers.out && r->newcomers.next->count < CONNECTS) || connect_more(r, s);
}

void newcomers_forget(struct relay *r)
{
    free(r->newcomers.next);
    r->newcomers.next = NULL;
}

void newcomers_remove(struct relay *r, const struct session *s)
{
    struct attach_call *call = r->newcomers.next;
    for (size_t i = 0; call && i < call->count; i++) {
        if (attach_call_session(call, i) == s) {
            call->items[i] = call->items[--call->count];
            break;
        }
    }
    if (call && call->count == 0) {
        newcomers_forget(r);
    }
}
