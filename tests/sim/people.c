/* people.c - users who chat, wander and quarrel */
#include "tests/sim/people.h"
#include "shared/buf.h"
#include "shared/functions.h"
#include "shared/json.h"
#include "shared/must.h"
#include "tests/sim/broker.h"
#include "tests/sim/judge.h"
#include "tests/sim/people_state.h"
#include "tests/sim/store.h"
#include "tests/sim/wire.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PENDING_MS 10000      /* a login is to be used within this */
#define NOTICE_US (1 * SIM_S) /* at most so long until a server notices that a client is gone */

struct people people;

struct people_figures people_figures(void)
{
    return people.figures;
}

/* ---- Small things ---------------------------------------------------------------------------- */

const char *people_device_name(const struct device *d)
{
    static char names[4][24];
    static unsigned next;
    char *name = names[next++ % 4];
    (void)snprintf(name, 24, "%s/%d", people.users[d->user].name,
                   (int)(d - people.users[d->user].devices));
    return name;
}

unsigned people_user_of(struct slice name)
{
    unsigned i = 0;
    while (i < USERS && !slice_equal_nocase(name, slice_text(people.users[i].name))) {
        i++;
    }
    return i;
}

static bool find(struct slice args, const char *key, struct json *value)
{
    struct json object;
    return json_parse(args, &object) == JSON_OK &&
           json_find(object, slice_text(key), value) == JSON_OK;
}

static bool find_number(struct slice args, const char *key, uint64_t *number)
{
    struct json value;
    return find(args, key, &value) && json_u64(value, UINT64_MAX, number) == JSON_OK;
}

static struct slice inside(struct json string)
{
    return (struct slice){string.raw.ptr + 1, string.raw.len - 2};
}

static bool find_text(struct slice args, const char *key, struct slice *text)
{
    struct json value;
    if (!find(args, key, &value) || value.type != JSON_STRING) {
        return false;
    }
    *text = inside(value);
    return true;
}

static struct redis_reply *ask(const char *function, const char *a, const char *b, const char *c)
{
    char grace[24], lease[24], pending[24];
    (void)snprintf(grace, sizeof grace, "%llu", (unsigned long long)people.config.grace_ms);
    (void)snprintf(lease, sizeof lease, "%llu", (unsigned long long)people.config.lease_ms);
    (void)snprintf(pending, sizeof pending, "%d", PENDING_MS);
    const struct slice args[] = {SLICE(""),         SLICE("0"),          slice_text(grace),
                                 slice_text(lease), slice_text(a),       slice_text(b),
                                 slice_text(c),     slice_text(pending), SLICE("0")};
    return broker_ask(function, args, c ? 9 : 6);
}

/* ---- Sessions -------------------------------------------------------------------------------- */

static void forget_device(struct device *d)
{
    d->had_session = false;
    d->last_id = d->owed = d->excused = 0;
    d->list_known = false;
    memset(d->got, 0, sizeof d->got);
    memset(d->told, 0, sizeof d->told);
}

static void log_in(struct user *u)
{
    char hash[TOKEN_HASH_LEN + 1];
    token_new(u->token);
    token_hash(slice_text(u->token), hash);
    struct redis_reply *reply = ask("parley_login", u->name, u->shown, hash);
    if (reply && functions_status_is(reply, "ok")) {
        u->logged_in = true;
        u->ended = false;
        u->login++;
        u->since = u->seen_at = sim_now_us();
        people.figures.logins++;
        for (unsigned i = 0; i < DEVICES; i++) {
            forget_device(&u->devices[i]);
        }
    }
    u->free_at = sim_now_us();
    if (reply && functions_status_is(reply, "taken")) {
        u->free_at += redis_reply_u64_at(reply, 2) * SIM_MS;
    }
    reply_free(reply);
}

/* Did whoever has the name now in Redis ever connect? */
static bool was_online(const struct user *u)
{
    char key[16];
    bool online = false;
    (void)snprintf(key, sizeof key, "user:%s", u->name);
    struct redis_reply *fields = broker_command("HGETALL", key);
    for (size_t i = 0; i < redis_reply_count(fields); i += 2) {
        online = online || slice_equal(redis_reply_text_at(fields, i), SLICE("online"));
    }
    reply_free(fields);
    return online;
}

uint64_t people_names_free_us(void)
{
    uint64_t now = sim_now_us(), last = 0;
    for (unsigned i = 0; i < USERS; i++) {
        const struct user *u = &people.users[i];
        if (!u->logged_in && u->free_at > last && u->free_at > now && !was_online(u) &&
            u->free_at - now <= PENDING_MS * SIM_MS) {
            last = u->free_at;
        }
    }
    return last;
}

