/* eio_listener_lws.c - the ports */
#include "gateway-svc/socketio/eio_listener_lws.h"
#include "gateway-svc/socketio/eio_http.h"
#include "gateway-svc/socketio/eio_request_lws.h"
#include "gateway-svc/socketio/eio_ws_lws.h"
#include "shared/clock.h"
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RX_BYTES 256        /* per read and connection, and resident as long as it lives */
#define TX_BYTES 65536      /* what one lws_write may hand to the kernel */
#define HEADER_TIMEOUT_S 10 /* to send a request */
#define KEEPALIVE_S 60      /* idle HTTP connections */
#define LOG_LINES_PER_S 10

/* The address of a port, which libwebsockets goes on pointing to. */
struct address {
    char numeric[NI_MAXHOST];
};

struct eio_listener {
    struct eio_engine *engine;
    const struct sio_server_handler *handler;
    void *app;
    struct lws_context *context;
    struct lws_vhost *http_only; /* the second port */
    struct sio_request request;
    char subprotocol[EIO_SUBPROTOCOL_MAX + 1];
    struct address addresses[2];
    struct lws_protocols protocols[3];
};

static struct eio_listener *listener_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* ---- Answers --------------------------------------------------------------------------------- */

static int send_answer(struct lws *wsi, const struct eio_answer *answer)
{
    struct buf out;
    buf_init(&out, EIO_ANSWER_MAX);
    bool sent = eio_answer_print(answer, &out) &&
                lws_write(wsi, (unsigned char *)out.ptr, out.len, LWS_WRITE_HTTP) == (int)out.len;
    buf_deinit(&out);
    if (!sent || answer->close) {
        return -1;
    }
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int send_text(struct lws *wsi, unsigned status, const char *text, const char *header)
{
    return send_answer(wsi, &(struct eio_answer){.status = status,
                                                 .type = "text/plain; charset=utf-8",
                                                 .body = slice_text(text),
                                                 .header = header,
                                                 .close = status != 200});
}

static int send_refusal(struct lws *wsi, enum eio_refusal refusal, const char *text)
{
    struct buf body;
    buf_init(&body, EIO_ANSWER_MAX / 2);
    eio_refusal_print(refusal, text, &body);
    int result = send_answer(wsi, &(struct eio_answer){.status = eio_refusal_status(refusal),
                                                       .type = "application/json",
                                                       .body = buf_slice(&body),
                                                       .close = true});
    buf_deinit(&body);
    return result;
}

/* ---- Plain requests -------------------------------------------------------------------------- */

static int answer_engine_request(struct lws *wsi, struct sio_request *req)
{
    struct eio_query query;
    eio_query_parse(sio_request_query(req), &query);
    enum eio_refusal refusal = eio_request_check(
        &(struct eio_request){.query = &query, .get = eio_request_is_get(req), .upgrade = false});
    return send_refusal(wsi, refusal, NULL);
}

static int on_http(struct eio_listener *l, struct lws *wsi)
{
    struct sio_request *req = eio_request_begin(&l->request, wsi);
    struct slice path = eio_request_path(req);
    const char *text = "not found\n";
    bool internal = lws_get_vhost(wsi) == l->http_only;
    if (!internal && eio_engine_find(l->engine, path)) {
        return answer_engine_request(wsi, req);
    }
    if (!eio_request_is_get(req)) {
        return send_text(wsi, 405, "method not allowed\n", "Allow: GET");
    }
    unsigned status = internal && l->handler->http ? l->handler->http(l->app, path, &text) : 404;
    return send_text(wsi, status, text, NULL);
}

/* ---- The WebSocket handshake ----------------------------------------------------------------- */

/* Asks the application, then makes the connection; answers when it does not come about. */
static int let_in(struct eio_listener *l, struct sio_request *req, struct eio_endpoint *endpoint,
                  const struct eio_query *query)
{
    void *data = NULL;
    const char *refusal = l->handler->allow ? l->handler->allow(l->app, req, &data) : NULL;
    if (refusal) {
        return send_refusal(req->wsi, EIO_FORBIDDEN, refusal);
    }
    struct eio_conn *conn = eio_conn_new(endpoint, &eio_ws_ops, data);
    if (!conn) {
        l->engine->released(l->engine->released_ctx, data);
        return -1;
    }
    conn->wire = req->wsi;
    if (!query->version_4) {
        eio_conn_transport_gone(conn, SIO_PARSE_ERROR);
        return send_refusal(req->wsi, EIO_UNSUPPORTED_VERSION, NULL);
    }
    eio_request_choose_subprotocol(req, l->subprotocol);
    lws_set_opaque_user_data(req->wsi, conn);
    return 0;
}

static int on_upgrade(struct eio_listener *l, struct lws *wsi, const char *protocol)
{
    struct sio_request *req = eio_request_begin(&l->request, wsi);
    struct eio_endpoint *endpoint = eio_engine_find(l->engine, eio_request_path(req));
    struct eio_query query;
    if (!slice_equal_nocase(slice_text(protocol), SLICE("websocket"))) {
        return send_text(wsi, 400, "this server upgrades to websocket alone\n", NULL);
    }
    if (!endpoint || lws_get_vhost(wsi) == l->http_only) {
        return send_text(wsi, 404, "not found\n", NULL);
    }
    if (!slice_equal(sio_request_header(req, "sec-websocket-version:"), SLICE("13"))) {
        return send_text(wsi, 426, "WebSocket version 13 is spoken here\n",
                         "Sec-WebSocket-Version: 13");
    }
    eio_query_parse(sio_request_query(req), &query);
    enum eio_refusal refusal = eio_request_check(
        &(struct eio_request){.query = &query, .get = eio_request_is_get(req), .upgrade = true});
    if (refusal != EIO_ACCEPTABLE) {
        return send_refusal(wsi, refusal, NULL);
    }
    if (l->engine->draining) {
        return send_text(wsi, 503, "going away\n", NULL);
    }
    return let_in(l, req, endpoint, &query);
}

/* Nonzero from this callback means that it has answered and the connection is to be closed. */
static int confirm_upgrade(struct lws *wsi, const char *protocol)
{
    return on_upgrade(listener_of(wsi), wsi, protocol) == 0 ? 0 : 1;
}

static int on_callback(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
                       size_t len)
{
    (void)user;
    switch ((int)why) {
    case LWS_CALLBACK_HTTP: return on_http(listener_of(wsi), wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return confirm_upgrade(wsi, in);
    /* What CONNECT becomes: a stream of bytes for which libwebsockets has no time limit. */
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX: return -1;
    default: return eio_ws_callback(wsi, why, in, len);
    }
}

/* ---- Listening ------------------------------------------------------------------------------- */

/* Whether the address can be had, said in words; libwebsockets would wait for one that is not
 * there, and say little about one that is taken. */
static bool probe(const char *host, uint16_t port, struct address *out)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    (void)snprintf(service, sizeof service, "%u", port);
    int err = getaddrinfo(host, service, &hints, &found);
    if (err != 0) {
        log_error("cannot listen host=%s port=%u: %s", host, port, gai_strerror(err));
        return false;
    }
    int one = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
              bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
    if (!ok) {
        log_error("cannot listen host=%s port=%u: %s", host, port, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    ok = ok && getnameinfo(found->ai_addr, found->ai_addrlen, out->numeric, sizeof out->numeric,
                           NULL, 0, NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    return ok;
}

static struct lws_vhost *listen_on(struct eio_listener *l, const char *host, uint16_t port,
                                   bool http_only)
{
    struct address *address = &l->addresses[http_only ? 1 : 0];
    if (!probe(host, port, address)) {
        return NULL;
    }
    struct lws_context_creation_info info = {0};
    info.port = port;
    info.iface = address->numeric;
    info.vhost_name = http_only ? "http" : "clients";
    info.protocols = l->protocols;
    info.alpn = "http/1.1";
    info.timeout_secs = HEADER_TIMEOUT_S;
    info.keepalive_timeout = KEEPALIVE_S;
    info.options = strchr(address->numeric, ':') ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6;
    struct lws_vhost *vhost = lws_create_vhost(l->context, &info);
    if (!vhost) {
        log_error("cannot listen host=%s port=%u", host, port);
    }
    return vhost;
}

/* Lines of libwebsockets; peers can provoke them. */
static void on_log(int level, const char *line)
{
    static struct log_limit limit;
    size_t len = strlen(line);
    (void)level;
    if (log_limit_ok(&limit, LOG_LINES_PER_S, clock_mono_ms())) {
        len -= len > 0 && line[len - 1] == '\n' ? 1 : 0;
        log_debug("libwebsockets line=\"%s\"", log_escape((struct slice){line, len}));
    }
}

static struct lws_context *new_context(struct eio_listener *l, struct ev_loop *loop)
{
    static const lws_retry_bo_t no_validity_timer; /* its list costs O(connections) */
    void *loops[] = {loop};
    struct lws_context_creation_info info = {0};
    info.options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = loops;
    info.retry_and_idle_policy = &no_validity_timer;
    info.max_http_header_data = EIO_HEADERS_MAX;
    info.user = l;
    lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
    return lws_create_context(&info);
}

struct eio_listener *eio_listener_new(struct ev_loop *loop, struct eio_engine *engine,
                                      const struct sio_server_handler *handler, void *app)
{
    struct eio_listener *l = calloc(1, sizeof *l);
    if (!l) {
        return NULL;
    }
    l->engine = engine;
    l->handler = handler;
    l->app = app;
    /* A client may name subprotocols, which mean nothing to us.  libwebsockets would refuse a name
     * that it does not know; so the second entry takes the name that the client asks for. */
    l->protocols[0] = (struct lws_protocols){
        .name = "engine.io", .callback = on_callback, .rx_buffer_size = RX_BYTES};
    l->protocols[0].tx_packet_size = TX_BYTES;
    l->protocols[1] = l->protocols[0];
    l->protocols[1].name = l->subprotocol;
    l->context = new_context(l, loop);
    if (!l->context) {
        log_error("cannot start libwebsockets; is its libev plugin installed?");
        goto fail;
    }
    if (!listen_on(l, engine->config.host, engine->config.port, false)) {
        goto fail;
    }
    return l;

fail:
    eio_listener_free(l);
    return NULL;
}

bool eio_listener_http_port(struct eio_listener *listener, const char *host, uint16_t port)
{
    listener->http_only = listen_on(listener, host, port, true);
    return listener->http_only != NULL;
}

void eio_listener_free(struct eio_listener *listener)
{
    if (!listener) {
        return;
    }
    if (listener->context) {
        lws_context_destroy(listener->context);
    }
    free(listener);
}
