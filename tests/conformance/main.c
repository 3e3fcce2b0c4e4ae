/* main.c - a small application on the Socket.IO server alone, for the protocol tests
 *
 * /engine.io/   sends every message back, text and binary
 * /socket.io/   on connection emits `auth` with the client's auth object ({} if none), answers
 *               `message` with `message-back`, and `message-with-ack` through its ack, both with
 * the same arguments.  A namespace /custom does the same.
 *
 * For tests of what a server does of its own accord, "/" also understands
 *   kick      sio_socket_disconnect       kick-all  ... and closes the connection
 *   close     sio_socket_close, code 4000
 *   flood     emits `flood` with the given JSON, as often as its second argument says
 * and a client whose auth is {"refuse":...} is refused with that as the error's data, one with
 * {"wait":...} is never answered. */
#include "gateway-svc/socketio/sio.h"
#include "shared/json.h"
#include "shared/log.h"
#include "shared/settings.h"
#include <ev.h>
#include <stdlib.h>

struct app {
    struct sio_config config;
    struct sio_server *server;
    struct sio_namespace *root;
    struct sio_namespace *custom;
};

struct settings {
    const char *host;
    uint64_t port;
    uint64_t health_port;
    uint64_t ping_interval_ms;
    uint64_t ping_timeout_ms;
    uint64_t connect_timeout_ms;
    uint64_t max_payload;
    uint64_t queue_max_bytes;
    uint64_t max_fragments;
    uint64_t max_namespaces;
};

#define ROW(name, fallback, min, max, field, help)                                                 \
    {                                                                                              \
        name, SETTING_NUMBER, fallback, min, max, offsetof(struct settings, field), help, NULL,    \
            false, NULL                                                                            \
    }

static const struct setting table[] = {
    {"HOST", SETTING_TEXT, "127.0.0.1", 1, 255, offsetof(struct settings, host),
     "address to listen on", NULL, false, NULL},
    ROW("PORT", "3000", 1, 65535, port, "port of both paths"),
    ROW("HEALTH_PORT", "0", 0, 65535, health_port, "second port for /healthz; 0: none"),
    ROW("PING_INTERVAL_MS", "25000", 1, 3600000, ping_interval_ms, "ms between heartbeats"),
    ROW("PING_TIMEOUT_MS", "20000", 1, 3600000, ping_timeout_ms, "ms to answer one"),
    ROW("CONNECT_TIMEOUT_MS", "45000", 1, 3600000, connect_timeout_ms, "ms to join a namespace"),
    ROW("MAX_PAYLOAD", "1000000", 1, 100000000, max_payload, "bytes of one message"),
    ROW("QUEUE_MAX_BYTES", "1048576", 1024, 1000000000, queue_max_bytes,
        "bytes waiting for one client"),
    ROW("MAX_FRAGMENTS", "1024", 1, 1000000, max_fragments, "frames of one message"),
    ROW("MAX_NAMESPACES", "8", 1, 32, max_namespaces, "namespaces of one connection"),
};

/* ---- Socket.IO ------------------------------------------------------------------------------- */

static struct app *the_app(void *ctx)
{
    return ctx;
}

static void emit(struct sio_namespace *nsp, struct sio_socket *socket, struct slice name,
                 struct slice args)
{
    struct sio_frame *frame = sio_event_frame(nsp, name, args);
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
}

/* Does the auth object have that member? */
static bool auth_has(struct slice auth, const char *key, struct slice *value)
{
    struct json object;
    struct json member;
    if (auth.len == 0 || json_parse(auth, &object) != JSON_OK ||
        json_find(object, slice_text(key), &member) != JSON_OK) {
        return false;
    }
    *value = member.raw;
    return true;
}

static void welcome(struct sio_namespace *nsp, struct sio_socket *socket, struct slice auth)
{
    struct slice value;
    if (auth_has(auth, "refuse", &value)) {
        sio_socket_refuse(socket, SLICE("refused by \"request\""), value);
        return;
    }
    if (auth_has(auth, "wait", &value)) {
        return;
    }
    sio_socket_accept(socket);
    emit(nsp, socket, SLICE("auth"), auth.len > 0 ? auth : SLICE("{}"));
}

static void on_connect(void *ctx, struct sio_socket *socket, void *conn_data, struct slice auth)
{
    (void)conn_data;
    welcome(the_app(ctx)->root, socket, auth);
}

static void on_custom_connect(void *ctx, struct sio_socket *socket, void *conn_data,
                              struct slice auth)
{
    (void)conn_data;
    welcome(the_app(ctx)->custom, socket, auth);
}

static void do_kick(struct app *app, struct sio_socket *socket, struct slice args)
{
    (void)app;
    (void)args;
    sio_socket_disconnect(socket, false);
}

static void do_kick_all(struct app *app, struct sio_socket *socket, struct slice args)
{
    (void)app;
    (void)args;
    sio_socket_disconnect(socket, true);
}

static void do_close(struct app *app, struct sio_socket *socket, struct slice args)
{
    (void)app;
    (void)args;
    sio_socket_close(socket, 4000);
}

static void do_flood(struct app *app, struct sio_socket *socket, struct slice args)
{
    uint64_t count = 0;
    struct slice what = slice_cut(&args, ',');
    if (!slice_u64(slice_trim(args), 1000000, &count)) {
        return;
    }
    struct sio_frame *frame = sio_event_frame(app->root, SLICE("flood"), what);
    for (uint64_t i = 0; i < count; i++) {
        sio_socket_emit(socket, frame);
    }
    sio_frame_unref(frame);
}

