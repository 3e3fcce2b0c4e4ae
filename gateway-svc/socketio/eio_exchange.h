/* eio_exchange.h - one HTTP request that waits for its answer
 *
 * Whatever brought it here: a TCP connection (http_conn_ev.h), or a test.  Whoever takes it answers
 * it, drops it or takes its socket over exactly once; it is gone when that call returns. */
#ifndef PARLEY_EIO_EXCHANGE_H
#define PARLEY_EIO_EXCHANGE_H

#include "gateway-svc/socketio/eio_http.h"

struct eio_exchange;

struct eio_exchange_ops {
    /* Sends the whole answer; everything in it is borrowed for the length of the call.  The
     * exchange adds the header lines that belong to its request. */
    void (*answer)(struct eio_exchange *x, const struct eio_answer *answer);
    /* Sends an answer that is whole already, head and body. */
    void (*answer_raw)(struct eio_exchange *x, const struct buf *bytes, bool close);
    /* Hangs up without an answer. */
    void (*drop)(struct eio_exchange *x);
    /* The body of the request is wanted, up to `max` bytes: it is collected for taker->body, which
     * does not come before this returns.  False: it was answered instead (411, 413).  An exchange
     * that is answered before its body has come whole closes its connection. */
    bool (*expect_body)(struct eio_exchange *x, size_t max);
    /* The socket of a request that becomes a WebSocket, now the caller's to close.  What has come
     * behind the request already moves to `early`, whose memory is the caller's then.  The exchange
     * is gone, as if it had been dropped. */
    int (*take_socket)(struct eio_exchange *x, struct buf *early);
};

/* Who has taken it; NULL: nobody. */
struct eio_taker {
    /* The whole body has come. */
    void (*body)(struct eio_exchange *x, struct slice body, uint64_t now_us);
    /* The client hung up; the exchange is gone after this call. */
    void (*gone)(struct eio_exchange *x);
};

struct eio_exchange {
    const struct eio_exchange_ops *ops;
    const struct eio_taker *taker;
    void *ctx;        /* the taker's */
    struct buf lines; /* further header lines for its answer, each with its end */
};

/* Answers with that refusal's status and body, and closes; `text` instead of the code's own. */
void eio_exchange_refuse(struct eio_exchange *x, enum eio_refusal refusal);
void eio_exchange_refuse_text(struct eio_exchange *x, enum eio_refusal refusal, const char *text);

#endif
