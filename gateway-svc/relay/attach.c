/* attach.c - sessions: attaching them one by one or all again, and detaching them */
#include "gateway-svc/relay/relay_state.h"
#include "shared/clock.h"
#include "shared/must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64    /* sessions in one call; parley.lua's BATCH: it takes no more */
#define FIELDS 5    /* arguments per session */
#define CONNECTS 32 /* sessions in one call to connect: many at once must not hold up messages */
/* Calls of an attach-all that are out at the same time.  All at once, they would take Redis longer
 * than any command may wait for its answer, as soon as enough users are here. */
#define WINDOW 16

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
/* The answer to parley_reattach: from VERDICTS on one for each session, and behind them each one's
 * newest message. */
enum { REATTACH_ID = ANSWER_ID, REATTACH_VERSION, REATTACH_FIRST, REATTACH_VERDICTS };

/* One attach that waits for its answer: which sessions, and at which attempt.  Sessions may be gone
 * or tried anew by then, so they are looked up again. */
struct attach_call {
    struct relay *relay;
    uint32_t round; /* 0: not part of an attach-all */
    size_t count;
    struct {
        char hash[TOKEN_HASH_LEN + 1];
        uint32_t attempt;
    } items[];
};

static struct attach_call *call_new(struct relay *r, uint32_t round, size_t capacity)
{
    struct attach_call *call = must(calloc(1, sizeof *call + capacity * sizeof call->items[0]));
    call->relay = r;
    call->round = round;
    return call;
}

static void call_add(struct attach_call *call, struct session *s)
{
    s->attempt = ++call->relay->attempts;
    session_hash(s, call->items[call->count].hash);
    call->items[call->count++].attempt = s->attempt;
}

/* The session that an answer is for, unless it is gone or was attached once more since. */
static struct session *call_session(const struct attach_call *call, size_t i)
{
    struct session *s = sessions_find(call->relay->sessions, slice_text(call->items[i].hash));
    return s && s->attempt == call->items[i].attempt ? s : NULL;
}

static void copy_name(char out[USERNAME_MAX + 1], struct slice name)
{
    snprintf(out, USERNAME_MAX + 1, "%.*s", (int)slice_head(name, USERNAME_MAX).len,
             name.len ? name.ptr : "");
}

static void refuse(struct relay *r, struct session *s, enum relay_refusal why)
{
    r->stats.refused++;
    r->handler->refused(r->app, s, why);
    sessions_remove(r->sessions, s);
}

/* ---- Sessions that came, by their tokens ------------------------------------------------------
 */

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

static void finish_round(struct relay *r, const struct attach_call *call, uint64_t id);

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
        refuse(r, s, slice_equal(status, SLICE("unknown")) ? RELAY_UNKNOWN : RELAY_UNAVAILABLE);
        return;
    }
    uint64_t left = left_of(r, s, redis_reply_text_at(reply, at + CONNECT_LEFT));
    if (r->delivered > s->newest) {
        s->newest = r->delivered; /* what passed by its clients ask for */
    }
    r->handler->attached(r->app, s, left);
}

