/* eio_packet.h - Engine.IO packets: one type digit and what stands behind it; pure */
#ifndef PARLEY_EIO_PACKET_H
#define PARLEY_EIO_PACKET_H

#include "shared/buf.h"

/* The digits on the wire. */
enum eio_type {
    EIO_OPEN = 0,
    EIO_CLOSE,
    EIO_PING,
    EIO_PONG,
    EIO_MESSAGE,
    EIO_UPGRADE,
    EIO_NOOP,
    EIO_TYPES
};

struct eio_packet {
    enum eio_type type;
    struct slice data; /* what follows the digit; borrowed from the input */
};

/* Decodes one text packet: a WebSocket text message, or one record of a polling payload.
 * False (and *out untouched) when it is empty or does not start with a type's digit. */
bool eio_packet_decode(struct slice text, struct eio_packet *out);

/* What the open packet tells a client. */
struct eio_hello {
    struct slice sid;
    bool upgrade; /* announces "websocket" as reachable from here */
    uint32_t ping_interval_ms;
    uint32_t ping_timeout_ms;
    uint32_t max_payload;
};
#define EIO_HELLO_MAX 256 /* enough for any open packet with a sid of up to 64 bytes */

/* Appends the open packet with exactly the five members that clients expect. */
bool eio_packet_hello(struct buf *out, const struct eio_hello *hello);

#endif
