/* repair.c - holes in the channels: lines wait until what is missing before them has been fetched
 *
 * Whoever attaches everybody again (round.c) does it because lines were missed, or may have been:
 * on a new link, in a hole, in another epoch.  From then on messages wait.  When everybody is
 * attached, the windows in Redis are asked for what came after the watermarks; that is delivered,
 * in the order of ids, and then what waited.  See fill.h for why nothing gets lost in between. */
#include "gateway-svc/relay/relay_state.h"
#include "shared/clock.h"
#include "shared/must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 16 /* questions that are out at the same time */
#define HELD_MAX_BYTES ((size_t)4 << 20)

void repair_init(struct relay *r)
{
    fill_init(&r->fill, r->config.queue_bytes);
    pile_init(&r->held, HELD_MAX_BYTES);
}

void repair_forget(struct relay *r)
{
    fill_clear(&r->fill);
    pile_clear(&r->held);
    r->held_dropped = false;
    r->filling = 0;
}

/* ---- Delivering ------------------------------------------------------------------------------ */

static struct session *attached_session(const struct relay *r, struct slice hash)
{
    struct session *s = sessions_find(r->sessions, hash);
    return s && s->attached ? s : NULL;
}

static void raise_to(uint64_t *mark, uint64_t id)
{
    *mark = id > *mark ? id : *mark;
}

static void note_delivered(struct relay *r, const struct bus_message *m)
{
    raise_to(&r->delivered, m->id);
    if (m->id > r->caller.seen && strcmp(r->heard_epoch, r->caller.epoch) == 0) {
        r->caller.seen = m->id;
    }
}

static void note_newest(struct session *s, uint64_t id)
{
    if (s) {
        raise_to(&s->newest, id);
    }
}

/* Ids rise, whatever a line says. */
static void deliver(struct relay *r, const struct bus_message *m)
{
    struct session *receiver = attached_session(r, m->receiver);
    struct session *sender = attached_session(r, m->sender);
    if (m->id <= r->delivered) {
        return;
    }
    note_delivered(r, m);
    if (m->receiver.len > 0) {
        note_newest(receiver, m->id);
        note_newest(sender, m->id);
    } else {
        raise_to(&r->group_mark, m->id);
    }
    r->handler->message(r->app, m, receiver, sender);
}

/* A copy from a session's inbox is for that session alone.  (Not for one that ended and was opened
 * again since, which has attached behind it.) */
static void deliver_copy(struct relay *r, const struct bus_message *m, const char *hash)
{
    struct session *s = attached_session(r, slice_text(hash));
    bool received = slice_equal(m->receiver, slice_text(hash));
    bool sent = slice_equal(m->sender, slice_text(hash));
    if (s && (received || sent) && m->id > s->newest && m->id > r->group_mark) {
        note_newest(s, m->id);
        note_delivered(r, m);
        r->handler->message(r->app, m, received ? s : NULL, sent ? s : NULL);
    }
}

/* A process or a machine that was stopped, or a Redis that did not answer, for so long that our
 * lease may have lapsed: then messages may have been sent that were not published to us, and what
 * comes now is behind them.  (Only then: renewals go on while everybody is attached, however long
 * that takes.)
 */
static bool may_have_lapsed(const struct relay *r)
{
    return clock_boot_us() - r->fence_us > r->config.lease_ms * 1000;
}

void repair_message(struct relay *r, const struct bus_message *m)
{
    if (r->state >= LINK_PRUNING && may_have_lapsed(r)) {
        log_warn("the lease may have lapsed: attaching every session again");
        relay_step(r, LINK_EV_STALE);
    }
    if (r->state >= LINK_PRUNING) {
        deliver(r, m);
    } else if (link_is_open(r->state) && !r->held_dropped &&
               !pile_add(&r->held, m->id, 0, m->text)) {
        log_warn("more messages than may wait came while others were fetched");
        r->held_dropped = true;
        pile_clear(&r->held);
    } else if (!link_is_open(r->state)) {
        raise_to(&r->passed, m->id);
    }
}

/* ---- The end of a fill ----------------------------------------------------------------------- */

/* Up to where something of the source is lost: of what came later nothing was asked for.  0:
 * nothing is. */
static uint64_t lost_of(const struct relay *r, const struct fill_source *source)
{
    return source->lost < r->fill.target ? source->lost : r->fill.target;
}

/* The same of what everybody may have missed: of the group, or because the history changed. */
static uint64_t lost_for_all(const struct relay *r)
{
    uint64_t upto = r->epoch_lost ? r->fill.target : 0;
    for (size_t i = 0; i < r->fill.count; i++) {
        if (r->fill.sources[i].session[0] == '\0') {
            raise_to(&upto, lost_of(r, &r->fill.sources[i]));
        }
    }
    return upto;
}

/* Who lost something of his own; and with the same word what everybody lost, up to `all`. */
static void tell_each(struct relay *r, uint64_t all)
{
    for (size_t i = 0; i < r->fill.count; i++) {
        uint64_t own = lost_of(r, &r->fill.sources[i]);
        struct session *s = attached_session(r, slice_text(r->fill.sources[i].session));
        if (s && own > 0) {
            r->handler->lost(r->app, s, own > all ? own : all);
        }
    }
}

static void tell_lost(struct relay *r)
{
    uint64_t all = lost_for_all(r);
    r->epoch_lost = false;
    tell_each(r, all);
    if (sessions_count(r->sessions) > 0 && all > 0) {
        log_warn("messages were lost, and clients are told");
        r->handler->lost(r->app, NULL, all);
    }
}

