/* main.c - a small application on the Socket.IO server alone, for the protocol tests
 *
 * /engine.io/   sends every message back, text and binary
 * /socket.io/   on connection emits `auth` with the client's auth object ({} if none), answers
 *               `message` with `message-back`, and `message-with-ack` through its ack, both with
 *               the same arguments.  A namespace /custom does the same.
 *
 * extras.h has what tests want besides. */
#include "gateway-svc/socketio/sio.h"
#include "shared/log.h"
#include "shared/settings.h"
#include "shared/stop_ev.h"
#include "tests/conformance/extras.h"

#define PROGRAM "parley-conformance"

/* ---- Socket.IO ------------------------------------------------------------------------------- */

/* The `app` of a namespace. */
struct room {
    struct sio_namespace *nsp;
};

static struct sio_namespace *nsp_of(void *app)
{
    const struct room *room = app;
    return room->nsp;
}

static void on_connect(void *app, struct sio_socket *socket, void *conn_data, struct slice auth)
{
    (void)conn_data;
    if (extras_connect(socket, auth)) {
        return;
    }
    sio_socket_accept(socket);
    struct sio_frame *frame =
        sio_event_frame(nsp_of(app), SLICE("auth"), auth.len > 0 ? auth : SLICE("{}"));
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
}

/* The same arguments, attachments included. */
static void send_back(void *app, struct sio_socket *socket, const struct sio_event *event)
{
    struct sio_frame *frame = sio_event_frame_data(nsp_of(app), SLICE("message-back"), event->args,
                                                   event->data, event->data_count);
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
}

static void on_event(void *app, struct sio_socket *socket, const struct sio_event *event)
{
    if (slice_equal(event->name, SLICE("message"))) {
        send_back(app, socket, event);
    } else if (slice_equal(event->name, SLICE("message-with-ack")) && event->wants_ack) {
        sio_socket_ack_data(socket, event->ack_id, event->args, event->data, event->data_count);
    } else {
        extras_event(nsp_of(app), socket, event);
    }
}

static void on_disconnect(void *app, struct sio_socket *socket, enum sio_reason reason)
{
    (void)app;
    (void)socket;
    log_info("disconnect reason=\"%s\"", sio_reason_name(reason));
}

static const struct sio_namespace_handler namespace_handler = {
    .connect = on_connect, .event = on_event, .disconnect = on_disconnect};

/* ---- Engine.IO ------------------------------------------------------------------------------- */

static void on_raw_open(void *app, struct eio_conn *conn)
{
    (void)app;
    (void)conn;
}

static void on_raw_message(void *app, struct eio_conn *conn, struct slice data, bool binary)
{
    (void)app;
    sio_raw_send(conn, data, binary);
}

static void on_raw_closed(void *app, struct eio_conn *conn, enum sio_reason reason)
{
    (void)app;
    (void)conn;
    log_info("raw closed reason=\"%s\"", sio_reason_name(reason));
}

static const struct sio_raw_handler raw_handler = {
    .open = on_raw_open, .message = on_raw_message, .closed = on_raw_closed};

/* ---- Settings -------------------------------------------------------------------------------- */

struct settings {
    const char *host, *node, *peers, *origins;
    uint64_t port, health_port;
    uint64_t ping_interval_ms, ping_timeout_ms;
    uint64_t connect_timeout_ms, upgrade_timeout_ms, ack_timeout_ms;
    uint64_t max_payload, max_fragments, max_namespaces, queue_max_bytes;
    unsigned transports, upgrades, io_uring;
};

/* clang-format off */
#define ROW(kind, key, preset, least, most, field, text)                                           \
    {.name = (key), .type = (kind), .fallback = (preset), .min = (least), .max = (most),           \
     .offset = offsetof(struct settings, field), .help = (text)}
#define NUMBER(...) ROW(SETTING_NUMBER, __VA_ARGS__)
#define TEXT(...) ROW(SETTING_TEXT, __VA_ARGS__)
#define CHOICE(key, preset, list, field, text)                                                     \
    {.name = (key), .type = SETTING_CHOICE, .fallback = (preset), .choices = (list),               \
     .offset = offsetof(struct settings, field), .help = (text)}
/* clang-format on */
#define HOUR_MS 3600000

