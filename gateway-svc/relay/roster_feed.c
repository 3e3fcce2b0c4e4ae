/* roster_feed.c - keeps the list of users whole: first all of it in pages, then change by change
 *
 * Pages are read at different moments.  The list is exact once every change since the first page's
 * version has been applied on top of them, because a change sets a name present or absent whatever
 * it was before. */
#include "gateway-svc/relay/relay_state.h"
#include <stdio.h>
#include <string.h>

/* The answers to parley_roster and parley_changes: from NAMES and PAIRS on as many as there are, a
 * name, or a version and its change. */
enum { ROSTER_VERSION = ANSWER_HEAD, ROSTER_SETTLING, ROSTER_CURSOR, ROSTER_NAMES };
enum { CHANGES_VERSION = ANSWER_HEAD, CHANGES_PAIRS };

static void ask_page(struct relay *r, struct slice cursor);

static void ask_changes(struct relay *r);

static bool same_epoch(const struct relay *r, const struct redis_reply *reply)
{
    return slice_equal(functions_epoch(reply), slice_text(r->roster.epoch));
}

/* An answer is in; whatever was missed while it was out is asked for now. */
static void done(struct relay *r)
{
    r->roster.asking = false;
    r->roster.loading = false;
    if (r->roster.again) {
        roster_feed_sync(r);
    }
}

/* No answer, or an error.  Half a list is none; the next nonce asks again. */
static void failed(struct relay *r)
{
    r->roster.asking = false;
    if (r->roster.loading) {
        r->roster.loading = false;
        r->roster.epoch[0] = '\0';
    }
}

static void load(struct relay *r)
{
    r->roster.loading = true;
    r->roster.epoch[0] = '\0';
    r->handler->roster_begin(r->app);
    ask_page(r, SLICE("0"));
}

static void on_page(void *arg, const struct redis_reply *reply)
{
    struct relay *r = arg;
    if (!relay_heard(r, reply, 0)) {
        failed(r);
        return;
    }
    if (r->roster.epoch[0] == '\0') { /* the first page */
        snprintf(r->roster.epoch, sizeof r->roster.epoch, "%s", r->heard_epoch);
        r->roster.version = redis_reply_u64_at(reply, ROSTER_VERSION);
    }
    for (size_t i = ROSTER_NAMES; i < redis_reply_count(reply); i++) {
        r->handler->roster_name(r->app, redis_reply_text_at(reply, i));
    }
    struct slice cursor = redis_reply_text_at(reply, ROSTER_CURSOR);
    if (!same_epoch(r, reply)) {
        load(r);
    } else if (!slice_equal(cursor, SLICE("0"))) {
        ask_page(r, cursor);
    } else {
        r->roster.loading = false;
        r->handler->roster_end(r->app, slice_text(r->roster.epoch), r->roster.version);
        ask_changes(r);
    }
}

static void ask_page(struct relay *r, struct slice cursor)
{
    r->roster.asking = true;
    if (!functions_call(r->commands, "parley_roster", &cursor, 1, on_page, r)) {
        failed(r);
    }
}

/* False when something is missing before it.  What is known already is none the worse for coming
 * twice, as a line and in an answer. */
static bool take_change(struct relay *r, struct slice epoch, uint64_t version, struct slice list)
{
    if (!r->handler->roster_change(r->app, epoch, version, list)) {
        return false;
    }
    if (version > r->roster.version) {
        r->roster.version = version;
    }
    return true;
}

static void on_changes(void *arg, const struct redis_reply *reply)
{
    struct relay *r = arg;
    if (!relay_heard(r, reply, 0)) {
        failed(r);
        return;
    }
    if (!same_epoch(r, reply) || functions_status_is(reply, "trimmed")) {
        load(r);
        return;
    }
    for (size_t i = CHANGES_PAIRS; i + 1 < redis_reply_count(reply); i += 2) {
        if (!take_change(r, slice_text(r->roster.epoch), redis_reply_u64_at(reply, i),
                         redis_reply_text_at(reply, i + 1))) {
            load(r);
            return;
        }
    }
    if (redis_reply_count(reply) > CHANGES_PAIRS &&
        r->roster.version < redis_reply_u64_at(reply, CHANGES_VERSION)) {
        ask_changes(r);
    } else {
        done(r);
    }
}

static void ask_changes(struct relay *r)
{
    char version[24];
    snprintf(version, sizeof version, "%llu", (unsigned long long)r->roster.version);
    struct slice arg = slice_text(version);
    r->roster.again = false;
    r->roster.asking = true;
    if (!functions_call(r->commands, "parley_changes", &arg, 1, on_changes, r)) {
        failed(r);
    }
}

void roster_feed_sync(struct relay *r)
{
    if (r->roster.asking) {
        r->roster.again = true;
        return;
    }
    if (r->roster.epoch[0] == '\0' || strcmp(r->roster.epoch, r->heard_epoch) != 0) {
        load(r);
    } else {
        ask_changes(r);
    }
}

bool roster_feed_line(struct relay *r, struct slice line)
{
    struct bus_change change;
    if (!bus_change_decode(line, &change)) {
        return false;
    }
    if (!take_change(r, change.epoch, change.version, change.list) && r->state == LINK_UP) {
        roster_feed_sync(r);
    }
    return true;
}

void roster_feed_joined(struct relay *r, uint64_t version, struct slice list)
{
    if (version == r->roster.version + 1 && strcmp(r->roster.epoch, r->heard_epoch) == 0) {
        take_change(r, slice_text(r->roster.epoch), version, list);
    }
}

void roster_feed_lost(struct relay *r)
{
    failed(r);
}
