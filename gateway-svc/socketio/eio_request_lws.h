/* eio_request_lws.h - an HTTP request as libwebsockets holds it
 *
 * The sio_request_... functions of sio.h are here. */
#ifndef PARLEY_EIO_REQUEST_LWS_H
#define PARLEY_EIO_REQUEST_LWS_H

#include "gateway-svc/socketio/sio.h"
#include <libwebsockets.h>

#define EIO_HEADERS_MAX 16384 /* all headers of a request together */
#define EIO_SUBPROTOCOL_MAX 63

struct sio_request {
    struct lws *wsi;
    char header[EIO_HEADERS_MAX + 1];    /* the one asked for last */
    char query[3 * EIO_HEADERS_MAX + 1]; /* encoded again */
    char peer[64];
};

/* Starts on another request; returns `req`. */
struct sio_request *eio_request_begin(struct sio_request *req, struct lws *wsi);
bool eio_request_is_get(struct sio_request *req);
/* Percent-decoded, without the query; empty for an unknown method. */
struct slice eio_request_path(struct sio_request *req);
/* Copies the first subprotocol that the client offers, or "". */
void eio_request_choose_subprotocol(struct sio_request *req, char out[EIO_SUBPROTOCOL_MAX + 1]);

#endif
