/* http_conn_state_ev.h - what the parts of an HTTP connection share; private to http_conn_ev.c and
 *                     http_body_ev.c */
#ifndef PARLEY_HTTP_CONN_STATE_EV_H
#define PARLEY_HTTP_CONN_STATE_EV_H

#include "gateway-svc/socketio/eio_chunked.h"
#include "gateway-svc/socketio/http_conn_ev.h"
#include <ev.h>
#include <stddef.h>

enum http_conn_state { IDLE = 0, HEAD, BODY, WAIT, SEND, DRAIN, GONE };

struct http_conn {
    struct eio_exchange x; /* of the request that is being served */
    struct http_server *server;
    struct http_conn *next, *previous;
    ev_io io;
    ev_timer timer;
    struct buf in;     /* has come and is not used up */
    struct buf out;    /* of an answer, what the kernel has not taken */
    struct slice rest; /* of an answer's body that lasts: goes behind `out` */
    struct buf body;   /* decoded, when it comes in chunks */
    struct eio_chunked chunks;
    uint64_t length;  /* of the body */
    size_t head_size; /* of the request that is just being served */
    size_t drained;
    uint8_t state;
    bool busy; /* we are at work on it: whoever ends it leaves it to us to free it */
    bool keep_alive;
    bool head_only; /* HEAD: its answer has no body */
    bool body_due;  /* the request has a body that has not come whole */
    bool has_length, chunked, expects_continue;
    bool close; /* behind the answer */
};

static inline struct http_conn *http_conn_of(struct eio_exchange *x)
{
    return (struct http_conn *)(void *)((char *)x - offsetof(struct http_conn, x));
}

/* The one function that changes the state, and with it the watchers and the time limit. */
void http_conn_enter(struct http_conn *c, enum http_conn_state state);
/* Whoever works on a connection answers with these: they never free it. */
void http_conn_reply(struct http_conn *c, const struct eio_answer *answer);
void http_conn_answer_text(struct http_conn *c, unsigned status, const char *text);
/* For each request that is refused as HTTP: counts it, and says so in the log. */
void http_conn_note_refusal(struct http_conn *c, unsigned status, const char *why);
/* The taker of the exchange, if there is one, learns that the client is gone. */
void http_conn_tell_gone(struct http_conn *c);

/* expect_body of struct eio_exchange_ops. */
bool http_body_expect(struct eio_exchange *x, size_t max);
/* Looks whether the body is whole, and hands it over.  False: more has to come. */
bool http_body_read(struct http_conn *c);

#endif
