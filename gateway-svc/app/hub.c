/* hub.c - clients come and go: admission, attaching, welcome, the end of a session */
#include "gateway-svc/app/admission.h"
#include "gateway-svc/app/client_files.h"
#include "gateway-svc/app/gateway_health.h"
#include "gateway-svc/app/gateway_metrics.h"
#include "gateway-svc/app/replay.h"
#include "gateway-svc/app/web_page.h"
#include "gateway-svc/relay/address.h"
#include "shared/clock.h"
#include "shared/json.h"
#include "shared/log.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define JSON_MAX ((size_t)1 << 20)
#define LOG_LINES_PER_S 10
/* Each connection costs calls of Redis and the whole list: nobody needs more of one session on one
 * gateway than all its tabs, several times over, and then some every second. */
static const struct rate rate_connects = {.per_second = 10, .burst = 100};

void hub_emit_json(struct hub *hub, struct sio_socket *socket, struct slice event)
{
    struct sio_frame *frame = sio_event_frame(hub->nsp, event, buf_slice(&hub->json));
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
}

void hub_name_of(const struct sio_socket *socket, char out[USERNAME_MAX + 1])
{
    const struct client *client = sio_socket_data(socket);
    const struct session *session = client ? client->user->session : NULL;
    if (session && session->shown[0] != '\0') {
        session_name(session, out);
    } else {
        memcpy(out, "-", sizeof "-");
    }
}

/* ---- The end of clients ---------------------------------------------------------------------- */

static void drop_client(struct hub *hub, struct client *client)
{
    struct user *user = client->user;
    telling_forget(&hub->telling, client);
    uint64_t upto = replay_leave(hub, client);
    client_free(client);
    if (user->clients) {
        return;
    }
    if (user->session) {
        char hash[TOKEN_HASH_LEN + 1];
        session_hash(user->session, hash);
        recent_of(&hub->recent, hash)->messages = user->messages;
        relay_close(hub->relay, user->session, upto);
    }
    user_free(user);
}

static void note_connect(struct hub *hub, enum hub_connect what)
{
    hub->stats.connects[what]++;
    struct log_limit *limit = &hub->connect_refusals;
    if (what != HUB_WELCOMED && log_limit_ok(limit, LOG_LINES_PER_S, clock_mono_ms())) {
        log_info("connect refused code=%s suppressed=%llu", hub_connect_names[what],
                 (unsigned long long)limit->suppressed);
    }
}

/* So that it comes again by itself. */
static void put_off(struct hub *hub, struct sio_socket *socket)
{
    note_connect(hub, HUB_TRY_AGAIN);
    sio_socket_close(socket, CODE_TRY_AGAIN);
}

static void refuse_socket(struct hub *hub, struct sio_socket *socket, enum hub_connect why,
                          const char *message)
{
    const char *code = hub_connect_names[why];
    note_connect(hub, why);
    buf_clear(&hub->json);
    payload_connect_error(&hub->json, slice_text(code));
    sio_socket_refuse(socket, slice_text(message), buf_slice(&hub->json));
}

typedef void end_client_fn(struct hub *hub, struct client *client, struct slice code);

/* Takes the session from its user and does `end` to each of its sockets; the last one that is gone,
 * now or later, frees the user. */
static void end_user(struct hub *hub, struct user *user, struct slice code, end_client_fn *end)
{
    user->session = NULL;
    struct client *next;
    bool last = false;
    for (struct client *c = user->clients; c && !last; c = next) {
        next = c->next; /* c is gone after `end`, the user after the last one */
        last = !next;
        end(hub, c, code);
    }
}

static void end_waiting(struct hub *hub, struct client *client)
{
    struct sio_socket *socket = client->socket;
    sio_socket_ref(socket);
    drop_client(hub, client);
    refuse_socket(hub, socket, HUB_SESSION_EXPIRED, "The session has ended; log in again.");
    sio_socket_unref(socket);
}

static void end_with_word(struct hub *hub, struct client *client, struct slice code)
{
    if (client->state == CLIENT_WAITING) {
        end_waiting(hub, client);
        return;
    }
    buf_clear(&hub->json);
    payload_session_end(&hub->json, code);
    hub_emit_json(hub, client->socket, SLICE("session_end"));
    sio_socket_disconnect(client->socket, true);
}

