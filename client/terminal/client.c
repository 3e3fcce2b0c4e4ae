/* client.c - somebody who chats */
#include "client/terminal/client.h"
#include "client/terminal/wire.h"
#include "shared/backoff.h"
#include "shared/must.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 15000
#define WHY_MAX 256
#define PAYLOAD_MAX (OWN_TEXT_MAX * 6 + 1024) /* each byte may need an escape */
#define LIST_ACK 0                            /* the number of no message */
#define ONLINE_FOR_GOOD_MS 5000               /* after which a loss counts as the first again */

struct client {
    const struct client_net *net;
    const struct client_view *view;
    void *net_ctx, *view_ctx;
    char name[USERNAME_MAX + 1];
    char token[CHAT_TOKEN_MAX + 1];
    uint64_t give_up_ms;
    enum client_state state;
    struct wire wire;
    struct own_list *own;
    struct people *people;
    uint64_t last_id;    /* the highest message_id that was shown */
    bool been_online;    /* once at least */
    unsigned failures;   /* of attempts, one after the other */
    uint64_t attempt_ms; /* 0: to be chosen by the next tick */
    uint64_t since_ms;   /* in this state, of the connection: online or not */
    char why[WHY_MAX];
};

/* ---- States ---------------------------------------------------------------------------------- */

/* The one place where the state changes: to any but from the last.  The end has words of its own.
 */
static void set_state(struct client *c, enum client_state state)
{
    assert(c->state != CLIENT_ENDED);
    c->state = state;
    if (state != CLIENT_ENDED) {
        c->view->state(c->view_ctx);
    }
}

static void end(struct client *c, enum exit_code code, const char *words)
{
    if (c->state == CLIENT_ENDED) {
        return;
    }
    wire_close(&c->wire);
    c->net->close(c->net_ctx);
    own_give_up(c->own, "It could not be sent.");
    set_state(c, CLIENT_ENDED);
    c->view->ended(c->view_ctx, code, words);
}

static void lose(struct client *c, const char *why, uint64_t now_ms)
{
    if (c->state == CLIENT_ENDED) {
        return;
    }
    if (c->state == CLIENT_ONLINE) {
        if (now_ms - c->since_ms >= ONLINE_FOR_GOOD_MS) {
            c->failures = 0;
        }
        c->since_ms = now_ms;
    }
    (void)snprintf(c->why, sizeof c->why, "%s", why);
    wire_close(&c->wire);
    c->attempt_ms = 0;
    own_connection_lost(c->own);
    set_state(c, CLIENT_WAITING);
}

/* The WebSocket is there, but nothing can come of it. */
static void drop(struct client *c, const char *why, uint64_t now_ms)
{
    c->net->close(c->net_ctx);
    lose(c, why, now_ms);
}

/* ---- What is sent ---------------------------------------------------------------------------- */

static void on_send(void *ctx, struct slice text)
{
    struct client *c = ctx;
    c->net->send(c->net_ctx, text);
}

static void send_waiting(struct client *c, uint64_t now_ms)
{
    struct buf payload;
    const struct own *own;
    buf_init(&payload, PAYLOAD_MAX);
    while (c->state == CLIENT_ONLINE && (own = own_next(c->own, &payload, now_ms)) != NULL) {
        wire_emit(&c->wire, own->number, SLICE("message_out"), buf_slice(&payload));
        buf_clear(&payload);
    }
    buf_deinit(&payload);
}

/* Asks for the changes since our cursor, or for the whole list. */
static void ask_for_people(struct client *c)
{
    struct slice cursor = people_cursor(c->people);
    struct buf payload;
    buf_init(&payload, PEOPLE_CURSOR_MAX + 32);
    if (cursor.len > 0) {
        buf_append(&payload, SLICE("{\"since\":\""));
        buf_append(&payload, cursor);
        buf_append(&payload, SLICE("\"}"));
    } else {
        buf_append(&payload, SLICE("{}"));
    }
    wire_emit(&c->wire, LIST_ACK, SLICE("user_change_out"), buf_slice(&payload));
    buf_deinit(&payload);
}

/* ---- What comes ------------------------------------------------------------------------------ */

static void on_message_in(struct client *c, struct json payload)
{
    struct chat_message m;
    if (chat_message_read(payload, &m)) {
        own_echoed(c->own, &m);
        bool fresh = m.id > c->last_id;
        c->last_id = fresh ? m.id : c->last_id;
        if (fresh && !own_is_ours(c->own, m.client_id)) {
            c->view->message(c->view_ctx, &m);
        }
    }
    chat_message_deinit(&m);
}

