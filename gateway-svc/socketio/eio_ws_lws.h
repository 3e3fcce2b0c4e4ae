/* eio_ws_lws.h - the WebSocket transport: frames in through libwebsockets, frames out past it
 *
 * libwebsockets takes over a socket whose handshake we have read and found good (eio_router.h): it
 * answers the handshake, takes apart what the client sends, and answers pings and closes.  What we
 * send was framed before (sio_frame.h), and goes to the kernel with one system call per connection
 * and turn; only the rest of a frame that the kernel took in part is left to libwebsockets, so that
 * nothing of its own can cut in.
 *
 * What the public interface of libwebsockets cannot see, and therefore is not refused: frames that
 * a client did not mask. */
#ifndef PARLEY_EIO_WS_LWS_H
#define PARLEY_EIO_WS_LWS_H

#include "gateway-svc/socketio/eio_conn.h"
#include "gateway-svc/socketio/eio_handshake.h"
#include <libwebsockets.h>

struct ev_loop;
struct eio_ws; /* libwebsockets on that loop; it has no port */

/* NULL, and a line in the log, when it cannot start. */
struct eio_ws *eio_ws_new(struct ev_loop *loop);
/* Closes every WebSocket too. */
void eio_ws_free(struct eio_ws *ws);

/* What a WebSocket belongs to. */
struct eio_ws_owner {
    /* It stands, and 101 is sent. */
    void (*opened)(void *ctx, struct lws *wsi);
    /* From then on.  Returns what libwebsockets is to be told: nonzero hangs up. */
    int (*callback)(void *ctx, struct lws *wsi, enum lws_callback_reasons why, void *in,
                    size_t len);
};

/* Who wants a WebSocket; borrowed for the call. */
struct eio_ws_client {
    int fd;
    const struct eio_handshake *handshake; /* has been found good */
    struct slice early;                    /* what it has sent behind it already */
};

/* Makes a WebSocket of the client's socket, which is libwebsockets' from here on.  Callbacks come
 * from inside, `opened` first.  False: it came to nothing, the socket is closed, and there was no
 * callback. */
bool eio_ws_accept(struct eio_ws *ws, const struct eio_ws_client *client,
                   const struct eio_ws_owner *owner, void *ctx);
/* It has no owner any more: sends a close frame with that code (0: none) unless `told`, and closes
 * it. */
void eio_ws_let_go(struct lws *wsi, uint16_t code, bool told);

/* From a callback that got `len` bytes of a frame which goes on, behind `had` bytes of its message:
 * most of what people write needs two of the reads that libwebsockets does, one for each time that
 * the loop calls it.  The second follows at once, before anything else in this turn is handled; in
 * the next one, the message would leave a whole round of messages later.  Not without end: at most
 * one message in a turn is begun so, and 16 KiB of it are read. */
void eio_ws_read_on(struct lws *wsi, size_t had, size_t len);

/* A WebSocket that is a new connection's transport, or a polling one's probe (eio_poll.h); `ctx` is
 * that struct eio_conn. */
extern const struct eio_ws_owner eio_ws_transport, eio_ws_probe;
extern const struct eio_transport_ops eio_ws_ops;

/* For LWS_CALLBACK_WS_PEER_INITIATED_CLOSE; `payload` is what came with it.  A code above 4999, or
 * a reason that is not UTF-8, is answered here, and true returned: hang up.  False: libwebsockets
 * answers, and knows the other codes that may not be sent. */
bool eio_ws_refuse_close(struct lws *wsi, struct slice payload);

#endif