static void deliver_group(struct relay *r, const struct bus_message *m)
{
    raise_to(&r->group_mark, m->id);
    note_delivered(r, m);
    r->handler->message(r->app, m, NULL, attached_session(r, m->sender));
}

static void deliver_fill(struct relay *r)
{
    struct bus_message m;
    for (size_t i = 0; i < r->fill.pile.count; i++) {
        const struct fill_source *source = &r->fill.sources[r->fill.pile.items[i].key];
        if (!bus_message_decode(pile_text(&r->fill.pile, i), &m)) {
            continue; /* it was one when it came */
        }
        if (source->session[0] != '\0') {
            deliver_copy(r, &m, source->session);
        } else {
            deliver_group(r, &m);
        }
    }
}

/* Everything up to the target has been delivered, is lost, or is asked for by clients.  (So for
 * whoever missed nothing, too: a mark of an older epoch would look like a loss in the next hole.)
 */
static void raise_marks(struct relay *r)
{
    raise_to(&r->group_mark, r->fill.target);
    raise_to(&r->delivered, r->fill.target);
    for (size_t i = 0; i < sessions_count(r->sessions); i++) {
        note_newest(sessions_at(r->sessions, i), r->fill.target);
    }
}

static void release_held(struct relay *r)
{
    struct bus_message m;
    for (size_t i = 0; i < r->held.count; i++) {
        if (bus_message_decode(pile_text(&r->held, i), &m)) {
            deliver(r, &m);
        }
    }
}

static void finish(struct relay *r)
{
    bool again = r->held_dropped;
    /* Nobody was here to ask for, so nobody lacks what has passed by.  (Such lines may be behind
     * the nonce, when the answer to the renewal is later than both: message:id in it is below
     * them.) */
    fill_aim(&r->fill, r->passed > r->heard_id ? r->passed : r->heard_id);
    if (r->fill.too_much) {
        log_info("much was missed: each client asks for its own");
        r->handler->behind(r->app);
    } else {
        log_debug("filled count=%zu", r->fill.pile.count);
        pile_sort(&r->fill.pile);
        deliver_fill(r);
    }
    raise_marks(r);
    r->stats.fills++;
    tell_lost(r);
    release_held(r);
    repair_forget(r);
    relay_step(r, LINK_EV_FILLED);
    if (again) {
        relay_step(r, LINK_EV_STALE);
    }
}

/* ---- Asking ---------------------------------------------------------------------------------- */

struct fill_call {
    struct relay *relay;
    uint32_t round;
    size_t source;
};

static void ask_more(struct relay *r);

static bool ask(struct relay *r, size_t place);

/* True when the source has to be asked again. */
static bool take_answer(struct relay *r, size_t place, const struct redis_reply *reply)
{
    const struct fill_source *source = &r->fill.sources[place];
    struct page page;
    enum page_kind kind = source->session[0] ? PAGE_OF_SESSION : PAGE_OF_GROUP;
    if (!functions_status_is(reply, "ok")) {
        return false; /* the session ended meanwhile */
    }
    if (!page_read(reply, kind, source->after, &page)) {
        fill_lost(&r->fill.sources[place], UINT64_MAX); /* whatever was asked for */
        return false;
    }
    fill_aim(&r->fill, page.now);
    return fill_page(&r->fill, place, &page);
}

static void on_page(void *arg, const struct redis_reply *reply)
{
    struct fill_call call = *(struct fill_call *)arg;
    struct relay *r = call.relay;
    free(arg);
    bool heard = relay_heard(r, reply, ANSWER_ID);
    if (call.round != r->round.number || r->state != LINK_FILLING || r->filling == 0) {
        return;
    }
    if (!heard) {
        if (relay_answered(reply)) {
            relay_step(r, LINK_EV_REFUSED); /* cannot go on without it; try from the start */
        }
        return;
    }
    r->filling--;
    if (take_answer(r, call.source, reply) && !ask(r, call.source)) {
        return;
    }
    ask_more(r);
}

/* False when the link had to be given up. */
static bool ask(struct relay *r, size_t place)
{
    const struct fill_source *source = &r->fill.sources[place];
    bool group = source->session[0] == '\0';
    struct fill_call *call = must(malloc(sizeof *call));
    char after[24];
    snprintf(after, sizeof after, "%llu", (unsigned long long)source->after);
    *call = (struct fill_call){r, r->round.number, place};
    const struct slice id = slice_text(r->config.gateway_id), link = slice_text(r->number_text);
    const struct slice of_group[] = {id, link, slice_text(after)};
    const struct slice of_session[] = {id, link, slice_text(source->session), slice_text(after),
                                       SLICE("inbox")};
    bool sent = group ? functions_call(r->commands, "parley_group", of_group, 3, on_page, call)
                      : functions_call(r->commands, "parley_replay", of_session, 5, on_page, call);
    if (!sent) {
        free(call);
        relay_step(r, LINK_EV_REFUSED);
        return false;
    }
    r->filling++;
    return true;
}

static void ask_more(struct relay *r)
{
    size_t source;
    while (r->filling < WINDOW && fill_next(&r->fill, &source)) {
        if (!ask(r, source)) {
            return;
        }
    }
    if (r->filling == 0) {
        finish(r);
    }
}

void repair_missed(struct relay *r, const struct session *s, uint64_t last)
{
    if (last > s->newest) {
        char hash[TOKEN_HASH_LEN + 1];
        session_hash(s, hash);
        fill_add(&r->fill, slice_text(hash), s->newest, r->group_mark);
    }
}

void repair_fill(struct relay *r)
{
    if (sessions_count(r->sessions) > 0) {
        fill_add(&r->fill, slice_text(NULL), r->group_mark, r->delivered);
    }
    ask_more(r);
}
