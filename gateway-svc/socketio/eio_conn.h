/* eio_conn.h - one Engine.IO connection: heartbeat, queue, and the ways in which it ends
 *
 * Between a transport below, which moves bytes, and an endpoint above, which knows what messages
 * mean.  Neither is called from inside a call of the endpoint's: what the endpoint asks for is
 * queued, and done at the end of the turn of the loop.
 *
 *     OPEN --eio_conn_end--> ENDING --end of the turn--> CLOSING --transport gone--> freed
 *
 * From ENDING on nothing is received and nothing can be queued; CLOSING has told the endpoint, has
 * sent the peer its close behind everything queued before, and waits for the peer to follow.  A
 * polling peer that is not there to be told is waited for, if the end was the server's own wish.
 *
 * What a peer costs that does not read is bounded three times: above EIO_QUEUE_SOFT bytes (less
 * where queue_max_bytes is small) the transport reads nothing from it, so that it cannot ask for
 * more; above queue_max_bytes, or when a frame has waited for EIO_STALL_MS, it is closed. */
#ifndef PARLEY_EIO_CONN_H
#define PARLEY_EIO_CONN_H

#include "gateway-svc/socketio/eio_deadline.h"
#include "gateway-svc/socketio/eio_outbox.h"
#include "shared/buf.h"

struct eio_conn;
struct eio_engine;

/* How bytes move.  One table per kind of transport; `conn->wire` is its own. */
struct eio_transport_ops {
    /* Sends what can be sent without waiting, for 1 to EIO_SENDS_MAX connections of this transport,
     * each once.  Called at the end of the turn when something was queued, and early when a queue
     * is full. */
    void (*flush)(struct eio_conn *const *conns, size_t count);
    /* Tells the peer that it is over, behind what is queued; `code` 0 stands for none.  The
     * transport reports with eio_conn_transport_gone when the peer has followed. */
    void (*close)(struct eio_conn *conn, uint16_t code, uint64_t now_us);
    /* Hangs up; eio_conn_transport_gone follows, but not from inside. */
    void (*kill)(struct eio_conn *conn);
    /* The connection is about to be freed, and with it `wire`; NULL when that is the transport's
     * own business. */
    void (*release)(struct eio_conn *conn);
    /* For a wire that is not the connection's transport yet (eio_poll.h); NULL for one that cannot
     * take over.  Sends one frame now; closes it. */
    void (*probe_send)(void *wire, struct sio_frame *frame);
    void (*probe_drop)(void *wire);
};

#define EIO_QUEUE_SOFT ((size_t)65536)

/* A path that clients connect to, and what its messages mean. */
struct eio_endpoint {
    struct eio_endpoint *next;
    struct eio_engine *engine;
    const char *path; /* ends in '/' */
    bool must_join;   /* a connection that does not join anything in time is ended */
    void (*open)(struct eio_conn *conn);
    /* One message; only while the connection is open. */
    void (*text)(struct eio_conn *conn, struct slice data);
    void (*binary)(struct eio_conn *conn, struct slice data);
    /* At the end of a turn in which eio_conn_touch was called; may be NULL. */
    void (*turn)(struct eio_conn *conn);
    /* Exactly once for each `open`. */
    void (*ended)(struct eio_conn *conn, enum sio_reason reason);
    void *ctx; /* the endpoint's own */
};

enum eio_state { EIO_STATE_NEW = 0, EIO_STATE_OPEN, EIO_STATE_ENDING, EIO_STATE_CLOSING };

