/* eio_router.c - what an HTTP request wants, and its answer */
#include "gateway-svc/socketio/eio_router.h"
#include "gateway-svc/socketio/eio_cors.h"
#include "gateway-svc/socketio/eio_poll.h"
#include "gateway-svc/socketio/eio_request.h"
#include "shared/clock.h"
#include <stdio.h>
#include <unistd.h>

#define LOG_LINES_PER_S 10
#define HEAD_MAX ((size_t)2 * HTTP_HEAD_MAX) /* of a request that is carried */

/* A request for an endpoint, taken apart. */
struct visit {
    struct eio_router *router;
    struct sio_request req;
    const struct http_request *http;
    struct eio_exchange *x;
    struct eio_endpoint *endpoint;
    struct eio_query query;
    struct eio_conn *conn;          /* that its sid names, or NULL */
    struct eio_handshake handshake; /* when it wants to become a WebSocket */
    bool welcome;                   /* its origin may use us */
    uint64_t now_us;
};

/* ---- Answers --------------------------------------------------------------------------------- */

static void send_text(struct eio_exchange *x, unsigned status, const char *text, const char *header)
{
    x->ops->answer(x, &(struct eio_answer){.status = status,
                                           .type = "text/plain; charset=utf-8",
                                           .body = slice_text(text),
                                           .header = header,
                                           .close = status >= 400});
}

/* Every refusal is counted, and some are logged. */
static void note_refusal(struct visit *v, enum sio_refusal refusal)
{
    struct log_limit *limit = &v->router->refusals;
    v->router->engine->stats.refused[refusal]++;
    if (log_limit_ok(limit, LOG_LINES_PER_S, clock_mono_ms())) {
        log_info("request refused why=\"%s\" address=\"%s\" suppressed=%llu",
                 sio_refusal_name(refusal), log_escape(eio_request_address(&v->req)),
                 (unsigned long long)limit->suppressed);
    }
}

static void refuse(struct visit *v, enum eio_refusal refusal)
{
    _Static_assert((int)SIO_REFUSED_VERSION == (int)EIO_UNSUPPORTED_VERSION, "the same codes");
    note_refusal(v, (enum sio_refusal)refusal);
    eio_exchange_refuse(v->x, refusal);
}

static void refuse_closing(struct visit *v)
{
    note_refusal(v, SIO_REFUSED_CLOSING);
    send_text(v->x, 503, "going away\n", NULL);
}

/* ---- Taking a request apart ------------------------------------------------------------------ */

static struct slice field(const struct visit *v, struct slice name)
{
    return http_request_field(v->http, name);
}

/* May the page that sent this use us?  The answer gets the header lines that tell its browser. */
static bool is_welcome(const struct sio_config *config, struct sio_request *req,
                       struct eio_exchange *x)
{
    const struct http_request *http = req->http;
    struct eio_cors_request cors = {
        .scheme = sio_request_scheme(req),
        .host = http_request_field(http, SLICE("host")),
        .origin = http_request_field(http, SLICE("origin")),
        .wanted_headers = http_request_field(http, SLICE("access-control-request-headers")),
    };
    eio_cors_append(&x->lines, config, &cors, http->method == HTTP_OPTIONS);
    return eio_cors_allows(config, &cors);
}

static void visit_begin(struct visit *v)
{
    struct eio_engine *engine = v->router->engine;
    v->now_us = clock_mono_us();
    eio_query_parse(v->http->query, &v->query);
    v->welcome = is_welcome(&engine->config, &v->req, v->x);
    /* What has run out by now has run out, though its timer may be late. */
    eio_engine_tick(engine, v->now_us);
    eio_engine_settle(engine, v->now_us);
    struct eio_conn *conn = eio_sids_find(&engine->sids, slice_text(v->query.sid));
    v->conn = conn && conn->endpoint == v->endpoint ? conn : NULL;
}

static enum eio_refusal check(const struct visit *v)
{
    const struct sio_config *config = &v->router->engine->config;
    enum eio_refusal refusal =
        eio_request_check(&(struct eio_request){.query = &v->query,
                                                .method = v->http->method,
                                                .upgrade = v->http->upgrade,
                                                .polling = config->polling,
                                                .websocket = config->websocket,
                                                .known = v->conn != NULL,
                                                .polls = v->conn && eio_poll_is_polling(v->conn)});
    /* Right behind the transport, like the official server's check of the header. */
    return refusal != EIO_UNKNOWN_TRANSPORT && !v->welcome ? EIO_FORBIDDEN : refusal;
}

static void release(const struct visit *v, void *data)
{
    v->router->engine->released(v->router->engine->released_ctx, data);
}

/* Asks the application whether a new connection may come in; false: it was refused. */
static bool is_let_in(struct visit *v, void **data)
{
    const struct eio_router *r = v->router;
    const char *text = r->handler->allow ? r->handler->allow(r->app, &v->req, data) : NULL;
    if (text) {
        note_refusal(v, SIO_REFUSED_FORBIDDEN);
        eio_exchange_refuse_text(v->x, EIO_FORBIDDEN, text);
        return false;
    }
    if (!v->query.version_4) {
        release(v, *data);
        refuse(v, EIO_UNSUPPORTED_VERSION);
        return false;
    }
    return true;
}

