/* people.c - users who chat, wander and quarrel; and what they may expect */
#include "tests/sim/people.h"
#include "shared/buf.h"
#include "shared/json.h"
#include "shared/must.h"
#include "shared/token.h"
#include "tests/sim/broker.h"
#include "tests/sim/store.h"
#include "tests/sim/wire.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define USERS 6
#define DEVICES 2
#define MESSAGES 8192
#define NOTICE_US (1 * SIM_S) /* at most so long until a server notices that a client is gone */
#define GROUP USERS           /* as a receiver */
#define RECENT_US (60 * SIM_S)

/* One message that somebody wanted to send; its number is its client_id and the id of its ack. */
struct wish {
    unsigned from, to, login;
    uint64_t accepted_id; /* 0: not yet, as far as Redis says */
    unsigned losses;      /* how often Redis had lost its data by then */
    bool answered_ok;
};

/* One that was accepted, in the order of ids. */
struct accepted {
    uint64_t id;
    unsigned wish;
    unsigned to_login; /* of the receiver, when it was accepted */
};

enum device_state { OFF, CONNECTING, ON };

struct device {
    unsigned user;
    const struct ev_loop *gateway;
    enum device_state state;
    struct wire *wire;
    bool had_session;            /* in this login: it has something to come back to */
    uint64_t last_id;            /* of the last message that it got in this login */
    uint64_t owed;               /* it may expect what is above this id */
    uint64_t excused;            /* ... but was told that something up to here may be missing */
    unsigned char got[MESSAGES]; /* by place among the accepted */
    bool here[USERS];            /* its list of users */
    bool list_known;
    char cursor[64];
};

struct user {
    char name[4], shown[4];
    char token[TOKEN_LEN + 1];
    bool logged_in, ended; /* ended: by logout, kick or expiry */
    unsigned login;
    uint64_t since, seen_at; /* logged in; one of its clients was connected for the last time */
    struct device devices[DEVICES];
};

static struct {
    struct people_config config;
    struct user users[USERS];
    struct wish wishes[MESSAGES];
    struct accepted accepted[MESSAGES];
    unsigned wish_count, accepted_count;
    unsigned losses;
    uint64_t lost_at;
    bool calm, leaving;
    unsigned complaints;
    struct people_figures figures;
} p;

/* ---- Complaints ------------------------------------------------------------------------------ */

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("at %.6f s: ", (double)sim_now_us() / 1e6 - 1000);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    p.complaints++;
}

unsigned people_complaints(void)
{
    return p.complaints;
}

struct people_figures people_figures(void)
{
    return p.figures;
}

static bool lost_lately(void)
{
    return p.losses > 0 && sim_now_us() - p.lost_at < RECENT_US;
}

void people_note_loss(void)
{
    p.losses++;
    p.lost_at = sim_now_us();
}

static uint64_t newest_id(void)
{
    return p.accepted_count > 0 ? p.accepted[p.accepted_count - 1].id : 0;
}

/* ---- Small things ---------------------------------------------------------------------------- */

static const char *device_name(const struct device *d)
{
    static char names[4][24];
    static unsigned next;
    char *name = names[next++ % 4];
    (void)snprintf(name, 24, "%s/%d", p.users[d->user].name, (int)(d - p.users[d->user].devices));
    return name;
}

static unsigned user_of(struct slice name)
{
    unsigned i = 0;
    while (i < USERS && !slice_equal_nocase(name, slice_text(p.users[i].name))) {
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
    char grace[24], lease[24];
    (void)snprintf(grace, sizeof grace, "%llu", (unsigned long long)p.config.grace_ms);
    (void)snprintf(lease, sizeof lease, "%llu", (unsigned long long)p.config.lease_ms);
    const struct slice args[] = {SLICE(""),         SLICE("0"),     slice_text(grace),
                                 slice_text(lease), slice_text(a),  slice_text(b),
                                 slice_text(c),     SLICE("10000"), SLICE("0")};
    return broker_ask(function, args, c ? 9 : 6);
}

/* ---- Sessions -------------------------------------------------------------------------------- */

static void forget_device(struct device *d)
{
    d->had_session = false;
    d->last_id = d->owed = d->excused = 0;
    d->list_known = false;
    memset(d->got, 0, sizeof d->got);
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
        p.figures.logins++;
        for (unsigned i = 0; i < DEVICES; i++) {
            forget_device(&u->devices[i]);
        }
    }
    store_reply_free(reply);
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
    store_reply_free(reply);
}

static void kick(struct user *u)
{
    const struct slice args[] = {slice_text(u->name)};
    bool was_ended = u->ended;
    u->ended = true;
    struct redis_reply *reply = broker_ask("parley_kick", args, 1);
    u->ended = was_ended || (reply && slice_starts(reply->text, SLICE("kicked")));
    store_reply_free(reply);
}

/* The last moment at which somebody served the user. */
static uint64_t last_seen(const struct user *u)
{
    uint64_t seen = u->seen_at;
    for (unsigned i = 0; i < DEVICES; i++) {
        const struct device *d = &u->devices[i];
        uint64_t served = d->state == ON ? p.config.served_us(d->gateway) : 0;
        seen = served > seen ? served : seen;
    }
    return seen;
}