static void do_message(struct app *app, struct sio_socket *socket, struct slice args)
{
    emit(app->root, socket, SLICE("message-back"), args);
}

static const struct {
    struct slice name;
    void (*act)(struct app *app, struct sio_socket *socket, struct slice args);
} events[] = {
    {SLICE_INIT("message"),  do_message },
    {SLICE_INIT("kick"),     do_kick    },
    {SLICE_INIT("kick-all"), do_kick_all},
    {SLICE_INIT("close"),    do_close   },
    {SLICE_INIT("flood"),    do_flood   },
};

static void on_event(void *ctx, struct sio_socket *socket, const struct sio_event *event)
{
    if (slice_equal(event->name, SLICE("message-with-ack")) && event->wants_ack) {
        sio_socket_ack(socket, event->ack_id, event->args);
        return;
    }
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (slice_equal(event->name, events[i].name)) {
            events[i].act(ctx, socket, event->args);
        }
    }
}

static void on_custom_event(void *ctx, struct sio_socket *socket, const struct sio_event *event)
{
    if (slice_equal(event->name, SLICE("message"))) {
        emit(the_app(ctx)->custom, socket, SLICE("message-back"), event->args);
    }
}

static void on_disconnect(void *ctx, struct sio_socket *socket, enum sio_reason reason)
{
    (void)ctx;
    (void)socket;
    log_info("disconnect reason=\"%s\"", sio_reason_name(reason));
}

static const struct sio_namespace_handler root_handler = {on_connect, on_event, on_disconnect};
static const struct sio_namespace_handler custom_handler = {on_custom_connect, on_custom_event,
                                                            on_disconnect};

/* ---- Engine.IO ------------------------------------------------------------------------------- */

static void on_raw_open(void *ctx, struct eio_conn *conn)
{
    (void)ctx;
    (void)conn;
}

static void on_raw_message(void *ctx, struct eio_conn *conn, struct slice data, bool binary)
{
    (void)ctx;
    sio_raw_send(conn, data, binary);
}

static void on_raw_closed(void *ctx, struct eio_conn *conn, enum sio_reason reason)
{
    (void)ctx;
    (void)conn;
    log_info("raw closed reason=\"%s\"", sio_reason_name(reason));
}

static const struct sio_raw_handler raw_handler = {on_raw_open, on_raw_message, on_raw_closed};

/* ---- The server ------------------------------------------------------------------------------ */

static const char *allow(void *ctx, struct sio_request *req, void **conn_data)
{
    (void)ctx;
    (void)conn_data;
    return sio_request_header(req, "x-refuse:").len > 0 ? "No entry" : NULL;
}

static unsigned on_http(void *ctx, struct slice path, const char **text)
{
    (void)ctx;
    if (!slice_equal(path, SLICE("/healthz"))) {
        return 404;
    }
    *text = "ok\n";
    return 200;
}

static const struct sio_server_handler server_handler = {allow, NULL, on_http};

static void on_signal(struct ev_loop *loop, ev_signal *signal, int events_seen)
{
    struct app *app = signal->data;
    (void)events_seen;
    sio_server_close_all(app->server);
    ev_break(loop, EVBREAK_ALL);
}

static struct sio_config to_config(const struct settings *s)
{
    return (struct sio_config){
        .host = s->host,
        .port = (uint16_t)s->port,
        .path = "/socket.io/",
        .ping_interval_ms = (uint32_t)s->ping_interval_ms,
        .ping_timeout_ms = (uint32_t)s->ping_timeout_ms,
        .connect_timeout_ms = (uint32_t)s->connect_timeout_ms,
        .max_payload = (uint32_t)s->max_payload,
        .queue_max_bytes = (uint32_t)s->queue_max_bytes,
        .max_fragments = (uint32_t)s->max_fragments,
        .max_namespaces = (uint32_t)s->max_namespaces,
    };
}

static bool start(struct app *app, struct ev_loop *loop, const struct settings *s)
{
    struct sio_config config = to_config(s);
    app->server = sio_server_new(loop, &config, &server_handler, app);
    if (!app->server) {
        return false;
    }
    app->root = sio_namespace_open(app->server, "/", &root_handler, app);
    app->custom = sio_namespace_open(app->server, "/custom", &custom_handler, app);
    sio_server_raw(app->server, "/engine.io/", &raw_handler, app);
    return s->health_port == 0 ||
           sio_server_http_port(app->server, s->host, (uint16_t)s->health_port);
}

int main(int argc, char **argv)
{
    struct settings s;
    struct app app = {0};
    struct ev_loop *loop = ev_default_loop(0);
    ev_signal signals[2];
    log_init("parley-conformance", LOG_LEVEL_INFO);
    settings_main(argc, argv, table, sizeof table / sizeof table[0], &s, "parley-conformance",
                  "A Socket.IO server for protocol tests.");
    if (!start(&app, loop, &s)) {
        sio_server_free(app.server);
        return 1;
    }
    for (int i = 0; i < 2; i++) {
        ev_signal_init(&signals[i], on_signal, i == 0 ? SIGINT : SIGTERM);
        signals[i].data = &app;
        ev_signal_start(loop, &signals[i]);
    }
    log_info("listening host=%s port=%u", s.host, (unsigned)s.port);
    ev_run(loop, 0);
    sio_server_free(app.server);
    ev_loop_destroy(loop);
    return 0;
}
