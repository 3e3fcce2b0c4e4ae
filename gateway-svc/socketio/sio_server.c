/* sio_server.c - the server: wires the engine, its endpoints, the ports and the loop together */
#include "gateway-svc/socketio/eio_listener.h"
#include "gateway-svc/socketio/eio_lookup.h"
#include "gateway-svc/socketio/eio_tunnel_lws.h"
#include "gateway-svc/socketio/eio_turn_ev.h"
#include "gateway-svc/socketio/sio_raw.h"
#include "gateway-svc/socketio/sio_session.h"
#include "shared/clock.h"
#include "shared/log.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One more is counted before it is refused, in the 24 bits of struct eio_conn. */
#define FRAGMENTS_MAX ((UINT32_C(1) << 24) - 2)

struct sio_server {
    struct eio_engine engine;
    struct sio_sessions sessions;
    struct sio_raw *raws;
    struct eio_listener *listener;
    struct eio_turn *turn;
    const struct sio_server_handler *handler;
    void *app;
};

void sio_config_defaults(struct sio_config *config)
{
    *config = (struct sio_config){
        .host = "127.0.0.1",
        .port = 3000,
        .path = "/socket.io/",
        .ping_interval_ms = 25000,
        .ping_timeout_ms = 20000,
        .connect_timeout_ms = 45000,
        .max_payload = 1000000,
        .queue_max_bytes = 1048576,
        .max_fragments = 1024,
        .max_namespaces = 8,
        .upgrade_timeout_ms = 10000,
        .ack_timeout_ms = 10000,
        .polling = true,
        .websocket = true,
        .allow_upgrades = true,
        .io_uring = true,
        .cors_methods = "GET,HEAD,PUT,PATCH,POST,DELETE",
    };
}

void sio_log(const char *program, enum sio_log_level level)
{
    static const enum log_level levels[] = {
        [SIO_LOG_ERROR] = LOG_LEVEL_ERROR,
        [SIO_LOG_WARN] = LOG_LEVEL_WARN,
        [SIO_LOG_INFO] = LOG_LEVEL_INFO,
        [SIO_LOG_DEBUG] = LOG_LEVEL_DEBUG,
    };
    log_init(program, levels[level]);
}

const char *sio_reason_name(enum sio_reason reason)
{
    static const char *const names[SIO_REASONS] = {
        [SIO_TRANSPORT_CLOSE] = "transport close",
        [SIO_TRANSPORT_ERROR] = "transport error",
        [SIO_PING_TIMEOUT] = "ping timeout",
        [SIO_PARSE_ERROR] = "parse error",
        [SIO_CLIENT_DISCONNECT] = "client namespace disconnect",
        [SIO_SERVER_DISCONNECT] = "server namespace disconnect",
        [SIO_SERVER_CLOSE] = "forced server close",
        [SIO_SERVER_SHUTDOWN] = "server shutting down",
        [SIO_TOO_LARGE] = "message too large",
        [SIO_SLOW] = "slow client",
        [SIO_CONNECT_TIMEOUT] = "connect timeout",
    };
    return names[reason];
}

const char *sio_refusal_name(enum sio_refusal refusal)
{
    static const char *const names[SIO_REFUSALS] = {
        [SIO_REFUSED_TRANSPORT] = "unknown transport",
        [SIO_REFUSED_SID] = "unknown sid",
        [SIO_REFUSED_METHOD] = "bad method",
        [SIO_REFUSED_REQUEST] = "bad request",
        [SIO_REFUSED_FORBIDDEN] = "forbidden",
        [SIO_REFUSED_VERSION] = "unsupported version",
        [SIO_REFUSED_HANDSHAKE] = "bad websocket handshake",
        [SIO_REFUSED_CLOSING] = "server is closing",
        [SIO_REFUSED_HTTP] = "bad http",
    };
    return names[refusal];
}

static void on_released(void *ctx, void *data)
{
    const struct sio_server *server = ctx;
    if (server->handler->closed) {
        server->handler->closed(server->app, data);
    }
}

/* The first number that is none that it may be, or NULL; a line that is valid until the next call.
 */
