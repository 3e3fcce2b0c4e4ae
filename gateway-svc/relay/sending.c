/* sending.c - messages of clients: those that came while a call was out go to Redis in the next one
 *
 * A call costs Redis half of what a message does, so what comes nearly together shares one.  A
 * message that is alone leaves at the end of its turn of the loop.  While its call is out, others
 * gather, and leave when the answer is there: so nobody waits for longer than a call takes, and the
 * more there is to do, the more goes in one. */
#include "gateway-svc/relay/relay_state.h"
#include "shared/clock.h"
#include "shared/must.h"
#include "shared/redis_trouble.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)64 << 10) /* with more than that nothing waits for another message */
#define DIGEST_LEN 16
#define HEAD_ARGS 3 /* gateway, link, keep_ms */
/* What we put to each message. */
#define OWN_PARTS_MAX (TOKEN_HASH_LEN + USERNAME_MAX + 1 + DIGEST_LEN)

/* One call under way, and whom to tell. */
struct send_call {
    struct relay *relay;
    size_t count;
    struct sender {
        relay_sent_fn *fn;
        void *arg;
    } senders[];
};

/* ---- Answers --------------------------------------------------------------------------------- */

/* The answer to parley_send: from there on one text for each message. */
enum { SENT_FATES = ANSWER_ID + 1 };

static const struct {
    const char *status;
    enum relay_sent sent;
} outcomes[] = {
    {"ok",           RELAY_SENT_OK          },
    {"dup",          RELAY_SENT_DUP         },
    {"no_such_user", RELAY_SENT_NO_SUCH_USER},
    {"conflict",     RELAY_SENT_CONFLICT    },
    {"ended",        RELAY_SENT_ENDED       },
};

static void note_failure(struct relay *r, struct slice why)
{
    struct log_limit *limit = &r->limits.refused_messages;
    if (log_limit_ok(limit, 1, clock_mono_ms())) {
        log_error("redis could not take a message why=\"%s\" suppressed=%llu",
                  redis_trouble_words(why), (unsigned long long)limit->suppressed);
    }
}

/* The fate of one message, as parley_send tells it: a status, and what it says besides. */
static void tell(struct relay *r, const struct sender *sender, struct slice fate)
{
    enum relay_sent sent = RELAY_SENT_UNAVAILABLE;
    uint64_t id = 0;
    struct slice rest = fate, status = slice_cut(&rest, ' ');
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        sent = slice_equal(status, slice_text(outcomes[i].status)) ? outcomes[i].sent : sent;
    }
    if (slice_equal(status, SLICE("failed"))) {
        note_failure(r, rest);
        rest = SLICE("");
    }
    (void)slice_u64(slice_cut(&rest, ' '), UINT64_MAX, &id);
    sender->fn(sender->arg, sent, id, rest);
}

/* `reply` NULL: nobody knows. */
static void tell_all(struct send_call *call, const struct redis_reply *reply)
{
    for (size_t i = 0; i < call->count; i++) {
        struct slice fate = reply ? redis_reply_text_at(reply, SENT_FATES + i) : SLICE("");
        tell(call->relay, &call->senders[i], fate);
    }
    free(call);
}

/* Who waited for it leaves at the end of this turn. */
static void note_answered(struct sending *s, struct ev_loop *loop)
{
    s->out--;
    if (s->count > 0) {
        ev_idle_start(loop, &s->awake);
    }
}

static void on_sent(void *arg, const struct redis_reply *reply)
{
    struct send_call *call = arg;
    bool ok = functions_status_is(reply, "ok");
    note_answered(&call->relay->sending, call->relay->loop);
    bool heard = relay_heard(call->relay, reply, ok ? ANSWER_ID : 0);
    tell_all(call, heard && ok ? reply : NULL);
}

/* ---- The turn -------------------------------------------------------------------------------- */

static struct send_call *call_of(const struct sending *s)
{
    struct send_call *call = must(malloc(sizeof *call + s->count * sizeof *call->senders));
    call->relay = s->turn.data;
    call->count = s->count;
    for (size_t i = 0; i < s->count; i++) {
        call->senders[i] = (struct sender){s->items[i].fn, s->items[i].arg};
    }
    return call;
}

static void clear(struct relay *r)
{
    ev_prepare_stop(r->loop, &r->sending.turn);
    ev_idle_stop(r->loop, &r->sending.awake);
    r->sending.count = 0;
    buf_clear(&r->sending.text);
}

void sending_forget(struct relay *r)
{
    if (r->sending.count > 0) {
        struct send_call *call = call_of(&r->sending);
        clear(r);
        tell_all(call, NULL);
    }
}