/* Noted before, because it is announced at once. */
static void log_out(struct user *u)
{
    char hash[TOKEN_HASH_LEN + 1];
    bool was_ended = u->ended;
    u->ended = true;
    token_hash(slice_text(u->token), hash);
    struct redis_reply *reply = ask("parley_logout", u->name, hash, NULL);
    u->ended = was_ended || (reply && functions_status_is(reply, "ok"));
    reply_free(reply);
}

static void kick(struct user *u)
{
    const struct slice args[] = {slice_text(u->name)};
    bool was_ended = u->ended;
    u->ended = true;
    struct redis_reply *reply = broker_ask("parley_kick", args, 1);
    u->ended = was_ended || (reply && slice_starts(reply->text, SLICE("kicked")));
    reply_free(reply);
}

uint64_t people_last_seen(const struct user *u)
{
    uint64_t seen = u->seen_at;
    for (unsigned i = 0; i < DEVICES; i++) {
        const struct device *d = &u->devices[i];
        uint64_t served = d->state == ON ? people.config.served_us(d->gateway) : 0;
        seen = served > seen ? served : seen;
    }
    return seen;
}

/* ---- What clients get ------------------------------------------------------------------------ */

static void on_message(struct device *d, struct slice args)
{
    uint64_t id = 0;
    (void)find_number(args, "message_id", &id);
    people.figures.delivered++;
    judge_message(d, id);
}

static void on_session(struct device *d, struct slice args)
{
    struct json recovered;
    bool good = find(args, "recovered", &recovered) && json_is_true(recovered);
    if (!d->had_session) {
        judge_begin(d);
    } else if (!good) {
        judge_told_lost(d, d->greeted);
        d->excused = judge_newest_id();
        people.figures.told_lost++;
    } else {
        people.figures.recovered++;
    }
    people.figures.replays += d->had_session;
    d->had_session = d->greeted = true;
}

static void set_here(struct device *d, struct slice args, const char *key, bool here)
{
    struct json list, name;
    if (find(args, key, &list)) {
        struct json_walk walk = json_walk(list);
        while (json_next(&walk, NULL, &name)) {
            unsigned user = people_user_of(inside(name));
            if (user < USERS) {
                d->here[user] = here;
            }
        }
    }
}

static void on_list(struct device *d, struct slice args)
{
    struct slice from = SLICE(""), cursor = SLICE("");
    (void)find_text(args, "cursor", &cursor);
    if (find_text(args, "from", &from)) {
        if (!slice_equal(from, slice_text(d->cursor))) {
            d->list_known = false;
            wire_send(d->wire, SLICE("user_change_out"), SLICE("{}"), 0);
            return;
        }
    } else {
        memset(d->here, 0, sizeof d->here);
        set_here(d, args, "users", true);
    }
    set_here(d, args, "joined", true);
    set_here(d, args, "left", false);
    (void)snprintf(d->cursor, sizeof d->cursor, "%.*s", (int)cursor.len, cursor.ptr);
    d->list_known = true;
}

static void on_ack(const struct device *d, uint64_t ack_id, struct slice args)
{
    uint64_t id = 0;
    struct json ok;
    if (find(args, "ok", &ok) && json_is_true(ok)) {
        (void)find_number(args, "message_id", &id);
        people.wishes[ack_id - 1].answered_ok = true;
        judge_ack(d, ack_id, id);
    }
}

static void on_event(void *ctx, struct slice name, struct slice args, uint64_t ack_id)
{
    struct device *d = ctx;
    if (name.len == 0) {
        on_ack(d, ack_id, args);
    } else if (slice_equal(name, SLICE("message_in"))) {
        on_message(d, args);
    } else if (slice_equal(name, SLICE("session"))) {
        on_session(d, args);
    } else if (slice_equal(name, SLICE("user_change_in"))) {
        on_list(d, args);
    } else if (slice_equal(name, SLICE("session_end"))) {
        judge_session_over(&people.users[d->user], "session_end");
    }
}

static void on_accepted(void *ctx)
{
    struct device *d = ctx;
    d->state = ON;
}

static void note_seen(struct device *d)
{
    people.users[d->user].seen_at = people_last_seen(&people.users[d->user]);
    d->state = OFF;
    d->wire = NULL;
}

static void on_refused(void *ctx, struct slice data)
{
    struct device *d = ctx;
    struct slice code = SLICE("");
    (void)find_text(data, "code", &code);
    wire_leave(d->wire, 0);
    d->state = OFF;
    d->wire = NULL;
    if (slice_equal(code, SLICE("session_expired"))) {
        judge_session_over(&people.users[d->user], "refused");
    }
}

static void on_gone(void *ctx, bool for_good)
{
    struct device *d = ctx;
    note_seen(d);
    if (for_good) {
        people.users[d->user].logged_in = false;
    }
}

