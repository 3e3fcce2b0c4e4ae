/* eio_handshake.c - the WebSocket handshake that a client asks for */
#include "gateway-svc/socketio/eio_handshake.h"
#include <string.h>

/* Base64 of 16 bytes: 22 characters, of which the last has two bits to spare, and "==". */
static bool is_key(struct slice key)
{
    return key.len == EIO_KEY_LENGTH && slice_made_of(slice_head(key, EIO_KEY_LENGTH - 2), "+/") &&
           strchr("AQgw", key.ptr[EIO_KEY_LENGTH - 3]) &&
           slice_equal(slice_tail(key, EIO_KEY_LENGTH - 2), SLICE("=="));
}

static void choose_subprotocol(struct slice offered, char out[EIO_SUBPROTOCOL_MAX + 1])
{
    struct slice first = slice_trim(slice_cut(&offered, ','));
    bool good = first.len <= EIO_SUBPROTOCOL_MAX && slice_made_of(first, "!#$%&'*+-.^_`|~");
    size_t n = good ? first.len : 0;
    if (n > 0) {
        memcpy(out, first.ptr, n);
    }
    out[n] = '\0';
}

const char *eio_handshake_read(const struct http_request *req, struct eio_handshake *out,
                               unsigned *status)
{
    struct slice key = http_request_field(req, SLICE("sec-websocket-key"));
    *out = (struct eio_handshake){0};
    *status = 400;
    if (!slice_equal_nocase(http_request_field(req, SLICE("upgrade")), SLICE("websocket"))) {
        return "this server upgrades to websocket alone\n";
    }
    if (!slice_equal(http_request_field(req, SLICE("sec-websocket-version")), SLICE("13"))) {
        *status = 426;
        return "WebSocket version 13 is spoken here\n";
    }
    if (!is_key(key)) {
        return "Sec-WebSocket-Key is not 16 bytes in base64\n";
    }
    memcpy(out->key, key.ptr, EIO_KEY_LENGTH);
    choose_subprotocol(http_request_field(req, SLICE("sec-websocket-protocol")), out->subprotocol);
    return NULL;
}
