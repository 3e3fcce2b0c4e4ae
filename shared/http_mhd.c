/* http_mhd.c - a small HTTP server on libev: libmicrohttpd's connections and answers
 *
 * The loop watches libmicrohttpd's epoll descriptor and runs it when something happens there, when
 * one of its timeouts is due, and before the loop sleeps when a waiting request was answered.
 *
 * One request per connection: whatever two parsers might disagree on, there is nothing behind the
 * request that could be taken for a second one. */
#include "shared/http_mhd.h"

#include "shared/clock.h"
#include "shared/http_incoming_ev.h"
#include "shared/http_response_mhd.h"
#include "shared/http_strict_mhd.h"
#include "shared/listener.h"
#include "shared/log.h"
#include "shared/must.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_LINES_PER_S 5
#define BACKLOG 511
#define LAST_RUNS 16 /* of libmicrohttpd, to write the last answers */

struct mhd_request {
    TAILQ_ENTRY(mhd_request) link;
    struct mhd_server *server;
    struct MHD_Connection *connection;
    char *uri;
    struct slice method; /* of libmicrohttpd, which keeps it as long as the request lives */
    size_t body_len;     /* as far as it has come */
    char peer[INET6_ADDRSTRLEN];
    bool refused;   /* before its headers were read */
    bool begun;     /* headers were looked at */
    bool handed;    /* to the handler */
    bool suspended; /* in server->waiting */
    unsigned status;
    struct MHD_Response *response; /* given, not queued yet */
};

struct mhd_server {
    struct ev_loop *loop;
    struct MHD_Daemon *daemon;
    mhd_handler_fn *handler;
    void *ctx;
    unsigned requests; /* alive */
    bool resumed;      /* a suspended request was answered; libmicrohttpd must run */
    ev_io io;
    ev_timer timer; /* libmicrohttpd's next timeout */
    ev_prepare prepare;
    struct http_incoming_list incoming;
    TAILQ_HEAD(, mhd_request) waiting;
    struct mhd_stats stats;
    struct log_limit refusals, latecomers; /* one for each line of the log */
};

const struct mhd_stats *mhd_server_stats(const struct mhd_server *server)
{
    return &server->stats;
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void run(struct mhd_server *server)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    server->resumed = false;
    MHD_run(server->daemon);
    ev_timer_stop(server->loop, &server->timer);
    if (MHD_get_timeout(server->daemon, &ms) == MHD_YES) {
        ev_timer_set(&server->timer, (double)ms / 1000.0, 0.0);
        ev_timer_start(server->loop, &server->timer);
    }
}

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    run(watcher->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    run(watcher->data);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    struct mhd_server *server = watcher->data;
    (void)loop;
    (void)events;
    if (server->resumed) {
        run(server);
    }
}

/* ---- Connections ----------------------------------------------------------------------------- */

/* libmicrohttpd's own timeout begins again with every byte; this one does not. */
static void on_late(void *ctx, int fd)
{
    struct mhd_server *server = ctx;
    server->stats.late++;
    if (log_limit_ok(&server->latecomers, LOG_LINES_PER_S, clock_mono_ms())) {
        log_info("connection closed by=server why=\"no request in time\" suppressed=%llu",
                 (unsigned long long)server->latecomers.suppressed);
    }
    (void)shutdown(fd, SHUT_RDWR); /* libmicrohttpd sees the end and closes */
}

static int socket_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct mhd_server *server = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        http_incoming_free(*socket_context);
        *socket_context = NULL;
    } else {
        /* (Without memory libmicrohttpd's own timeout alone protects.) */
        *socket_context = http_incoming_add(&server->incoming, socket_of(connection));
    }
}

static void request_is_complete(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info) {
        http_incoming_complete(info->socket_context);
    }
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void read_peer(struct mhd_request *req)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char host[NI_MAXHOST];
    if (!info || !info->client_addr) {
        return;
    }
    socklen_t size = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                              : sizeof(struct sockaddr_in);
    if (getnameinfo(info->client_addr, size, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0) {
        (void)snprintf(req->peer, sizeof req->peer, "%.*s", (int)sizeof req->peer - 1, host);
    }
}

