/* eio_engine.h - what all Engine.IO connections share: limits, deadlines, the end of a turn; pure
 *
 * The clock and the loop are outside: they call eio_engine_tick when eio_engine_next_us has come,
 * and eio_engine_settle at the end of each turn. */
#ifndef PARLEY_EIO_ENGINE_H
#define PARLEY_EIO_ENGINE_H

#include "gateway-svc/socketio/eio_conn.h"
#include "gateway-svc/socketio/eio_files.h"
#include "gateway-svc/socketio/eio_sends_uring.h"
#include "gateway-svc/socketio/eio_sids.h"
#include "shared/log.h"

#define EIO_CLOSING_MS 5000 /* for the peer to follow our close before it is cut off */
/* For what waits for a peer to leave, which is looked at so often: a frame that has waited longer
 * than this, twice as long at most, ends the connection.  Longer than any network hesitates, and
 * not longer than a user who is gone stays in anybody's list. */
#define EIO_STALL_MS 30000
#define EIO_LINGER_MS 30000 /* for a polling peer to come and hear of a close of ours */
/* Pings that are due within it leave together, at its end, and their pongs come in few turns. */
#define EIO_PING_STEP_US 20000
/* Up to this lateness of our own, that one included, a pong is expected by the schedule; beyond it,
 * the time that we lost is not charged to the client. */
#define EIO_TICK_SLACK_US 40000

struct eio_engine {
    struct sio_config config;
    struct eio_endpoint *endpoints;
    struct eio_sids sids;
    struct eio_files files; /* served below the path of the configuration */
    struct eio_deadlines pings, pongs, joins, stalls, closings, lingers, upgrades, acks;
    struct eio_conn **dirty; /* to be settled; NULL where one has gone meanwhile */
    uint32_t dirty_count;
    uint32_t dirty_capacity;
    struct sio_frame *ping;  /* one for everybody */
    struct eio_sends *sends; /* for the transports; borrowed, and NULL where nobody has set it */
    struct sio_stats stats;
    struct log_limit log_limit;
    bool draining; /* no new connections */
    void (*ack_late)(struct eio_engine *engine, struct eio_deadline *timeout); /* see sio_acks.h */
    void *ack_ctx;
    /* The application's connection data is no longer in use. */
    void (*released)(void *ctx, void *data);
    void *released_ctx;
};

void eio_engine_init(struct eio_engine *engine, const struct sio_config *config);
void eio_engine_deinit(struct eio_engine *engine); /* all connections are gone */

void eio_engine_add(struct eio_engine *engine, struct eio_endpoint *endpoint);
/* By the path of a request, with or without the last slash; NULL when there is none. */
struct eio_endpoint *eio_engine_find(const struct eio_engine *engine, struct slice path);

/* Puts a connection on the list for the end of the turn, once. */
void eio_engine_mark(struct eio_engine *engine, struct eio_conn *conn);
void eio_engine_unmark(struct eio_engine *engine, struct eio_conn *conn);

uint64_t eio_engine_next_us(const struct eio_engine *engine); /* or EIO_NEVER */
void eio_engine_tick(struct eio_engine *engine, uint64_t now_us);
void eio_engine_settle(struct eio_engine *engine, uint64_t now_us);
/* Ends every connection (SIO_SERVER_SHUTDOWN) and settles; accepts no more. */
void eio_engine_close_all(struct eio_engine *engine, uint64_t now_us);
/* And hangs up on those that are still there to hear of it. */
void eio_engine_kill_all(struct eio_engine *engine, uint64_t now_us);

#endif