static bool connect_more(struct relay *r);

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
        struct session *s = call_session(call, i);
        if (s) {
            take_answer(r, s, reply, i * CONNECT_FIELDS);
        }
    }
    if (call->round == 0) {
        r->connecting = false;
        (void)connect_more(r);
    } else if (answered) {
        finish_round(r, call,
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

/* In an attach-all, before anything is known of it. */
static bool connect_one(struct relay *r, struct session *s)
{
    struct attach_call *call = call_new(r, r->round.number, 1);
    call_add(call, s);
    if (!connect_call(r, call)) {
        free(call);
        return false;
    }
    return true;
}

/* It could not be sent: those in it come again by themselves.  (One without an owner is being
 * opened just now, and its caller is told.) */
static void give_up(struct relay *r, const struct attach_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        struct session *s = call_session(call, i);
        if (s && s->owner) {
            refuse(r, s, RELAY_UNAVAILABLE);
        } else if (s) {
            sessions_remove(r->sessions, s);
        }
    }
}

/* Who has gone since, or was sent by an attach-all, is not to be attached behind that. */
static void drop_gone(struct attach_call *call)
{
    size_t count = 0;
    for (size_t i = 0; i < call->count; i++) {
        if (call_session(call, i)) {
            call->items[count++] = call->items[i];
        }
    }
    call->count = count;
}

static bool connect_more(struct relay *r)
{
    struct attach_call *call = r->next_connect;
    if (!call) {
        return true;
    }
    r->next_connect = NULL;
    drop_gone(call);
    if (call->count == 0) {
        free(call);
        return true;
    }
    r->connecting = link_is_open(r->state) && connect_call(r, call);
    if (!r->connecting) {
        give_up(r, call);
        free(call);
    }
    return r->connecting;
}

/* One call is out at a time, but for those that are full: whoever comes meanwhile shares the next,
 * because one call is much cheaper for Redis than many. */
static bool connect_soon(struct relay *r, struct session *s)
{
    if (!r->next_connect) {
        r->next_connect = call_new(r, 0, CONNECTS);
    }
    call_add(r->next_connect, s);
    return (r->connecting && r->next_connect->count < CONNECTS) || connect_more(r);
}

void relay_forget_next(struct relay *r)
{
    free(r->next_connect);
    r->next_connect = NULL;
}

/* It is gone before it was sent: Redis must not attach it. */
static void leave_next(struct relay *r, const struct session *s)
{
    struct attach_call *call = r->next_connect;
    for (size_t i = 0; call && i < call->count; i++) {
        if (call_session(call, i) == s) {
            call->items[i] = call->items[--call->count];
            break;
        }
    }
    if (call && call->count == 0) {
        relay_forget_next(r);
    }
}

/* ---- All sessions again ---------------------------------------------------------------------- */

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
            struct session *s = call_session(call, i);
            if (s) {
                judge(r, s, redis_reply_text_at(reply, REATTACH_VERDICTS + i),
                      redis_reply_u64_at(reply, REATTACH_VERDICTS + call->count + i));
            }
        }
        finish_round(r, call, redis_reply_u64_at(reply, ANSWER_ID));
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
    call_add(b->call, s);
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
        return connect_one(r, s);
    }
    uint64_t now_ms = clock_mono_ms();
    b->call = call_new(r, r->round.number, BATCH);
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

/* One answer of the round is in; `id`: message:id as it says, or 0. */
static void finish_round(struct relay *r, const struct attach_call *call, uint64_t id)
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

void relay_attach_all(struct relay *r)
{
    repair_forget(r);
    relay_forget_next(r); /* they are in the round */
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

void relay_forget_all(struct relay *r)
{
    r->round.out = 0;
    r->round.unsent = 0;
    relay_forget_next(r);
    repair_forget(r);
    replay_forget(r);
    sending_forget(r);
    for (size_t i = sessions_count(r->sessions); i-- > 0;) {
        struct session *s = sessions_at(r->sessions, i);
        s->attached = false;
        if (s->shown[0] == '\0') { /* whose it is was never answered */
            refuse(r, s, RELAY_UNAVAILABLE);
        }
    }
}

/* ---- For the application --------------------------------------------------------------------- */

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
    return connect_soon(r, s) ? s : NULL;
}

/* Up to where a session has got everything whose clients are live. */
static uint64_t had_all(const struct relay *r, const struct session *s)
{
    uint64_t id = r->state >= LINK_PRUNING ? r->delivered : r->group_mark;
    return id > s->attach_id ? id : s->attach_id;
}

void relay_close(struct relay *r, struct session *s, uint64_t upto)
{
    char left[24], hash[TOKEN_HASH_LEN + 1];
    leave_next(r, s);
    session_hash(s, hash);
    snprintf(left, sizeof left, "%llu",
             (unsigned long long)(upto == RELAY_WAS_HERE ? had_all(r, s) : upto));
    const struct slice args[] = {slice_text(r->config.gateway_id), slice_text(r->number_text),
                                 slice_text(hash), slice_text(left)};
    if (link_is_open(r->state)) { /* else the next link prunes it */
        sending_flush(r);
        functions_call(r->commands, "parley_detach", args, 4, NULL, NULL);
    }
    sessions_remove(r->sessions, s);
}