static const char *number_fault(const struct sio_config *config)
{
    static char line[80];
    const struct {
        const char *name;
        uint32_t value, min, max;
    } numbers[] = {
        {"port",               config->port,               1, UINT16_MAX        },
        {"ping_interval_ms",   config->ping_interval_ms,   1, UINT32_MAX        },
        {"ping_timeout_ms",    config->ping_timeout_ms,    1, UINT32_MAX        },
        {"connect_timeout_ms", config->connect_timeout_ms, 1, UINT32_MAX        },
        {"upgrade_timeout_ms", config->upgrade_timeout_ms, 1, UINT32_MAX        },
        {"ack_timeout_ms",     config->ack_timeout_ms,     1, UINT32_MAX        },
        {"max_payload",        config->max_payload,        1, UINT32_MAX        },
        {"queue_max_bytes",    config->queue_max_bytes,    1, UINT32_MAX        },
        {"max_fragments",      config->max_fragments,      1, FRAGMENTS_MAX     },
        {"max_namespaces",     config->max_namespaces,     1, SIO_NAMESPACES_MAX},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].value < numbers[i].min || numbers[i].value > numbers[i].max) {
            (void)snprintf(line, sizeof line, "%s=%" PRIu32 " must be %" PRIu32 " to %" PRIu32,
                           numbers[i].name, numbers[i].value, numbers[i].min, numbers[i].max);
            return line;
        }
    }
    return NULL;
}

/* What cannot be in a configuration, or NULL. */
static const char *config_fault(const struct sio_config *config)
{
    struct slice path = slice_text(config->path);
    if (!slice_starts(path, SLICE("/")) ||
        !slice_equal(slice_tail(path, path.len - 1), SLICE("/"))) {
        return "path must begin and end with '/'";
    }
    if (config->node && !eio_node_is_name(slice_text(config->node))) {
        return "node must be 1 to 48 of [A-Za-z0-9._-]";
    }
    if (config->credentials && slice_equal(slice_text(config->origins), SLICE("*"))) {
        return "origins \"*\" with credentials would let every page act for its visitor";
    }
    return number_fault(config);
}

struct sio_server *sio_server_new(struct ev_loop *loop, const struct sio_config *config,
                                  const struct sio_server_handler *handler, void *app)
{
    const char *fault = config_fault(config);
    if (fault) {
        log_error("cannot start: %s", fault);
        return NULL;
    }
    struct sio_server *server = calloc(1, sizeof *server);
    if (!server) {
        return NULL;
    }
    server->handler = handler;
    server->app = app;
    eio_engine_init(&server->engine, config);
    server->engine.sends = eio_sends_new(config->io_uring);
    server->engine.released = on_released;
    server->engine.released_ctx = server;
    sio_sessions_init(&server->sessions, &server->engine);
    server->turn = eio_turn_new(loop, &server->engine);
    server->listener = eio_listener_new(loop, &server->engine, handler, app);
    if (!server->engine.sends || !server->turn || !server->listener) {
        sio_server_free(server);
        return NULL;
    }
    return server;
}

bool sio_server_http_port(struct sio_server *server, const char *host, uint16_t port)
{
    return eio_listener_http_port(server->listener, host, port);
}

void sio_server_file(struct sio_server *server, const char *name, const char *type,
                     struct slice body)
{
    assert(name[0] != '/');
    eio_files_add(&server->engine.files,
                  &(struct eio_file){.name = name, .type = type, .headers = "", .body = body});
}

void sio_server_page(struct sio_server *server, const char *path, const char *type,
                     const char *headers, struct slice body)
{
    assert(path[0] == '/');
    eio_files_add(&server->engine.files,
                  &(struct eio_file){.name = path, .type = type, .headers = headers, .body = body});
}

void sio_server_raw(struct sio_server *server, const char *path,
                    const struct sio_raw_handler *handler, void *app)
{
    struct sio_raw *raw = sio_raw_new(&server->engine, path, handler, app);
    raw->next = server->raws;
    server->raws = raw;
}

struct sio_namespace *sio_namespace_open(struct sio_server *server, const char *name,
                                         const struct sio_namespace_handler *handler, void *app)
{
    return sio_sessions_open(&server->sessions, name, handler, app);
}

void sio_server_refuse_new(struct sio_server *server)
{
    server->engine.draining = true;
}

size_t sio_server_carried(const struct sio_server *server)
{
    return eio_listener_tunnels(server->listener)->count;
}

void sio_server_close_carried(struct sio_server *server, size_t count)
{
    eio_tunnels_close(eio_listener_tunnels(server->listener), count);
}

void sio_server_close_all(struct sio_server *server)
{
    eio_engine_close_all(&server->engine, clock_mono_us());
}

void sio_server_free(struct sio_server *server)
{
    if (!server) {
        return;
    }
    eio_engine_close_all(&server->engine, clock_mono_us());
    eio_listener_free(server->listener);
    eio_engine_kill_all(&server->engine, clock_mono_us());
    eio_turn_free(server->turn);
    sio_sessions_deinit(&server->sessions);
    sio_raws_free(server->raws);
    eio_sends_free(server->engine.sends);
    eio_engine_deinit(&server->engine);
    free(server);
}

const struct sio_stats *sio_server_stats(const struct sio_server *server)
{
    return &server->engine.stats;
}

void sio_lookup_answer(struct sio_lookup *lookup, const char *host, uint16_t port)
{
    lookup->done(lookup, host, port);
}
