/* eio_handshake.h - the WebSocket handshake that a client asks for; pure
 *
 * RFC 6455, 4.2.1. */
#ifndef PARLEY_EIO_HANDSHAKE_H
#define PARLEY_EIO_HANDSHAKE_H

#include "gateway-svc/socketio/http_request.h"

#define EIO_SUBPROTOCOL_MAX 63
#define EIO_KEY_LENGTH 24

struct eio_handshake {                         /* what the answer depends on */
    char key[EIO_KEY_LENGTH + 1];              /* Sec-WebSocket-Key: base64 of 16 bytes */
    char subprotocol[EIO_SUBPROTOCOL_MAX + 1]; /* to agree on: the first that the client offers and
                                                  is a token of that length; or empty */
};

/* Reads a request that wants to upgrade.  NULL when it is good; else what is wrong with it, a
 * literal, and the status to refuse it with (400; 426: it speaks another version than 13). */
const char *eio_handshake_read(const struct http_request *req, struct eio_handshake *out,
                               unsigned *status);

#endif