static void note_refusal(const struct mhd_request *req, const struct http_refusal *why)
{
    struct mhd_server *server = req->server;
    server->stats.refused++;
    if (log_limit_ok(&server->refusals, LOG_LINES_PER_S, clock_mono_ms())) {
        log_info("request refused status=\"%s\" code=%s peer=%s suppressed=%llu", why->status,
                 why->code, req->peer, (unsigned long long)server->refusals.suppressed);
    }
}

/* libmicrohttpd keeps every argument in the little memory that a connection has, and neither
 * answers nor closes when that is used up. */
static void refuse_many_arguments(struct mhd_request *req)
{
    if (req->uri && http_has_many_arguments(slice_text(req->uri))) {
        int fd = socket_of(req->connection);
        req->refused = true;
        note_refusal(req, &http_refusal_many_arguments);
        http_refuse_mhd(fd, &http_refusal_many_arguments, false);
        (void)shutdown(fd, SHUT_RDWR);
    }
}

/* The first that is heard of a request; what it returns comes back as *con_cls. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct mhd_server *server = cls;
    struct mhd_request *req = calloc(1, sizeof *req);
    if (!req) {
        return NULL;
    }
    req->server = server;
    req->connection = connection;
    req->uri = strdup(uri);
    read_peer(req);
    server->requests++;
    refuse_many_arguments(req);
    return req;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    struct mhd_request *req = *con_cls;
    (void)cls;
    (void)connection;
    (void)code;
    if (!req) {
        return;
    }
    *con_cls = NULL;
    if (req->suspended) {
        TAILQ_REMOVE(&req->server->waiting, req, link);
    }
    if (req->response) {
        MHD_destroy_response(req->response);
    }
    req->server->requests--;
    free(req->uri);
    free(req);
}

static enum MHD_Result refuse(struct mhd_request *req, const struct http_refusal *why)
{
    note_refusal(req, why);
    http_refuse_mhd(socket_of(req->connection), why, slice_equal(req->method, SLICE("HEAD")));
    return MHD_NO;
}

static enum MHD_Result receive(struct mhd_request *req, size_t *size)
{
    if (*size > HTTP_BODY_MAX - req->body_len) {
        return refuse(req, &http_refusal_too_large);
    }
    req->body_len += *size;
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result hand_over(struct mhd_request *req)
{
    if (!req->handed) {
        req->handed = true;
        request_is_complete(req->connection);
        req->server->handler(req->server->ctx, req);
        if (!req->response) {
            req->suspended = true;
            TAILQ_INSERT_TAIL(&req->server->waiting, req, link);
            MHD_suspend_connection(req->connection);
            return MHD_YES;
        }
    }
    if (!req->response) {
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_queue_response(req->connection, req->status, req->response);
    MHD_destroy_response(req->response);
    req->response = NULL;
    return queued;
}

/* Called once with the headers, then for each piece of the body, then once at the end; and once
 * more after a suspended request was answered. */
/* NOLINTNEXTLINE(readability-function-size): the shape is libmicrohttpd's */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **con_cls)
{
    struct mhd_request *req = *con_cls;
    (void)cls;
    (void)url; /* decoded; the routes want it as it was sent */
    (void)data;
    if (!req || !req->uri || req->refused) {
        return MHD_NO; /* no memory, or answered already */
    }
    if (!req->begun) {
        req->begun = true;
        req->method = slice_text(method);
        struct http_line line = {
            .method = req->method, .uri = slice_text(req->uri), .version = slice_text(version)};
        const struct http_refusal *why = http_check_mhd(connection, &line);
        return why ? refuse(req, why) : MHD_YES;
    }
    return *size > 0 ? receive(req, size) : hand_over(req);
}

struct slice mhd_request_method(const struct mhd_request *req)
{
    return req->method;
}

struct slice mhd_request_path(const struct mhd_request *req)
{
    struct slice rest = slice_text(req->uri);
    return slice_cut(&rest, '?');
}

