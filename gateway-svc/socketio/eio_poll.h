/* eio_poll.h - the polling transport: packets out in the answers to GETs, in by POSTs; pure
 *
 * Engine.IO protocol 4, "HTTP long-polling".  A GET is held until there is something to send, and
 * answered at the end of a turn of the loop with up to EIO_POLL_PACKETS packets.  Beside it, while
 * it lasts, the WebSocket that is to take over (the probe):
 *
 *     no probe --WebSocket with our sid--> PROBE_OPEN --"2probe"--> PROBED --"5"--> upgraded
 *
 * "2probe" is answered "3probe"; "5" without it before upgrades too, as on the official server.
 * From PROBED on every GET, waiting or arriving, is answered at once: with what is queued, else
 * with a noop.  Nothing leaves over the WebSocket before "5"; then the connection's transport is
 * the WebSocket, and what is queued goes there, in order.  A probe that sends anything else,
 * vanishes or takes longer than upgrade_timeout is closed alone; polling goes on.
 *
 * A connection that ends by the server's own wish while PROBED keeps the probe: the official client
 * may have stopped polling by then, and hears of the end only where it goes on. */
#ifndef PARLEY_EIO_POLL_H
#define PARLEY_EIO_POLL_H

#include "gateway-svc/socketio/eio_conn.h"
#include "gateway-svc/socketio/eio_exchange.h"

#define EIO_POLL_PACKETS 16 /* of one answer: more, and python-engineio gives up the connection */

extern const struct eio_transport_ops eio_poll_ops;

/* A connection born by a polling handshake: makes it, gives it a sid, opens it, answers `x` at
 * the end of this turn with the open packet and what the endpoint has queued behind it.  NULL when
 * memory runs out; then `x` is still the caller's. */
struct eio_conn *eio_poll_open(struct eio_endpoint *endpoint, void *data, struct eio_exchange *x,
                               uint64_t now_us);

/* Is polling (still) its transport? */
bool eio_poll_is_polling(const struct eio_conn *conn);

/* ---- Requests that name the connection ------------------------------------------------------- */

/* A GET: held, or answered at the end of this turn.  A second one beside a held one: the held one
 * is answered "1", this one 400, and the connection is ended.  400 also when a WebSocket has taken
 * over. */
void eio_poll_get(struct eio_conn *conn, struct eio_exchange *x);
/* A POST begins.  It is answered at once when its body is not wanted: a WebSocket has taken over,
 * or it is a second POST beside another, which is dropped, and the connection is ended.  When the
 * body has come it is answered at once: "ok", or 400 when a packet is wrong; those before it count,
 * and the connection is ended. */
void eio_poll_post(struct eio_conn *conn, struct eio_exchange *x);

/* ---- The WebSocket that wants to take over --------------------------------------------------- */

/* May a WebSocket begin to take over?  Not when another one does, or has. */
bool eio_poll_may_probe(const struct eio_conn *conn);
void eio_poll_probe_opened(struct eio_conn *conn, const struct eio_transport_ops *ops, void *wire,
                           uint64_t now_us);
/* Is that wire the probe of the connection, not (yet) its transport? */
bool eio_poll_is_probe(const struct eio_conn *conn, const void *wire);
/* A text message of the probe.  It becomes the transport, or is dropped (ops->probe_drop). */
void eio_poll_probe_text(struct eio_conn *conn, struct slice packet, uint64_t now_us);
/* The probe is gone by itself. */
void eio_poll_probe_gone(struct eio_conn *conn);
/* From the engine: it did not take over in time. */
void eio_poll_probe_late(struct eio_deadline *upgrade);

#endif
