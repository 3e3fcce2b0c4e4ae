/* eio_request.h - a request as the application sees it
 *
 * The sio_request_... functions of sio.h are here, and the one place where it is decided whether
 * what a proxy says of its client counts. */
#ifndef PARLEY_EIO_REQUEST_H
#define PARLEY_EIO_REQUEST_H

#include "gateway-svc/socketio/http_request.h"
#include "gateway-svc/socketio/sio.h"

struct sio_request {
    const struct http_request *http;
    int fd;        /* the socket that it came from */
    bool trusted;  /* trust_forwarded of the configuration */
    char peer[64]; /* once it was asked for */
};

/* Who asks: what the proxy says, else the peer. */
struct slice eio_request_address(struct sio_request *req);

#endif