static void on_person(void *ctx, const char *name, bool joined)
{
    struct client *c = ctx;
    c->view->person(c->view_ctx, name, joined);
}

static void on_user_change_in(struct client *c, struct json payload)
{
    switch (people_apply(c->people, payload, on_person, c)) {
    case PEOPLE_FIRST:
    case PEOPLE_CHANGED: c->view->people(c->view_ctx); break;
    case PEOPLE_GAP: ask_for_people(c); break;
    case PEOPLE_PART:
    case PEOPLE_BAD: break;
    }
}

/* May come again on a connection that lives. */
static void on_session(struct client *c, struct json payload)
{
    struct chat_session session;
    if (!chat_session_read(payload, &session)) {
        return;
    }
    memcpy(c->name, session.username, sizeof c->name);
    if (c->been_online && !session.recovered) {
        c->view->missed(c->view_ctx);
    }
    c->been_online = true;
    c->view->state(c->view_ctx);
}

static void on_session_end(struct client *c, struct json payload)
{
    char code[CHAT_CODE_MAX + 1];
    end(c, EXIT_SESSION_ENDED, words_for_end(chat_code_read(payload, code) ? code : ""));
}

static void on_event(void *ctx, struct slice name, struct json payload)
{
    static const struct {
        struct slice name;
        void (*react)(struct client *c, struct json payload);
    } events[] = {
        {SLICE_INIT("message_in"),     on_message_in    },
        {SLICE_INIT("user_change_in"), on_user_change_in},
        {SLICE_INIT("session"),        on_session       },
        {SLICE_INIT("session_end"),    on_session_end   },
    };
    struct client *c = ctx;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (slice_equal(name, events[i].name) && c->state != CLIENT_ENDED) {
            events[i].react(c, payload);
            return;
        }
    }
}

static void on_ack(void *ctx, uint64_t id, struct slice payload)
{
    struct client *c = ctx;
    struct chat_answer answer;
    if (id != LIST_ACK && chat_answer_read(payload, &answer)) {
        own_answered(c->own, id, &answer, c->wire.heard_ms);
    }
}

static void on_connected(void *ctx)
{
    struct client *c = ctx;
    c->since_ms = c->wire.heard_ms;
    c->why[0] = '\0';
    set_state(c, CLIENT_ONLINE);
}

static void on_refused(void *ctx, struct json error)
{
    struct client *c = ctx;
    struct json data;
    char code[CHAT_CODE_MAX + 1] = "";
    if (json_find(error, SLICE("data"), &data) == JSON_OK) {
        (void)chat_code_read(data, code);
    }
    end(c, EXIT_SESSION_ENDED, words_for_end(code));
}

static void on_disconnected(void *ctx)
{
    struct client *c = ctx;
    end(c, EXIT_SESSION_ENDED, "The server has ended the session.");
}

static const struct wire_handler wire_handler = {.send = on_send,
                                                 .connected = on_connected,
                                                 .refused = on_refused,
                                                 .event = on_event,
                                                 .ack = on_ack,
                                                 .disconnected = on_disconnected};

/* ---- From the network ------------------------------------------------------------------------ */

/* What the server may know of what we have seen: it can then send what was missed.  0: we were
 * there, and saw no message since the login. */
static void print_auth(const struct client *c, struct buf *out)
{
    struct slice cursor = people_cursor(c->people);
    buf_append(out, SLICE("{\"token\":"));
    json_append_string(out, slice_text(c->token));
    if (c->been_online) {
        buf_append(out, SLICE(",\"last_id\":"));
        buf_u64(out, c->last_id);
    }
    if (cursor.len > 0) {
        buf_append(out, SLICE(",\"presence\":\""));
        buf_append(out, cursor);
        buf_byte(out, '"');
    }
    buf_byte(out, '}');
}

void client_opened(struct client *c, uint64_t now_ms)
{
    struct buf auth;
    if (c->state != CLIENT_CONNECTING) {
        return;
    }
    buf_init(&auth, 2048);
    print_auth(c, &auth);
    wire_open(&c->wire, buf_slice(&auth), now_ms);
    buf_deinit(&auth);
}

static void settle(struct client *c, bool good, uint64_t now_ms)
{
    if (c->state == CLIENT_ENDED) {
        return;
    }
    if (!good) {
        drop(c, "the server ended the connection", now_ms);
        return;
    }
    send_waiting(c, now_ms);
}

