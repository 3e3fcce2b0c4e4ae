/* eio_cors.h - which pages of browsers may use the server, and how they are told; pure
 *
 * Fetch standard, "CORS protocol".  Unlike the official server, a page that is not allowed is not
 * only left without headers: it is refused, on both transports, because browsers do not ask before
 * they open a WebSocket. */
#ifndef PARLEY_EIO_CORS_H
#define PARLEY_EIO_CORS_H

#include "gateway-svc/socketio/sio.h"
#include "shared/buf.h"

struct eio_cors_request {
    struct slice scheme, host;   /* "http" or "https"; the Host header */
    struct slice origin;         /* the Origin header, or empty */
    struct slice wanted_headers; /* Access-Control-Request-Headers, of a preflight */
};

/* May the page that sent this use the server?  Always when `origins` is NULL or "*". */
bool eio_cors_allows(const struct sio_config *config, const struct eio_cors_request *req);
/* Appends the header lines for an answer, or for a preflight's.  What a preflight asks for is
 * repeated if it is a list of names, and left out if it is anything else. */
bool eio_cors_append(struct buf *lines, const struct sio_config *config,
                     const struct eio_cors_request *req, bool preflight);

#endif
