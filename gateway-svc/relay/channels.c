/* channels.c - what the three channels bring: nonces, ends of sessions, messages */
#include "gateway-svc/relay/relay_state.h"
#include "shared/clock.h"
#include <string.h>

#define LOG_LINES_PER_S 5

/* Moves a channel's count on to this line's; false when some are missing before it. */
static bool advance(uint64_t *last, uint64_t count)
{
    bool next = count == *last + 1;
    *last = count;
    return next;
}

/* What is missing may have been the end of a session, and where one line was lost another may be,
 * on any channel.  (Whoever may publish on a channel can make holes: the lines about them are
 * limited.) */
static void missed(struct relay *r, const char *where, uint64_t last, uint64_t count)
{
    struct log_limit *limit = &r->limits.holes;
    if (log_limit_ok(limit, LOG_LINES_PER_S, clock_mono_ms())) {
        log_warn("lines of %s were lost on the way: attaching every session again last=%llu "
                 "count=%llu suppressed=%llu",
                 where, (unsigned long long)last, (unsigned long long)count,
                 (unsigned long long)limit->suppressed);
    }
    relay_step(r, LINK_EV_STALE);
}

static void missed_group(struct relay *r, uint64_t last)
{
    r->stats.group_holes++;
    missed(r, "the group's channel", last, r->group_count);
}

static void missed_own(struct relay *r, uint64_t last)
{
    r->stats.own_holes++;
    missed(r, "the own channel", last, r->own_count);
}

static void on_nonce(struct relay *r, const struct bus_line *line)
{
    const struct bus_nonce *n = &line->nonce;
    if (!slice_equal(n->nonce, slice_text(r->nonce.text))) {
        return;
    }
    bool first = !link_is_open(r->state);
    if (!r->nonce.back) {
        histogram_add(&r->stats.nonces, clock_boot_us() - r->nonce.asked_us);
    }
    r->nonce.back = true;
    r->nonce.proven_ms = clock_mono_ms();
    relay_note_lease(r, r->nonce.asked_us); /* nobody publishes it for a link that is refused */
    if (first) {
        r->own_count = line->count;
        r->group_count = n->group_count;
        relay_step(r, LINK_EV_PROVEN);
        return;
    }
    if (r->group_count != n->group_count) {
        uint64_t last = r->group_count;
        r->group_count = n->group_count;
        missed_group(r, last);
    }
    if (n->version > r->roster.version || r->roster.epoch[0] == '\0') {
        roster_feed_sync(r);
    }
}

static void on_end(struct relay *r, const struct bus_end *end)
{
    struct session *s = sessions_find(r->sessions, end->session);
    if (s) {
        r->handler->ended(r->app, s, end->code);
        sessions_remove(r->sessions, s);
    }
}

static void note_bad(struct relay *r, struct slice channel)
{
    r->stats.bad_lines++;
    struct log_limit *limit = &r->limits.bad_lines;
    if (log_limit_ok(limit, LOG_LINES_PER_S, clock_mono_ms())) {
        log_warn("ignored a line that is not ours channel=%s suppressed=%llu", log_escape(channel),
                 (unsigned long long)limit->suppressed);
    }
}

/* The first is one. */
static void on_messages(struct relay *r, struct slice channel, struct bus_line *line)
{
    do {
        if (line->kind == BUS_MESSAGE) {
            repair_message(r, &line->message);
        } else {
            note_bad(r, channel);
        }
    } while (bus_line_next(line));
}

static void on_own_line(struct relay *r, struct slice channel, struct bus_line *line)
{
    uint64_t last = r->own_count;
    if (!advance(&r->own_count, line->count) && link_is_open(r->state)) {
        missed_own(r, last);
    }
    if (line->kind == BUS_NONCE) {
        on_nonce(r, line);
    } else if (line->kind == BUS_END) {
        on_end(r, &line->end); /* at once, whatever waits */
    } else {
        on_messages(r, channel, line);
    }
}

/* (Its count is ours to keep only if it is a message: nothing else is published there.) */
static void on_group_line(struct relay *r, struct slice channel, struct bus_line *line)
{
    if (line->kind != BUS_MESSAGE) {
        note_bad(r, channel);
        return;
    }
    uint64_t last = r->group_count;
    if (!advance(&r->group_count, line->count) && link_is_open(r->state)) {
        missed_group(r, last);
    }
    on_messages(r, channel, line);
}

void relay_line(void *ctx, struct slice channel, struct slice payload)
{
    struct relay *r = ctx;
    channel = slice_tail(channel, strlen(r->config.key_prefix));
    if (slice_equal(channel, SLICE("presence"))) {
        if (!roster_feed_line(r, payload)) {
            note_bad(r, channel);
        }
        return;
    }
    struct bus_line line = bus_line_decode(payload);
    if (line.kind == BUS_BAD) {
        note_bad(r, channel);
    } else if (slice_equal(channel, SLICE("group"))) {
        on_group_line(r, channel, &line);
    } else {
        on_own_line(r, channel, &line);
    }
}
