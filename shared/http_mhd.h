/* http_mhd.h - a small HTTP server on the service's own loop (libmicrohttpd on libev)
 *
 * One thread: libmicrohttpd's epoll descriptor is watched by the loop.  A request is handed over
 * when it is complete and may be answered later; until then its connection is suspended.  What
 * libmicrohttpd lets through is refused here: two Content-Length or Host headers, both lengths
 * given, %00 and NUL in the path, bare LF in headers (request smuggling), and more than 100
 * arguments in a query (it would run out of memory); such connections are closed.  Every answer
 * closes its connection, so that nothing behind a request is ever read as a second one. */
#ifndef PARLEY_HTTP_MHD_H
#define PARLEY_HTTP_MHD_H

#include "shared/buf.h"

struct ev_loop;
struct mhd_server;

#define HTTP_BODY_MAX 4096 /* of a request: it is read and forgotten; a longer one is refused */

/* A request; everything is borrowed until it is answered. */
struct mhd_request;
struct slice mhd_request_method(const struct mhd_request *req);
struct slice mhd_request_path(const struct mhd_request *req); /* raw: not percent-decoded */
/* Empty when absent.  Repeated headers: the first one. */
struct slice mhd_request_header(const struct mhd_request *req, const char *name);
/* The peer of the TCP connection, as text. */
struct slice mhd_request_peer(const struct mhd_request *req);

struct http_response {
    unsigned status;
    const char *content_type; /* borrowed literal */
    struct buf body;          /* owned by the response */
    struct buf headers;       /* further headers, each "Name: value\n" */
};
void http_response_init(struct http_response *res, unsigned status);
void http_response_deinit(struct http_response *res);
/* Name and value must hold no CR, LF or NUL: such a header is left out and logged. */
void http_response_header(struct http_response *res, const char *name, struct slice value);

/* Answers, exactly once; `req` is gone afterwards.  Always adds Cache-Control: no-store,
 * X-Content-Type-Options: nosniff and Referrer-Policy: no-referrer. */
void mhd_request_answer(struct mhd_request *req, const struct http_response *res);

/* Called for each complete request.  May answer at once or keep `req` and answer later; a client
 * that hangs up meanwhile changes nothing (the answer goes nowhere). */
typedef void mhd_handler_fn(void *ctx, struct mhd_request *req);

struct mhd_server_config {
    const char *host; /* address to bind */
    uint16_t port;
    unsigned timeout_s; /* an idle or dripping connection is closed after so long */
    unsigned max_connections;
};
/* NULL when it cannot listen; then errno says why, and mhd_server_fault() in words,
 * which know more of a host name. */
struct mhd_server *mhd_server_new(struct ev_loop *loop, const struct mhd_server_config *config,
                                  mhd_handler_fn *handler, void *ctx);
const char *mhd_server_fault(void);
/* What never got as far as the handler, ever. */
struct mhd_stats {
    uint64_t refused; /* requests that are no HTTP that we read */
    uint64_t late;    /* connections on which no request came whole in time */
};
const struct mhd_stats *mhd_server_stats(const struct mhd_server *server);
/* Nobody new can connect; who is connected is served on.  Once. */
void mhd_server_stop_listening(struct mhd_server *server);
/* Requests that have begun and are not answered whole. */
unsigned mhd_server_requests(const struct mhd_server *server);
/* Unanswered requests are answered 503. */
void mhd_server_free(struct mhd_server *server);

#endif