static const struct setting table[] = {
    TEXT("HOST", "127.0.0.1", 1, 255, host, "address to listen on"),
    NUMBER("PORT", "3000", 1, 65535, port, "port of both paths"),
    NUMBER("HEALTH_PORT", "0", 0, 65535, health_port, "second port for /healthz; 0: none"),
    NUMBER("PING_INTERVAL_MS", "25000", 1, HOUR_MS, ping_interval_ms, "ms between heartbeats"),
    NUMBER("PING_TIMEOUT_MS", "20000", 1, HOUR_MS, ping_timeout_ms, "ms to answer one"),
    NUMBER("CONNECT_TIMEOUT_MS", "45000", 1, HOUR_MS, connect_timeout_ms, "ms to join a namespace"),
    NUMBER("UPGRADE_TIMEOUT_MS", "10000", 1, HOUR_MS, upgrade_timeout_ms, "ms for an upgrade"),
    NUMBER("ACK_TIMEOUT_MS", "10000", 1, HOUR_MS, ack_timeout_ms, "ms to answer an event"),
    NUMBER("MAX_PAYLOAD", "1000000", 1, 100000000, max_payload, "bytes of one message"),
    NUMBER("MAX_FRAGMENTS", "1024", 1, 1000000, max_fragments, "frames of one message"),
    NUMBER("MAX_NAMESPACES", "8", 1, 32, max_namespaces, "namespaces of one connection"),
    NUMBER("QUEUE_MAX_BYTES", "1048576", 1024, 1000000000, queue_max_bytes,
           "bytes waiting for one client"),
    TEXT("ALLOWED_ORIGINS", "", 0, 4096, origins, "pages that may connect; empty: any, unsaid"),
    CHOICE("TRANSPORTS", "both", "both|polling|websocket", transports, "how clients may talk"),
    CHOICE("ALLOW_UPGRADES", "true", "false|true", upgrades, "from polling to WebSocket"),
    CHOICE("IO_URING", "true", "false|true", io_uring, "whether it may be used"),
    TEXT("NODE", "", 0, 48, node, "its name among PEERS"),
    TEXT("PEERS", "", 0, 4096, peers, "other servers of the same clients: name=port,..."),
};

static struct sio_config to_config(const struct settings *s)
{
    struct sio_config config;
    sio_config_defaults(&config);
    config.host = s->host;
    config.port = (uint16_t)s->port;
    config.node = s->node[0] ? s->node : NULL;
    config.origins = s->origins[0] ? s->origins : NULL;
    config.polling = s->transports != 2;
    config.websocket = s->transports != 1;
    config.allow_upgrades = s->upgrades == 1;
    config.io_uring = s->io_uring == 1;
    config.ping_interval_ms = (uint32_t)s->ping_interval_ms;
    config.ping_timeout_ms = (uint32_t)s->ping_timeout_ms;
    config.connect_timeout_ms = (uint32_t)s->connect_timeout_ms;
    config.upgrade_timeout_ms = (uint32_t)s->upgrade_timeout_ms;
    config.ack_timeout_ms = (uint32_t)s->ack_timeout_ms;
    config.max_payload = (uint32_t)s->max_payload;
    config.max_fragments = (uint32_t)s->max_fragments;
    config.max_namespaces = (uint32_t)s->max_namespaces;
    config.queue_max_bytes = (uint32_t)s->queue_max_bytes;
    return config;
}

/* ---- The server ------------------------------------------------------------------------------ */

struct app {
    struct sio_server *server;
    struct ev_loop *loop;
    struct room root, custom;
    struct extras extras;
};

static bool start(struct app *app, const struct settings *s)
{
    struct sio_config config = to_config(s);
    app->extras.peers = s->peers;
    app->server = sio_server_new(app->loop, &config, &extras_server_handler, &app->extras);
    if (!app->server) {
        return false;
    }
    app->root.nsp = sio_namespace_open(app->server, "/", &namespace_handler, &app->root);
    app->custom.nsp = sio_namespace_open(app->server, "/custom", &namespace_handler, &app->custom);
    sio_server_raw(app->server, "/engine.io/", &raw_handler, app);
    extras_serve_page(app->server);
    return s->health_port == 0 ||
           sio_server_http_port(app->server, s->host, (uint16_t)s->health_port);
}

static void on_stop(void *ctx, int signum)
{
    struct app *app = ctx;
    (void)signum;
    sio_server_close_all(app->server);
    ev_break(app->loop, EVBREAK_ALL);
}

int main(int argc, char **argv)
{
    struct settings s;
    struct app app = {.loop = ev_default_loop(0)};
    struct stop stop;
    sio_log(PROGRAM, SIO_LOG_INFO);
    settings_main(argc, argv, table, sizeof table / sizeof table[0], &s, PROGRAM,
                  "A Socket.IO server for protocol tests.");
    if (!start(&app, &s)) {
        sio_server_free(app.server);
        return 1;
    }
    stop_init(&stop, app.loop, on_stop, &app);
    log_info("listening host=%s port=%u", s.host, (unsigned)s.port);
    ev_run(app.loop, 0);
    sio_server_free(app.server);
    stop_deinit(&stop, app.loop);
    ev_loop_destroy(app.loop);
    return 0;
}