void client_text(struct client *c, struct slice text, uint64_t now_ms)
{
    settle(c, wire_text(&c->wire, text, now_ms), now_ms);
}

void client_binary(struct client *c, uint64_t now_ms)
{
    settle(c, wire_binary(&c->wire, now_ms), now_ms);
}

void client_closed(struct client *c, struct slice why, uint64_t now_ms)
{
    struct buf words;
    if (c->state != CLIENT_CONNECTING && c->state != CLIENT_ONLINE) {
        return;
    }
    buf_init(&words, WHY_MAX - 1);
    if (c->state == CLIENT_ONLINE) {
        buf_append(&words, SLICE("connection lost"));
    } else {
        words_for_connecting(&words, why);
    }
    lose(c, words.ptr ? words.ptr : "", now_ms);
    buf_deinit(&words);
}

/* ---- What the user does ---------------------------------------------------------------------- */

uint64_t client_say(struct client *c, struct slice receiver, struct slice text, uint64_t now_ms,
                    uint64_t unix_ms)
{
    uint64_t number = own_add(c->own, receiver, text, unix_ms);
    send_waiting(c, now_ms);
    return number;
}

size_t client_retry(struct client *c, uint64_t now_ms)
{
    size_t count = own_retry(c->own);
    send_waiting(c, now_ms);
    return count;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void connect_now(struct client *c)
{
    set_state(c, CLIENT_CONNECTING);
    c->net->connect(c->net_ctx);
}

void client_start(struct client *c, uint64_t now_ms)
{
    c->since_ms = now_ms;
    connect_now(c);
}

static void tick_waiting(struct client *c, uint64_t now_ms, uint32_t random)
{
    if (c->give_up_ms > 0 && now_ms - c->since_ms >= c->give_up_ms) {
        end(c, EXIT_NOT_REACHED, "The server cannot be reached.");
    } else if (c->attempt_ms == 0) {
        c->attempt_ms = now_ms + backoff_ms(BACKOFF_MIN_MS, BACKOFF_MAX_MS, c->failures++, random);
        c->view->state(c->view_ctx);
    } else if (now_ms >= c->attempt_ms) {
        connect_now(c);
    }
}

void client_tick(struct client *c, uint64_t now_ms, uint32_t random)
{
    if (c->state == CLIENT_ENDED) {
        return;
    }
    if (now_ms >= wire_due_ms(&c->wire)) {
        drop(c, "the server has been silent for too long", now_ms);
    }
    own_tick(c->own, now_ms);
    if (c->state == CLIENT_WAITING) {
        tick_waiting(c, now_ms, random);
    }
    send_waiting(c, now_ms);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t client_due_ms(const struct client *c)
{
    uint64_t due = wire_due_ms(&c->wire);
    if (c->state == CLIENT_ONLINE) {
        due = earlier(due, own_due_ms(c->own));
    } else if (c->state == CLIENT_WAITING) {
        due = earlier(due, c->attempt_ms);
        due = c->give_up_ms > 0 ? earlier(due, c->since_ms + c->give_up_ms) : due;
    }
    return due;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void on_own(void *ctx, const struct own *own)
{
    struct client *c = ctx;
    c->view->own(c->view_ctx, own);
}

struct client *client_new(const struct client_config *config, const struct client_net *net,
                          const struct client_view *view, void *net_ctx, void *view_ctx)
{
    struct client *c = must(calloc(1, sizeof *c));
    c->net = net;
    c->view = view;
    c->net_ctx = net_ctx;
    c->view_ctx = view_ctx;
    (void)snprintf(c->name, sizeof c->name, "%s", config->name);
    (void)snprintf(c->token, sizeof c->token, "%s", config->token);
    c->give_up_ms = config->give_up_ms;
    wire_init(&c->wire, &wire_handler, c);
    c->own = own_new(config->own, config->id_prefix, on_own, c);
    c->people = people_new();
    return c;
}

void client_free(struct client *c)
{
    wire_deinit(&c->wire);
    own_free(c->own);
    people_free(c->people);
    free(c);
}

enum client_state client_state(const struct client *c)
{
    return c->state;
}

const char *client_name(const struct client *c)
{
    return c->name;
}

uint64_t client_attempt_ms(const struct client *c)
{
    return c->attempt_ms;
}

const char *client_why(const struct client *c)
{
    return c->why;
}

const struct people *client_people(const struct client *c)
{
    return c->people;
}

size_t client_unsent(const struct client *c)
{
    return own_waiting(c->own);
}