static void end_for_a_while(struct hub *hub, struct client *client, struct slice code)
{
    (void)code;
    put_off(hub, client->socket);
}

/* ---- What the relay says --------------------------------------------------------------------- */

static void on_attached(void *app, struct session *s, uint64_t left)
{
    struct hub *hub = app;
    struct user *user = s->owner;
    struct client *next;
    for (struct client *c = user->clients; c; c = next) {
        next = c->next;
        if (hub->stopping && c->state == CLIENT_WAITING) { /* it came a moment too late */
            end_for_a_while(hub, c, slice_text(NULL));
        } else {
            replay_attached(hub, c, left);
        }
    }
}

static void on_refused(void *app, struct session *s, enum relay_refusal why)
{
    end_user(app, s->owner, SLICE("session_expired"),
             why == RELAY_UNKNOWN ? end_with_word : end_for_a_while);
}

static void count_end(struct hub *hub, struct slice code)
{
    size_t i = 0;
    while (i < HUB_OTHER_END && !slice_equal(code, slice_text(hub_end_names[i]))) {
        i++;
    }
    hub->stats.ended[i]++;
}

static void on_ended(void *app, struct session *s, struct slice code)
{
    struct hub *hub = app;
    count_end(hub, code);
    if (log_limit_ok(&hub->ends, LOG_LINES_PER_S, clock_mono_ms())) {
        char name[USERNAME_MAX + 1];
        session_name(s, name);
        log_info("session ended user=%s code=%s suppressed=%llu", name, log_escape(code),
                 (unsigned long long)hub->ends.suppressed);
    }
    end_user(app, s->owner, code, end_with_word);
}

static void on_message(void *app, const struct bus_message *m, struct session *receiver,
                       struct session *sender)
{
    talk_deliver(app, m, receiver, sender);
}

static void on_lost(void *app, struct session *s, uint64_t upto)
{
    struct hub *hub = app;
    if (s) {
        const struct user *user = s->owner;
        for (struct client *c = user->clients; c; c = c->next) {
            replay_lost(hub, c, upto);
        }
        return;
    }
    for (uint32_t i = 0; i < hub->welcomed.count; i++) {
        replay_lost(hub, hub->welcomed.at[i], upto);
    }
    for (uint32_t i = 0; i < hub->catching.count; i++) {
        replay_lost(hub, hub->catching.at[i], upto);
    }
}

static void on_behind(void *app)
{
    struct hub *hub = app;
    telling_finish(&hub->telling);                     /* then they all have the same cursor */
    for (uint32_t i = hub->welcomed.count; i-- > 0;) { /* each leaves this list */
        struct client *client = hub->welcomed.at[i];
        bool lags = client->lags;
        telling_forget(&hub->telling, client);
        replay_behind(hub, client, lags ? slice_text(NULL) : crowd_cursor(hub->crowd));
    }
}

static void on_roster_begin(void *app)
{
    crowd_load_begin(((struct hub *)app)->crowd);
}

static void on_roster_name(void *app, struct slice shown)
{
    crowd_load_name(((struct hub *)app)->crowd, shown);
}

static void on_roster_end(void *app, struct slice epoch, uint64_t version)
{
    crowd_load_end(((struct hub *)app)->crowd, epoch, version);
}

static bool on_roster_change(void *app, struct slice epoch, uint64_t version, struct slice list)
{
    return crowd_change(((struct hub *)app)->crowd, epoch, version, list);
}

static void on_settling(void *app, bool settling)
{
    crowd_freeze(((struct hub *)app)->crowd, settling);
}

static uint64_t on_connections(void *app)
{
    return sio_server_stats(((struct hub *)app)->server)->connections;
}

static const struct relay_handler relay_handler = {
    .attached = on_attached,
    .refused = on_refused,
    .ended = on_ended,
    .message = on_message,
    .lost = on_lost,
    .behind = on_behind,
    .roster_begin = on_roster_begin,
    .roster_name = on_roster_name,
    .roster_end = on_roster_end,
    .roster_change = on_roster_change,
    .settling = on_settling,
    .connections = on_connections,
};

/* ---- What clients do ------------------------------------------------------------------------- */

