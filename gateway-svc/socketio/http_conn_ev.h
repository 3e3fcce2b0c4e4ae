/* http_conn_ev.h - a TCP connection on which a client sends HTTP requests, one after the other
 *
 *     IDLE --a byte--> HEAD --whole--> WAIT --answered--> SEND --sent, keep-alive--> IDLE
 *                                      |  ^                |
 *                          expect_body v  | whole          +--sent, close--> DRAIN --> GONE
 *                                      BODY
 *
 * Requests that a client sends without waiting for answers are answered in their order.  In WAIT,
 * where a poll may be for long, it is noticed that the client hangs up, as long as it has not sent
 * more than HTTP_HEAD_MAX bytes behind it.  A connection that is to end drains what the client
 * still sends for a moment, or the last answer might be lost on its way (RFC 9112, 9.6). */
#ifndef PARLEY_HTTP_CONN_EV_H
#define PARLEY_HTTP_CONN_EV_H

#include "gateway-svc/socketio/eio_exchange.h"
#include "shared/log.h"

struct ev_loop;
struct http_conn;

/* What the connections of a port share. */
struct http_server {
    struct ev_loop *loop;
    /* A request has come: before this returns `x` is answered, dropped, or taken, or its body is
     * asked for.  `request` is borrowed until then; `fd` is the socket, to ask for its peer. */
    void (*serve)(void *ctx, const struct http_request *request, int fd, struct eio_exchange *x);
    void *ctx;
    uint64_t *refused; /* counts requests that are no HTTP, or come too slowly; NULL: nobody asks */
    struct log_limit refusals;
    struct http_conn *conns; /* all that there are */
};

#define HTTP_HEAD_S 10.0   /* for the head of a request to come whole */
#define HTTP_IDLE_S 60.0   /* between an answer and the next request */
#define HTTP_BODY_S 30.0   /* for a body to come whole, however it trickles */
#define HTTP_ANSWER_S 60.0 /* for the client to take an answer */
#define HTTP_DRAIN_S 2.0   /* for what a client still sends behind the last answer */

/* Takes over an accepted socket, which does not block; closes it when memory runs out. */
void http_conn_open(struct http_server *server, int fd);
/* Hangs up on everybody; the takers of exchanges learn that they are gone. */
void http_server_close(struct http_server *server);

#endif