static size_t put_args(const struct sending *s, struct slice *args)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        for (size_t part = 0; part < SENDING_PARTS; part++) {
            const struct sending_item *item = &s->items[i];
            args[count++] = (struct slice){s->text.ptr + item->at[part], item->len[part]};
        }
    }
    return count;
}

void sending_flush(struct relay *r)
{
    static struct slice args[HEAD_ARGS + SENDING_MAX * SENDING_PARTS]; /* a local one is zeroed */
    if (r->sending.count == 0) {
        return;
    }
    struct send_call *call = call_of(&r->sending);
    args[0] = slice_text(r->config.gateway_id);
    args[1] = slice_text(r->number_text);
    args[2] = slice_text(r->sending.keep);
    size_t count = HEAD_ARGS + put_args(&r->sending, args + HEAD_ARGS);
    bool sent = functions_call(r->commands, "parley_send", args, count, on_sent, call);
    clear(r); /* first: whoever is told may send again */
    if (sent) {
        r->sending.out++;
    } else {
        tell_all(call, NULL);
    }
}

static void on_turn(struct ev_loop *loop, ev_prepare *turn, int events)
{
    (void)loop;
    (void)events;
    struct relay *r = turn->data;
    if (r->sending.out == 0) {
        sending_flush(r);
    } else {
        ev_idle_stop(r->loop, &r->sending.awake); /* the answer will wake the loop */
    }
}

static void on_awake(struct ev_loop *loop, ev_idle *awake, int events)
{
    (void)loop;
    (void)awake;
    (void)events;
}

void sending_init(struct relay *r)
{
    ev_idle_init(&r->sending.awake, on_awake);
    ev_prepare_init(&r->sending.turn, on_turn);
    r->sending.turn.data = r;
    /* Before the connection to Redis writes what was asked in this turn. */
    ev_set_priority(&r->sending.turn, EV_MAXPRI);
    buf_init(&r->sending.text, BYTES_MAX + RELAY_MESSAGE_MAX + OWN_PARTS_MAX);
    snprintf(r->sending.keep, sizeof r->sending.keep, "%llu",
             (unsigned long long)r->config.keep_ms);
}

void sending_deinit(struct relay *r)
{
    sending_forget(r);
    buf_deinit(&r->sending.text);
}

/* ---- One message ----------------------------------------------------------------------------- */

static void put(struct sending *s, enum sending_part part, struct slice value)
{
    struct sending_item *item = &s->items[s->count];
    item->at[part] = s->text.len;
    item->len[part] = value.len;
    buf_append(&s->text, value);
}

/* Of receiver and text, which stand side by side: what a retry must be equal to.
 * Who finds two messages that are alike to the hash can mislead nobody but himself. */
static void put_digest(struct sending *s)
{
    const struct sending_item *item = &s->items[s->count];
    uint64_t h = slice_hash(slice_tail(buf_slice(&s->text), item->at[SENDING_TO]));
    char digest[DIGEST_LEN];
    for (size_t i = 0; i < DIGEST_LEN; i++, h >>= 4) {
        digest[i] = "0123456789abcdef"[h & 15];
    }
    put(s, SENDING_DIGEST, (struct slice){digest, DIGEST_LEN});
}

static void put_message(struct sending *s, const struct session *session,
                        const struct relay_text *message)
{
    char hash[TOKEN_HASH_LEN + 1], name[USERNAME_MAX + 1];
    session_hash(session, hash);
    session_name(session, name);
    put(s, SENDING_SESSION, slice_text(hash));
    put(s, SENDING_NAME, slice_text(name));
    put(s, SENDING_CLIENT_ID, message->client_id);
    put(s, SENDING_TO, message->to);
    buf_append(&s->text, SLICE("\n"));
    put(s, SENDING_TEXT, message->text);
    put_digest(s);
    if (s->text.failed) { /* there was room, see relay_send */
        must(NULL);
    }
}

bool relay_send(struct relay *r, struct session *session, const struct relay_text *message,
                relay_sent_fn *fn, void *arg)
{
    struct sending *s = &r->sending;
    size_t size = message->to.len + message->client_id.len + message->text.len;
    if (!link_is_open(r->state) || !session->attached || size > RELAY_MESSAGE_MAX) {
        return false;
    }
    put_message(s, session, message);
    s->items[s->count].fn = fn;
    s->items[s->count].arg = arg;
    if (s->count++ == 0) {
        ev_prepare_start(r->loop, &s->turn);
        ev_idle_start(r->loop, &s->awake);
    }
    if (s->count == SENDING_MAX || s->text.len > BYTES_MAX) {
        sending_flush(r);
    }
    return true;
}
