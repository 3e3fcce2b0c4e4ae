/* eio_ws_lws.h - the WebSocket transport: frames in through libwebsockets, frames out past it
 *
 * libwebsockets takes apart what clients send and answers pings and closes.  What we send was
 * framed before (sio_frame.h), and goes to the kernel with one system call per connection and turn;
 * only the rest of a frame that the kernel took in part is left to libwebsockets, so that nothing
 * of its own can cut in. */
#ifndef PARLEY_EIO_WS_LWS_H
#define PARLEY_EIO_WS_LWS_H

#include "gateway-svc/socketio/eio_conn.h"
#include <libwebsockets.h>

extern const struct eio_transport_ops eio_ws_ops;

/* The callbacks of a connection that has been let in; returns what libwebsockets is to be told.
 * The connection is the wsi's opaque user data. */
int eio_ws_callback(struct lws *wsi, enum lws_callback_reasons why, void *in, size_t len);

#endif