struct slice mhd_request_header(const struct mhd_request *req, const char *name)
{
    const char *value = NULL;
    size_t size = 0;
    if (MHD_lookup_connection_value_n(req->connection, MHD_HEADER_KIND, name, strlen(name), &value,
                                      &size) != MHD_YES ||
        !value) {
        return SLICE("");
    }
    return (struct slice){value, size};
}

struct slice mhd_request_peer(const struct mhd_request *req)
{
    return slice_text(req->peer);
}

/* ---- Answers --------------------------------------------------------------------------------- */

void mhd_request_answer(struct mhd_request *req, const struct http_response *res)
{
    assert(!req->response);
    req->response = http_response_mhd(res);
    req->status = res->status;
    if (req->suspended) {
        req->suspended = false;
        TAILQ_REMOVE(&req->server->waiting, req, link);
        req->server->resumed = true;
        MHD_resume_connection(req->connection);
    }
}

/* ---- The server ------------------------------------------------------------------------------ */

/* libmicrohttpd's own timeout is the later one: where both are due it would close, and nobody would
 * count it or say so. */
static struct MHD_Daemon *start_daemon(struct mhd_server *server, int fd,
                                       const struct mhd_server_config *config)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, config->max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, 2 * config->timeout_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
}

static void watch(struct mhd_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    ev_init(&server->io, on_io);
    ev_init(&server->timer, on_timer);
    ev_init(&server->prepare, on_prepare);
    ev_io_set(&server->io, info->epoll_fd, EV_READ);
    server->io.data = server->timer.data = server->prepare.data = server;
    ev_io_start(server->loop, &server->io);
    ev_prepare_start(server->loop, &server->prepare);
}

static const char *fault = "";

const char *mhd_server_fault(void)
{
    return fault;
}

struct mhd_server *mhd_server_new(struct ev_loop *loop, const struct mhd_server_config *config,
                                  mhd_handler_fn *handler, void *ctx)
{
    int fd = listener_open(
        &(const struct listener_config){config->host, config->port, BACKLOG, NULL}, &fault);
    if (fd < 0) {
        return NULL;
    }
    struct mhd_server *server = must(calloc(1, sizeof *server));
    signal(SIGPIPE, SIG_IGN); /* a client that hangs up must not end the program */
    server->loop = loop;
    server->handler = handler;
    server->ctx = ctx;
    http_incoming_init(&server->incoming, loop, (uint64_t)config->timeout_s * 1000, on_late,
                       server);
    TAILQ_INIT(&server->waiting);
    server->daemon = start_daemon(server, fd, config);
    if (!server->daemon) {
        close(fd);
        free(server);
        fault = "no memory";
        errno = ENOMEM;
        return NULL;
    }
    watch(server);
    return server;
}

void mhd_server_stop_listening(struct mhd_server *server)
{
    MHD_socket fd = MHD_quiesce_daemon(server->daemon);
    if (fd != MHD_INVALID_SOCKET) {
        close(fd);
    }
}

unsigned mhd_server_requests(const struct mhd_server *server)
{
    return server->requests;
}

static void answer_unavailable(struct mhd_request *req)
{
    struct http_response res;
    http_response_init(&res, 503);
    buf_append(&res.body, SLICE("{\"error\":{\"code\":\"unavailable\","
                                "\"message\":\"the server is shutting down\"}}"));
    mhd_request_answer(req, &res);
    http_response_deinit(&res);
}

void mhd_server_free(struct mhd_server *server)
{
    if (!server) {
        return;
    }
    while (!TAILQ_EMPTY(&server->waiting)) {
        answer_unavailable(TAILQ_FIRST(&server->waiting));
    }
    for (int i = 0; i < LAST_RUNS && server->requests > 0; i++) {
        MHD_run(server->daemon);
    }
    ev_io_stop(server->loop, &server->io);
    ev_timer_stop(server->loop, &server->timer);
    http_incoming_deinit(&server->incoming);
    ev_prepare_stop(server->loop, &server->prepare);
    MHD_stop_daemon(server->daemon); /* closes the listening socket, too */
    free(server);
}