/* What each frame needs comes first, in as few cache lines as it fits. */
struct eio_conn {
    struct eio_endpoint *endpoint;
    const struct eio_transport_ops *transport;
    void *wire; /* the transport's */
    struct eio_outbox *outbox;
    uint32_t dirty; /* its place among the engine's dirty connections + 1, or 0 */
    uint16_t close_code;
    uint8_t state : 3;  /* enum eio_state */
    uint8_t reason : 5; /* enum sio_reason, from ENDING on */
    bool blocked : 1;   /* the transport's: the kernel takes no more at the moment */
    bool finished : 1;  /* the transport's, when CLOSING: nothing is left to carry */
    bool pong_due : 1;  /* a ping is unanswered */
    bool pong_late : 1; /* its time was extended once already */
    bool touched : 1;   /* the endpoint wants a turn ... */
    bool watched : 1;   /* ... or wants one when the queue has drained */
    bool joined : 1;    /* something; `limit` is free for what waits */
    bool deaf : 1; /* the transport's: nothing is read from it, because too much waits for it */
    uint32_t left; /* the endpoint's */
    uint32_t fragments : 24;       /* the transport's: frames so far of the message in `rx` */
    uint32_t refusals : 8;         /* the endpoint's: CONNECTs that were refused */
    struct eio_deadline limit;     /* to join something; for what waits to leave; when CLOSING, to
                                      be gone */
    struct eio_deadline heartbeat; /* the next ping, or the pong to the last one */
    void *data;                    /* the application's, from `allow` */
    void *upper;                   /* the endpoint's */
    void *partial;                 /* the endpoint's: what waits for more messages */
    struct buf *rx;                /* the transport's: a message that has come in part */
    struct eio_sid *sid;           /* its place in the engine's table, or NULL: no request can
                                      name it */
};

/* A connection that is about to open; NULL when memory runs out.  `wire` is set by the caller. */
struct eio_conn *eio_conn_new(struct eio_endpoint *endpoint,
                              const struct eio_transport_ops *transport, void *data);

/* ---- From the transport ---------------------------------------------------------------------- */

/* The transport carries packets now: queues the open packet, starts the heartbeat. */
void eio_conn_opened(struct eio_conn *conn, uint64_t now_us);
/* One packet, borrowed; text is valid UTF-8. */
void eio_conn_text(struct eio_conn *conn, struct slice packet, uint64_t now_us);
void eio_conn_binary(struct eio_conn *conn, struct slice packet, uint64_t now_us);
/* Queues a frame of the transport's own (its close), in any state and without a limit. */
void eio_conn_queue(struct eio_conn *conn, struct sio_frame *frame);
/* The kernel took the first `bytes` bytes of the queue; see eio_outbox_advance. */
struct eio_outbox_sent eio_conn_sent(struct eio_conn *conn, size_t bytes);
/* From now on another transport carries it. */
void eio_conn_switch(struct eio_conn *conn, const struct eio_transport_ops *transport, void *wire);
/* It carries nothing any more: ends the connection if it has not ended yet, and frees it.  A
 * transport for which that is the case in its own `flush` or `close` sets `finished` instead. */
void eio_conn_transport_gone(struct eio_conn *conn, enum sio_reason reason);

/* ---- From the endpoint ----------------------------------------------------------------------- */

bool eio_conn_is_open(const struct eio_conn *conn);
/* Queues a frame; takes its own reference.  Ends the connection (SIO_SLOW, 4008) when more than
 * queue_max_bytes would wait. */
void eio_conn_send(struct eio_conn *conn, struct sio_frame *frame);
size_t eio_conn_queued(const struct eio_conn *conn);
/* Does so much wait for it that it should not be listened to?  False again when half of that has
 * left. */
bool eio_conn_is_clogged(const struct eio_conn *conn);
/* It has joined something: the time limit for that is off, for good. */
void eio_conn_joined(struct eio_conn *conn);
/* Asks for endpoint->turn at the end of this turn of the loop. */
void eio_conn_touch(struct eio_conn *conn);
/* ... at the end of one in which some of the queue was sent and EIO_DRAINED bytes or fewer are
 * left. */
#define EIO_DRAINED SIO_DRAINED
void eio_conn_watch(struct eio_conn *conn);

/* Ends it; the first reason stays.  `code` is the WebSocket close code, 0 for none.  `why` is a
 * literal that says in the log what a misbehaving peer did, NULL when nobody did wrong. */
void eio_conn_end(struct eio_conn *conn, enum sio_reason reason, uint16_t code, const char *why);

/* ---- From the engine ------------------------------------------------------------------------- */

/* The end of a turn, in two steps: before what waits is flushed, and behind that.  The second may
 * free it. */
void eio_conn_settle(struct eio_conn *conn, uint64_t now_us);
void eio_conn_flushed(struct eio_conn *conn, uint64_t now_us);
/* The time for what waited is over: it has left by now, or the connection ends (SIO_SLOW). */
void eio_conn_stalled(struct eio_conn *conn, uint64_t now_us);
/* Nor has a pong been read. */
void eio_conn_pong_late(struct eio_conn *conn, uint64_t now_us);
void eio_conn_ping(struct eio_conn *conn, uint64_t now_us); /* the next ping is due */

#endif