/* The server part has judged the page; here only its cookie is looked at. */
static const char *on_allow(void *app, struct sio_request *req, void **conn_data)
{
    const struct hub *hub = app;
    *conn_data = admission_pass(req, hub->config.sio.credentials);
    return NULL;
}

static void on_closed(void *app, void *conn_data)
{
    (void)app;
    free(conn_data);
}

/* As the gateway itself has written it. */
static void on_where(void *arg, struct slice text)
{
    struct address address;
    bool good = address_parse(text, &address) && address.port > 0;
    sio_lookup_answer(arg, good ? address.host : NULL, address.port);
}

static void on_find(void *app, struct slice node, struct sio_lookup *lookup)
{
    const struct hub *hub = app;
    relay_where(hub->relay, node, on_where, lookup);
}

static const struct sio_server_handler server_handler = {
    .allow = on_allow, .closed = on_closed, .http = gateway_health_answer, .find = on_find};

/* The user whose session the token's hash names; made if this is its first socket here. */
static struct user *user_of(struct hub *hub, const char *hash)
{
    struct session *s = relay_open(hub->relay, slice_text(hash));
    if (!s) {
        return NULL;
    }
    if (s->owner) {
        return s->owner;
    }
    struct user *user = user_new(s);
    user->messages = recent_of(&hub->recent, hash)->messages;
    return user;
}

static bool may_try(struct hub *hub, const char *hash)
{
    struct bucket *connects = &recent_of(&hub->recent, hash)->connects;
    return !hub->stopping && crowd_is_known(hub->crowd) &&
           bucket_take(connects, rate_connects, clock_mono_ms()) == 0;
}

static void on_connect(void *app, struct sio_socket *socket, void *conn_data, struct slice auth)
{
    struct hub *hub = app;
    char hash[TOKEN_HASH_LEN + 1];
    switch (admission_token(auth, conn_data, hash)) {
    case ADMISSION_OK: break;
    case ADMISSION_NO_TOKEN: refuse_socket(hub, socket, HUB_NOT_LOGGED_IN, "Log in first."); return;
    case ADMISSION_BAD_TOKEN:
        refuse_socket(hub, socket, HUB_SESSION_EXPIRED, "The session has ended; log in again.");
        return;
    }
    struct user *user = may_try(hub, hash) ? user_of(hub, hash) : NULL;
    if (!user) {
        put_off(hub, socket);
        return;
    }
    if (user->count >= hub->config.max_sockets) {
        refuse_socket(hub, socket, HUB_TOO_MANY_SOCKETS, "This session has too many connections.");
        return;
    }
    struct client *client = client_new(user, socket);
    struct resume resume = resume_parse(auth);
    replay_wish(hub, client, &resume);
    if (user->session->attached) {
        replay_attached(hub, client, RELAY_WAS_HERE);
    }
}

static void on_user_change_out(struct hub *hub, struct client *client,
                               const struct sio_event *event)
{
    uint64_t wait_ms =
        bucket_take(&client->user->messages, hub->config.rate_messages, clock_mono_ms());
    if (wait_ms > 0) { /* a few bytes that ask for a whole list */
        talk_refuse(hub, client, event, (struct payload_error){CHAT_E_RATE_LIMITED, NULL, wait_ms});
        return;
    }
    struct json object, value;
    struct buf since;
    buf_init(&since, 64);
    if (json_parse(event->args, &object) == JSON_OK &&
        json_find(object, SLICE("since"), &value) == JSON_OK &&
        json_string(value, &since) != JSON_OK) {
        buf_clear(&since); /* no cursor of ours: the whole list answers it */
    }
    const struct session *session = client->user->session;
    telling_forget(&hub->telling, client); /* the answer tells it all */
    crowd_answer(hub->crowd, client->socket, buf_slice(&since),
                 slice_text(session ? session->shown : NULL));
    buf_deinit(&since);
    if (event->wants_ack) {
        sio_socket_ack(client->socket, event->ack_id, SLICE("{\"ok\":true}"));
    }
}

static const struct {
    struct slice name;
    void (*handle)(struct hub *hub, struct client *client, const struct sio_event *event);
} events[] = {
    [HUB_MESSAGE_OUT] = {SLICE_INIT("message_out"),     talk_out          },
    [HUB_USER_CHANGE_OUT] = {SLICE_INIT("user_change_out"), on_user_change_out},
};