/* ---- Connections of other servers ------------------------------------------------------------ */

/* Is the connection that the request names another server's?  What was carried once is not carried
 * on. */
static bool is_elsewhere(const struct visit *v)
{
    const struct eio_router *r = v->router;
    struct slice node = eio_sid_node(slice_text(v->query.sid));
    return r->handler->find && node.len > 0 &&
           !slice_equal(node, slice_text(r->engine->config.node)) &&
           field(v, SLICE(EIO_CARRIED_HEADER)).len == 0;
}

/* The request once more, for the other server, with the headers that it looks at; without the empty
 * line at its end. */
static void print_request(const struct visit *v, struct buf *head)
{
    static const char *const names[] = {
        "Host",   "Origin",      "X-Forwarded-Proto", "X-Forwarded-For", "X-Forwarded-Host",
        "Cookie", "Content-Type"};
    buf_printf(head, "%s %s?", v->http->method == HTTP_POST ? "POST" : "GET", v->endpoint->path);
    buf_append(head, v->http->query);
    buf_append(head, SLICE(" HTTP/1.1\r\n" EIO_CARRIED_HEADER ": 1\r\n"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct slice value = field(v, slice_text(names[i]));
        if (value.len > 0) {
            buf_printf(head, "%s: ", names[i]);
            buf_append(head, value);
            buf_append(head, SLICE("\r\n"));
        }
    }
    if (!v->http->keep_alive && !v->http->upgrade) {
        buf_append(head, SLICE("Connection: close\r\n"));
    }
    if (v->http->upgrade) {
        buf_append(head, SLICE("Connection: Upgrade\r\nUpgrade: websocket\r\n"
                               "Sec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"));
    }
}

static void carry(struct visit *v)
{
    const struct eio_router *r = v->router;
    struct slice node = eio_sid_node(slice_text(v->query.sid));
    struct buf head;
    buf_init(&head, HEAD_MAX);
    print_request(v, &head);
    r->engine->stats.carried[v->http->upgrade ? 2 : v->http->method == HTTP_POST ? 1 : 0]++;
    if (head.failed) {
        v->x->ops->drop(v->x); /* half a head would mean something else */
    } else if (v->http->upgrade) {
        eio_carry_websocket(&r->carrier, node, v->x, buf_slice(&head), &v->handshake);
    } else if (v->http->method == HTTP_GET) {
        eio_carry_get(&r->carrier, node, v->x, buf_slice(&head));
    } else if (v->x->ops->expect_body(v->x, r->engine->config.max_payload)) {
        eio_carry_post(&r->carrier, node, v->x, buf_slice(&head));
    }
    buf_deinit(&head);
}

/* ---- Polling --------------------------------------------------------------------------------- */

/* A load balancer that wants to can learn whose sids are served where. */
static void name_node(struct visit *v)
{
    const char *node = v->router->engine->config.node;
    if (node) {
        buf_printf(&v->x->lines, EIO_NODE_HEADER ": %s\r\n", node);
    }
}

static void open_polling(struct visit *v)
{
    void *data = NULL;
    if (!is_let_in(v, &data)) {
        return;
    }
    name_node(v);
    if (!eio_poll_open(v->endpoint, data, v->x, v->now_us)) {
        release(v, data);
        v->x->ops->drop(v->x);
    }
}

static void post(struct visit *v)
{
    struct slice type = slice_head(field(v, SLICE("content-type")), 24);
    if (slice_equal_nocase(type, SLICE("application/octet-stream"))) {
        eio_conn_end(v->conn, SIO_PARSE_ERROR, 0, "binary body");
        refuse(v, EIO_BAD_REQUEST);
    } else if (v->x->ops->expect_body(v->x, v->router->engine->config.max_payload)) {
        eio_poll_post(v->conn, v->x);
    }
}

static void serve_polling(struct visit *v)
{
    enum http_method method = v->http->method;
    enum eio_refusal refusal = check(v);
    if (refusal == EIO_UNKNOWN_SID && method <= HTTP_POST && is_elsewhere(v)) {
        carry(v);
    } else if (refusal != EIO_ACCEPTABLE) {
        refuse(v, refusal);
    } else if (!v->conn && v->router->engine->draining) {
        refuse_closing(v);
    } else if (!v->conn) {
        open_polling(v);
    } else if (method == HTTP_GET) {
        eio_poll_get(v->conn, v->x);
    } else if (method == HTTP_POST) {
        post(v);
    } else {
        send_text(v->x, 405, "method not allowed\n", "Allow: GET, POST, OPTIONS");
    }
}

/* ---- WebSocket ------------------------------------------------------------------------------- */

/* False when it came to nothing: then there was no callback either. */
static bool accept_websocket(struct visit *v, const struct eio_ws_owner *owner,
                             struct eio_conn *conn)
{
    struct buf early;
    struct eio_ws_client client = {.handshake = &v->handshake};
    client.fd = v->x->ops->take_socket(v->x, &early);
    client.early = buf_slice(&early);
    bool accepted = eio_ws_accept(v->router->ws, &client, owner, conn);
    buf_deinit(&early);
    return accepted;
}

static void open_websocket(struct visit *v)
{
    void *data = NULL;
    if (!is_let_in(v, &data)) {
        return;
    }
    struct eio_conn *conn = eio_conn_new(v->endpoint, &eio_ws_ops, data);
    if (!conn) {
        release(v, data);
        v->x->ops->drop(v->x);
    } else if (!accept_websocket(v, &eio_ws_transport, conn)) {
        eio_conn_transport_gone(conn, SIO_TRANSPORT_CLOSE);
    }
}

/* A WebSocket that is to take over from polling. */
static void open_probe(struct visit *v)
{
    if (eio_poll_may_probe(v->conn)) {
        (void)accept_websocket(v, &eio_ws_probe, v->conn);
    } else {
        refuse(v, EIO_BAD_REQUEST);
    }
}

static void serve_upgrade(struct visit *v)
{
    unsigned status = 0;
    const char *wrong = eio_handshake_read(v->http, &v->handshake, &status);
    if (wrong) {
        note_refusal(v, SIO_REFUSED_HANDSHAKE);
        send_text(v->x, status, wrong, status == 426 ? "Sec-WebSocket-Version: 13" : NULL);
        return;
    }
    enum eio_refusal refusal = check(v);
    if (refusal == EIO_ACCEPTABLE && v->http->method != HTTP_GET) {
        refusal = EIO_BAD_METHOD;
    }
    bool elsewhere = refusal == EIO_UNKNOWN_SID && v->http->method == HTTP_GET && is_elsewhere(v);
    if (refusal != EIO_ACCEPTABLE && !elsewhere) {
        refuse(v, refusal);
    } else if (v->router->engine->draining) {
        refuse_closing(v);
    } else if (elsewhere) {
        carry(v);
    } else if (v->conn) {
        open_probe(v);
    } else {
        open_websocket(v);
    }
}

/* ---- Files and pages ------------------------------------------------------------------------- */

static void send_file(const struct http_request *http, struct eio_exchange *x,
                      const struct eio_file *file)
{
    char etag[sizeof file->etag + 8];
    if (http->method != HTTP_GET && http->method != HTTP_HEAD) {
        send_text(x, 405, "method not allowed\n", "Allow: GET, HEAD");
        return;
    }
    (void)snprintf(etag, sizeof etag, "ETag: %s", file->etag);
    buf_append(&x->lines, slice_text(file->headers));
    bool known = eio_file_is_known(file, http_request_field(http, SLICE("if-none-match")));
    x->ops->answer(
        x, &(struct eio_answer){.status = known ? 304 : 200,
                                .type = file->type,
                                .body = file->body,
                                .header = etag,
                                .cache = eio_file_is_page(file) ? "no-cache" : "public, max-age=0",
                                .no_body = known,
                                .lasts = true});
}

static void serve_endpoint(struct visit *v)
{
    visit_begin(v);
    if (v->http->upgrade) {
        serve_upgrade(v);
    } else if (v->http->method == HTTP_OPTIONS) {
        v->x->ops->answer(v->x, &(struct eio_answer){.status = 204, .type = "text/plain"});
    } else {
        serve_polling(v);
    }
}

void eio_router_serve(void *router, const struct http_request *http, int fd, struct eio_exchange *x)
{
    struct eio_router *r = router;
    const struct sio_config *config = &r->engine->config;
    struct sio_request req = {.http = http, .fd = fd, .trusted = config->trust_forwarded};
    struct eio_endpoint *endpoint = eio_engine_find(r->engine, http->path);
    if (endpoint) {
        struct visit v = {.router = r, .req = req, .http = http, .x = x, .endpoint = endpoint};
        serve_endpoint(&v);
        return;
    }
    const struct eio_file *file =
        eio_files_find(&r->engine->files, slice_text(config->path), http->path);
    if (file && !http->upgrade) {
        if (!eio_file_is_page(file)) { /* a page that may connect may load the client from us */
            (void)is_welcome(config, &req, x);
        }
        send_file(http, x, file);
    } else {
        send_text(x, 404, "not found\n", NULL);
    }
}

void eio_router_serve_internal(void *router, const struct http_request *http, int fd,
                               struct eio_exchange *x)
{
    const struct eio_router *r = router;
    struct sio_page page = {.type = "text/plain; charset=utf-8", .body = SLICE_INIT("not found\n")};
    (void)fd;
    if (http->method != HTTP_GET) {
        send_text(x, 405, "method not allowed\n", "Allow: GET");
        return;
    }
    bool asks = r->handler->http && !http->upgrade;
    unsigned status = asks ? r->handler->http(r->app, http->path, &page) : 404;
    x->ops->answer(
        x, &(struct eio_answer){
               .status = status, .type = page.type, .body = page.body, .close = status >= 400});
}