/* The session is over, as one of its clients was told. */
static void session_over(struct user *u, const char *how)
{
    uint64_t away = sim_now_us() - last_seen(u);
    if (u->logged_in && !u->ended && !lost_lately() && away < p.config.grace_ms * SIM_MS) {
        complain("%s lost the session (%s) after %.3f s away", u->name, how, (double)away / 1e6);
    }
    u->logged_in = false;
}

/* ---- What clients get ------------------------------------------------------------------------ */

static unsigned place_of(uint64_t id)
{
    unsigned low = 0, high = p.accepted_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (p.accepted[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < p.accepted_count && p.accepted[low].id == id ? low : MESSAGES;
}

static bool concerns(const struct accepted *a, const struct device *d)
{
    const struct wish *w = &p.wishes[a->wish];
    unsigned login = p.users[d->user].login;
    return w->to == GROUP || (w->to == d->user && a->to_login == login) ||
           (w->from == d->user && w->login == login);
}

static void on_message(struct device *d, struct slice args)
{
    uint64_t id = 0;
    (void)find_number(args, "message_id", &id);
    unsigned place = place_of(id);
    p.figures.delivered++;
    if (place == MESSAGES) {
        complain("%s got %llu, which nobody sent", device_name(d), (unsigned long long)id);
        return;
    }
    if (!concerns(&p.accepted[place], d)) {
        complain("%s got %llu, which is not for it", device_name(d), (unsigned long long)id);
    }
    if (id <= d->last_id) {
        complain("%s got %llu after %llu%s", device_name(d), (unsigned long long)id,
                 (unsigned long long)d->last_id, d->got[place] ? ", again" : "");
    }
    d->got[place] = 1;
    d->last_id = id > d->last_id ? id : d->last_id;
}

static void on_session(struct device *d, struct slice args)
{
    struct json recovered;
    bool good = find(args, "recovered", &recovered) && json_is_true(recovered);
    if (!d->had_session) {
        d->owed = newest_id();
    } else if (!good) {
        d->excused = newest_id();
        p.figures.told_lost++;
    } else {
        p.figures.recovered++;
    }
    p.figures.replays += d->had_session;
    d->had_session = true;
}

static void set_here(struct device *d, struct slice args, const char *key, bool here)
{
    struct json list, name;
    if (find(args, key, &list)) {
        struct json_walk walk = json_walk(list);
        while (json_next(&walk, NULL, &name)) {
            unsigned user = user_of(inside(name));
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
    struct wish *w = &p.wishes[ack_id - 1];
    if (!find(args, "ok", &ok) || !json_is_true(ok)) {
        return;
    }
    (void)find_number(args, "message_id", &id);
    w->answered_ok = true;
    if (id != w->accepted_id && !lost_lately()) {
        complain("%s was told %llu for c%llu, which is %llu", device_name(d),
                 (unsigned long long)id, (unsigned long long)ack_id,
                 (unsigned long long)w->accepted_id);
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
        session_over(&p.users[d->user], "session_end");
    }
}

static void on_accepted(void *ctx)
{
    struct device *d = ctx;
    d->state = ON;
}

static void note_seen(struct device *d)
{
    p.users[d->user].seen_at = last_seen(&p.users[d->user]);
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
        session_over(&p.users[d->user], "refused");
    }
}

static void on_gone(void *ctx, bool for_good)
{
    struct device *d = ctx;
    note_seen(d);
    if (for_good) {
        p.users[d->user].logged_in = false;
    }
}

static const struct wire_client client = {on_event, on_accepted, on_refused, on_gone};

/* ---- What they do ---------------------------------------------------------------------------- */

static void connect_device(struct device *d)
{
    struct user *u = &p.users[d->user];
    struct ev_loop *gateway = p.config.some_gateway();
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
    const struct wish *w = &p.wishes[number];
    struct buf args;
    buf_init(&args, 512);
    buf_printf(&args, "{\"receiver\":\"%s\",\"message_text\":\"t%u\",\"client_id\":\"c%u\"}",
               w->to == GROUP ? "group" : p.users[w->to].name, number, number);
    wire_send(d->wire, SLICE("message_out"), buf_slice(&args), number + 1);
    buf_deinit(&args);
    p.figures.sent++;
}

static void send_new(struct device *d)
{
    if (p.wish_count < MESSAGES) {
        struct wish *w = &p.wishes[p.wish_count];
        *w = (struct wish){.from = d->user, .login = p.users[d->user].login};
        w->to = sim_chance(40) ? GROUP : sim_dice(USERS);
        send_wish(d, p.wish_count++);
    }
}

/* One of the last that this session sent and knows nothing of. */
static void send_again(struct device *d)
{
    for (unsigned i = p.wish_count; i-- > 0 && i + 50 > p.wish_count;) {
        const struct wish *w = &p.wishes[i];
        if (w->from == d->user && w->login == p.users[d->user].login && !w->answered_ok) {
            send_wish(d, i);
            return;
        }
    }
}

static void act_online(struct device *d)
{
    struct user *u = &p.users[d->user];
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
    struct user *u = &p.users[sim_dice(USERS)];
    struct device *d = &u->devices[sim_dice(DEVICES)];
    if (p.leaving) {
        return;
    }
    if (!u->logged_in) {
        if (d->state == OFF && u->devices[0].state == OFF && u->devices[1].state == OFF) {
            log_in(u);
        } else if (d->state != OFF && sim_chance(10)) {
            cut_device(d); /* it hangs in a session that is no more */
        }
    } else if (d->state == OFF) {
        if (p.calm || sim_chance(15)) {
            connect_device(d);
        }
    } else if (d->state == CONNECTING) {
        if (sim_chance(1)) {
            cut_device(d); /* out of patience */
        }
    } else if (!p.calm) {
        act_online(d);
    }
}

void people_calm(bool calm)
{
    p.calm = calm;
}

void people_leave(void)
{
    p.leaving = true;
    for (unsigned i = 0; i < USERS * DEVICES; i++) {
        struct device *d = &p.users[i / DEVICES].devices[i % DEVICES];
        if (d->state != OFF) {
            cut_device(d);
        }
    }
}

/* ---- What Redis does ------------------------------------------------------------------------- */

void people_accepted(void *ctx, uint64_t id, struct slice sender, struct slice receiver,
                     struct slice client_id)
{
    (void)ctx;
    (void)sender;
    uint64_t number = 0;
    struct slice digits = slice_tail(client_id, 2); /* "c12" with its quotes */
    digits.len -= digits.len > 0;
    if (!slice_u64(digits, MESSAGES - 1, &number) || p.accepted_count == MESSAGES) {
        return;
    }
    struct wish *w = &p.wishes[number];
    if (id <= newest_id()) {
        complain("id %llu was given after %llu", (unsigned long long)id,
                 (unsigned long long)newest_id());
    }
    if (w->accepted_id > 0 && w->losses == p.losses) {
        complain("c%llu was accepted twice", (unsigned long long)number);
    }
    w->accepted_id = id;
    w->losses = p.losses;
    unsigned to = user_of(receiver);
    p.accepted[p.accepted_count++] = (struct accepted){
        .id = id, .wish = (unsigned)number, .to_login = to < USERS ? p.users[to].login : 0};
    p.figures.accepted++;
}

void people_presence(void *ctx, struct slice changes)
{
    (void)ctx;
    while (changes.len > 0) {
        struct slice word = slice_cut(&changes, ' ');
        unsigned i = user_of(slice_tail(word, 1));
        if (i == USERS || word.ptr[0] != '-') {
            continue;
        }
        struct user *u = &p.users[i];
        uint64_t away = sim_now_us() - last_seen(u);
        if (!u->ended && u->logged_in && !lost_lately() &&
            away + SIM_MS < p.config.grace_ms * SIM_MS) {
            complain("%s was seen leaving after %.3f s away", u->name, (double)away / 1e6);
        }
        u->ended = true; /* in time or not: the session is over */
    }
}

/* ---- The last word --------------------------------------------------------------------------- */

static void judge_messages(const struct device *d)
{
    for (unsigned i = 0; i < p.accepted_count; i++) {
        const struct accepted *a = &p.accepted[i];
        bool expected = a->id > d->owed && a->id > d->excused && concerns(a, d);
        if (expected && !d->got[i]) {
            complain("%s never got %llu (c%u from %s to %s)", device_name(d),
                     (unsigned long long)a->id, a->wish, p.users[p.wishes[a->wish].from].name,
                     p.wishes[a->wish].to == GROUP ? "group" : p.users[p.wishes[a->wish].to].name);
        }
    }
}

static void judge_list(const struct device *d, const bool online[USERS])
{
    for (unsigned i = 0; i < USERS; i++) {
        if (!d->list_known || d->here[i] != online[i]) {
            complain("%s sees %s %s, which is wrong%s", device_name(d), p.users[i].name,
                     d->here[i] ? "online" : "gone", d->list_known ? "" : " (no list)");
        }
    }
}

void people_judge(void)
{
    bool online[USERS] = {false};
    struct redis_reply *reply = broker_command("SMEMBERS", "online");
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        unsigned user = user_of(redis_reply_text_at(reply, i));
        if (user < USERS) {
            online[user] = true;
        }
    }
    store_reply_free(reply);
    for (unsigned i = 0; i < USERS * DEVICES; i++) {
        const struct user *u = &p.users[i / DEVICES];
        const struct device *d = &u->devices[i % DEVICES];
        if (!u->logged_in || d->state != ON) {
            complain("%s is not back (%s, state %d)", device_name(d),
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

void people_judge_empty(void)
{
    struct redis_reply *reply = broker_command("SMEMBERS", "online");
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        struct slice name = redis_reply_text_at(reply, i);
        complain("%.*s is a ghost", (int)name.len, name.ptr);
    }
    store_reply_free(reply);
}

void people_begin(const struct people_config *config)
{
    memset(&p, 0, sizeof p);
    p.config = *config;
    for (unsigned i = 0; i < USERS; i++) {
        struct user *u = &p.users[i];
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
