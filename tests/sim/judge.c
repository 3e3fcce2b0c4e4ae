/* judge.c - what people may expect */
#include "tests/sim/judge.h"
#include "shared/functions.h"
#include "tests/sim/broker.h"
#include "tests/sim/people_state.h"
#include "tests/sim/store.h"
#include <stdarg.h>
#include <stdio.h>

#define RECENT_US (60 * SIM_S)

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("at %.6f s: ", (double)sim_now_us() / 1e6 - 1000);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    people.complaints++;
}

unsigned judge_complaints(void)
{
    return people.complaints;
}

static bool lost_lately(void)
{
    return people.losses > 0 && sim_now_us() - people.lost_at < RECENT_US;
}

void judge_note_loss(void)
{
    people.losses++;
    people.lost_at = sim_now_us();
}

uint64_t judge_newest_id(void)
{
    return people.accepted_count > 0 ? people.accepted[people.accepted_count - 1].id : 0;
}

/* ---- What clients get ------------------------------------------------------------------------ */

static unsigned place_of(uint64_t id)
{
    unsigned low = 0, high = people.accepted_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (people.accepted[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < people.accepted_count && people.accepted[low].id == id ? low : MESSAGES;
}

static bool concerns(const struct accepted *a, const struct device *d)
{
    const struct wish *w = &people.wishes[a->wish];
    unsigned login = people.users[d->user].login;
    return w->to == GROUP || (w->to == d->user && a->to_login == login) ||
           (w->from == d->user && w->login == login);
}

void judge_message(struct device *d, uint64_t id)
{
    unsigned place = place_of(id);
    if (place == MESSAGES) {
        complain("%s got %llu, which nobody sent", people_device_name(d), (unsigned long long)id);
        return;
    }
    if (!concerns(&people.accepted[place], d)) {
        complain("%s got %llu, which is not for it", people_device_name(d), (unsigned long long)id);
    }
    if (id <= d->last_id) {
        complain("%s got %llu after %llu%s", people_device_name(d), (unsigned long long)id,
                 (unsigned long long)d->last_id, d->got[place] ? ", again" : "");
    }
    d->got[place] = 1;
    d->last_id = id > d->last_id ? id : d->last_id;
}

/* A gateway that freezes, or has lost its link, lets in whoever has a session there, and goes on
 * where it was.  While it serves, it is a lease behind at most. */
void judge_begin(struct device *d)
{
    uint64_t known = people.config.served_us(d->gateway), lease = people.config.lease_ms * SIM_MS;
    d->owed = judge_newest_id();
    d->from = 0;
    for (unsigned i = 0; i < people.accepted_count; i++) {
        if (people.accepted[i].at_us + lease <= known) {
            d->from = people.accepted[i].id;
        }
    }
}

static bool is_kept(const struct accepted *a)
{
    return sim_now_us() - a->at_us < people.config.keep_ms * SIM_MS;
}

/* Of what it has not got, or NULL.  Who comes back misses what is behind the last that it got (the
 * server is told which that is).  Who is here may lack something before that, and is told of it
 * once. */
static const struct accepted *oldest_missing(const struct device *d, bool again)
{
    uint64_t after = again ? d->from : d->last_id > d->owed ? d->last_id : d->owed;
    for (unsigned i = 0; i < people.accepted_count; i++) {
        const struct accepted *a = &people.accepted[i];
        if (a->id > after && concerns(a, d) && !d->got[i] && !(again && d->told[i])) {
            return a;
        }
    }
    return NULL;
}

static void note_told(struct device *d)
{
    for (unsigned i = 0; i < people.accepted_count; i++) {
        d->told[i] |= !d->got[i] && !is_kept(&people.accepted[i]);
    }
}

void judge_told_lost(struct device *d, bool again)
{
    const struct accepted *oldest = oldest_missing(d, again);
    uint64_t age = oldest ? sim_now_us() - oldest->at_us : 0;
    note_told(d);
    if (lost_lately()) {
        return;
    }
    if (!oldest) {
        complain("%s was told that something is lost, but has everything", people_device_name(d));
    } else if (is_kept(oldest)) {
        complain("%s was told%s that something is lost, but %llu, the oldest that it has not got, "
                 "is of %.3f s ago",
                 people_device_name(d), again ? " while here" : "", (unsigned long long)oldest->id,
                 (double)age / 1e6);
    }
}

void judge_ack(const struct device *d, uint64_t ack_id, uint64_t id)
{
    uint64_t known = people.wishes[ack_id - 1].accepted_id;
    if (id != known && !lost_lately()) {
        complain("%s was told %llu for c%llu, which is %llu", people_device_name(d),
                 (unsigned long long)id, (unsigned long long)ack_id, (unsigned long long)known);
    }
}

/* The session is over, as one of its clients was told. */
void judge_session_over(struct user *u, const char *how)
{
    uint64_t away = sim_now_us() - people_last_seen(u);
    if (u->logged_in && !u->ended && !lost_lately() && away < people.config.grace_ms * SIM_MS) {
        complain("%s lost the session (%s) after %.3f s away", u->name, how, (double)away / 1e6);
    }
    u->logged_in = false;
}

/* ---- What Redis does ------------------------------------------------------------------------- */

void judge_accepted(void *ctx, uint64_t id, struct slice sender, struct slice receiver,
                    struct slice client_id)
{
    (void)ctx;
    (void)sender;
    uint64_t number = 0;
    struct slice digits = slice_tail(client_id, 2); /* "c12" with its quotes */
    digits.len -= digits.len > 0;
    if (!slice_u64(digits, MESSAGES - 1, &number) || people.accepted_count == MESSAGES) {
        return;
    }
    struct wish *w = &people.wishes[number];
    if (id <= judge_newest_id()) {
        complain("id %llu was given after %llu", (unsigned long long)id,
                 (unsigned long long)judge_newest_id());
    }
    if (w->accepted_id > 0 && w->losses == people.losses) {
        complain("c%llu was accepted twice", (unsigned long long)number);
    }
    w->accepted_id = id;
    w->losses = people.losses;
    unsigned to = people_user_of(receiver);
    people.accepted[people.accepted_count++] =
        (struct accepted){.id = id,
                          .wish = (unsigned)number,
                          .to_login = to < USERS ? people.users[to].login : 0,
                          .at_us = sim_now_us()};
    people.figures.accepted++;
}

void judge_presence(void *ctx, struct slice changes)
{
    (void)ctx;
    while (changes.len > 0) {
        struct slice word = slice_cut(&changes, ' ');
        unsigned i = people_user_of(slice_tail(word, 1));
        if (i == USERS || word.ptr[0] != '-') {
            continue;
        }
        struct user *u = &people.users[i];
        uint64_t away = sim_now_us() - people_last_seen(u);
        if (!u->ended && u->logged_in && !lost_lately() &&
            away + SIM_MS < people.config.grace_ms * SIM_MS) {
            complain("%s was seen leaving after %.3f s away", u->name, (double)away / 1e6);
        }
        u->ended = true; /* in time or not: the session is over */
    }
}

void judge_failed(void *ctx, const char *name, struct slice error)
{
    (void)ctx;
    complain("%s failed: %.*s", name, (int)error.len, error.ptr);
}

/* ---- The last word --------------------------------------------------------------------------- */

static void judge_messages(const struct device *d)
{
    for (unsigned i = 0; i < people.accepted_count; i++) {
        const struct accepted *a = &people.accepted[i];
        bool expected = a->id > d->owed && a->id > d->excused && concerns(a, d);
        if (expected && !d->got[i]) {
            complain(
                "%s never got %llu (c%u from %s to %s)", people_device_name(d),
                (unsigned long long)a->id, a->wish, people.users[people.wishes[a->wish].from].name,
                people.wishes[a->wish].to == GROUP ? "group"
                                                   : people.users[people.wishes[a->wish].to].name);
        }
    }
}

static void judge_list(const struct device *d, const bool online[USERS])
{
    for (unsigned i = 0; i < USERS; i++) {
        if (!d->list_known || d->here[i] != online[i]) {
            complain("%s sees %s %s, which is wrong%s", people_device_name(d), people.users[i].name,
                     d->here[i] ? "online" : "gone", d->list_known ? "" : " (no list)");
        }
    }
}

void judge_calm(void)
{
    bool online[USERS] = {false};
    struct redis_reply *reply = broker_command("SMEMBERS", "online");
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        unsigned user = people_user_of(redis_reply_text_at(reply, i));
        if (user < USERS) {
            online[user] = true;
        }
    }
    reply_free(reply);
    for (unsigned i = 0; i < USERS * DEVICES; i++) {
        const struct user *u = &people.users[i / DEVICES];
        const struct device *d = &u->devices[i % DEVICES];
        if (!u->logged_in || d->state != ON) {
            complain("%s is not back (%s, state %d)", people_device_name(d),
                     u->logged_in ? "logged in" : "no session", (int)d->state);
        } else {
            judge_messages(d);
            judge_list(d, online);
        }
        if (!online[i / DEVICES] && u->logged_in && d->state == ON) {
            complain("%s is connected, and not in Redis' list", u->name);
        }
    }
}

void judge_empty(void)
{
    struct redis_reply *reply = broker_command("SMEMBERS", "online");
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        struct slice name = redis_reply_text_at(reply, i);
        complain("%.*s is a ghost", (int)name.len, name.ptr);
    }
    reply_free(reply);
}