static void on_event(void *app, struct sio_socket *socket, const struct sio_event *event)
{
    struct hub *hub = app;
    struct client *client = sio_socket_data(socket);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (slice_equal(event->name, events[i].name)) {
            hub->stats.events[i]++;
            if (client) {
                events[i].handle(hub, client, event);
            }
            return;
        }
    }
    hub->stats.events[HUB_OTHER_EVENT]++;
}

static bool is_of_client(enum sio_reason reason)
{
    return reason == SIO_TRANSPORT_CLOSE || reason == SIO_CLIENT_DISCONNECT;
}

/* One line for each socket, as far as they are not too many at once. */
static void note_close(struct hub *hub, const struct sio_socket *socket, enum sio_reason reason)
{
    if (log_limit_ok(&hub->closes, LOG_LINES_PER_S, clock_mono_ms())) {
        char name[USERNAME_MAX + 1];
        hub_name_of(socket, name);
        log_info("socket closed user=%s by=%s reason=\"%s\" suppressed=%llu", name,
                 is_of_client(reason) ? "client" : "server", sio_reason_name(reason),
                 (unsigned long long)hub->closes.suppressed);
    }
}

static void on_disconnect(void *app, struct sio_socket *socket, enum sio_reason reason)
{
    struct client *client = sio_socket_data(socket);
    if (client) {
        note_close(app, socket, reason);
        drop_client(app, client);
    }
}

static void on_drained(void *app, struct sio_socket *socket)
{
    struct client *client = sio_socket_data(socket);
    (void)app;
    if (client) {
        replay_drained(client);
    }
}

static const struct sio_namespace_handler namespace_handler = {on_connect, on_event, on_disconnect,
                                                               on_drained};

/* ---- Life ------------------------------------------------------------------------------------ */

static void emit_change(void *ctx, struct sio_frame *frame, size_t change)
{
    struct hub *hub = ctx;
    telling_start(&hub->telling, frame, change);
}

struct hub *hub_new(struct ev_loop *loop, const struct hub_config *config)
{
    struct hub *hub = must(calloc(1, sizeof *hub));
    hub->loop = loop;
    hub->config = *config;
    hub->watch = loop_watch_new(loop);
    buf_init(&hub->metrics, METRICS_MAX);
    message_out_init(&hub->incoming, config->message_max_bytes);
    buf_init(&hub->json, JSON_MAX);
    buf_init(&hub->why, 1024);
    hub->server = sio_server_new(loop, &config->sio, &server_handler, hub);
    if (!hub->server || !sio_server_http_port(hub->server, config->sio.host, config->health_port)) {
        hub_free(hub);
        return NULL;
    }
    client_files_serve(hub->server);
    web_page_serve(hub->server);
    hub->nsp = sio_namespace_open(hub->server, "/", &namespace_handler, hub);
    hub->crowd = crowd_new(loop, hub->nsp, emit_change, hub);
    telling_init(&hub->telling, loop, hub->crowd, &hub->welcomed, config->sio.queue_max_bytes);
    hub->relay = relay_new(loop, &config->relay, &relay_handler, hub);
    return hub;
}

void hub_drain(struct hub *hub, uint64_t length_ms, void (*done)(void *ctx), void *ctx)
{
    hub->stopping = true;
    hub->drain = drain_start(hub, length_ms, done, ctx);
}

void hub_stop(struct hub *hub)
{
    hub->stopping = true;
    drain_free(hub->drain);
    hub->drain = NULL;
    relay_leave(hub->relay);           /* one step for all users ... */
    sio_server_close_all(hub->server); /* ... instead of a detach for each */
}

void hub_free(struct hub *hub)
{
    if (!hub) {
        return;
    }
    drain_free(hub->drain);
    if (hub->server) {
        sio_server_close_all(hub->server); /* no session has a user after this */
    }
    relay_free(hub->relay); /* whoever still waits for an answer gets his last one */
    telling_deinit(&hub->telling);
    crowd_free(hub->crowd);
    sio_server_free(hub->server);
    message_out_deinit(&hub->incoming);
    buf_deinit(&hub->json);
    buf_deinit(&hub->metrics);
    loop_watch_free(hub->watch);
    buf_deinit(&hub->why);
    free(hub->welcomed.at);
    free(hub->catching.at);
    free(hub);
}