static const struct wire_client client = {on_event, on_accepted, on_refused, on_gone};

/* ---- What they do ---------------------------------------------------------------------------- */

static void connect_device(struct device *d)
{
    struct user *u = &people.users[d->user];
    struct ev_loop *gateway = people.config.some_gateway();
    if (!gateway || !u->logged_in) {
        return;
    }
    struct buf auth;
    buf_init(&auth, 512);
    buf_printf(&auth, "{\"token\":\"%s\"", u->token);
    if (d->had_session) { /* 0: it had a session, and no message in it */
        uint64_t last_id = d->last_id > d->owed ? d->last_id : d->owed;
        buf_printf(&auth, ",\"last_id\":%llu", (unsigned long long)last_id);
    }
    if (d->list_known && sim_chance(80)) {
        buf_printf(&auth, ",\"presence\":\"%s\"", d->cursor);
    }
    buf_byte(&auth, '}');
    d->state = CONNECTING;
    d->greeted = false;
    d->gateway = gateway;
    d->wire = wire_connect(gateway, buf_slice(&auth), &client, d);
    buf_deinit(&auth);
}

/* Its network is gone. */
static void cut_device(struct device *d)
{
    wire_leave(d->wire, sim_chance(50) ? 0 : sim_about(NOTICE_US * 2 / 3));
    note_seen(d);
}

static void send_wish(struct device *d, unsigned number)
{
    const struct wish *w = &people.wishes[number];
    struct buf args;
    buf_init(&args, 512);
    buf_printf(&args, "{\"receiver\":\"%s\",\"message_text\":\"t%u\",\"client_id\":\"c%u\"}",
               w->to == GROUP ? "group" : people.users[w->to].name, number, number);
    wire_send(d->wire, SLICE("message_out"), buf_slice(&args), number + 1);
    buf_deinit(&args);
    people.figures.sent++;
}

static void send_new(struct device *d)
{
    if (people.wish_count < MESSAGES) {
        struct wish *w = &people.wishes[people.wish_count];
        *w = (struct wish){.from = d->user, .login = people.users[d->user].login};
        w->to = sim_chance(40) ? GROUP : sim_dice(USERS);
        send_wish(d, people.wish_count++);
    }
}

/* One of the last that this session sent and knows nothing of. */
static void send_again(struct device *d)
{
    for (unsigned i = people.wish_count; i-- > 0 && i + 50 > people.wish_count;) {
        const struct wish *w = &people.wishes[i];
        if (w->from == d->user && w->login == people.users[d->user].login && !w->answered_ok) {
            send_wish(d, i);
            return;
        }
    }
}

static void act_online(struct device *d)
{
    struct user *u = &people.users[d->user];
    uint32_t dice = sim_dice(1000);
    if (dice < 40) {
        cut_device(d);
    } else if (dice < 44) {
        log_out(u);
    } else if (dice < 46) {
        kick(u);
    } else if (dice < 120) {
        send_again(d);
    } else if (dice < 140) {
        wire_send(d->wire, SLICE("user_change_out"), SLICE("{}"), 0);
    } else {
        send_new(d);
    }
}

void people_act(void)
{
    struct user *u = &people.users[sim_dice(USERS)];
    struct device *d = &u->devices[sim_dice(DEVICES)];
    if (people.leaving) {
        return;
    }
    if (!u->logged_in) {
        if (d->state == OFF && u->devices[0].state == OFF && u->devices[1].state == OFF) {
            log_in(u);
        } else if (d->state != OFF && sim_chance(10)) {
            cut_device(d); /* it hangs in a session that is no more */
        }
    } else if (d->state == OFF) {
        if (people.calm || sim_chance(15)) {
            connect_device(d);
        }
    } else if (d->state == CONNECTING) {
        if (sim_chance(1)) {
            cut_device(d); /* out of patience */
        }
    } else if (!people.calm) {
        act_online(d);
    }
}

void people_calm(bool calm)
{
    people.calm = calm;
}

void people_leave(void)
{
    people.leaving = true;
    for (unsigned i = 0; i < USERS * DEVICES; i++) {
        struct device *d = &people.users[i / DEVICES].devices[i % DEVICES];
        if (d->state != OFF) {
            cut_device(d);
        }
    }
}

void people_begin(const struct people_config *config)
{
    memset(&people, 0, sizeof people);
    people.config = *config;
    for (unsigned i = 0; i < USERS; i++) {
        struct user *u = &people.users[i];
        (void)snprintf(u->name, sizeof u->name, "u%c", (char)('a' + i));
        (void)snprintf(u->shown, sizeof u->shown, "U%c", (char)('a' + i));
        for (unsigned k = 0; k < DEVICES; k++) {
            u->devices[k].user = i;
        }
    }
}

void people_end(void)
{
}
