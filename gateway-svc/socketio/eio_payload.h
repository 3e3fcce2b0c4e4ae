/* eio_payload.h - what polling puts into bodies: packets joined by byte 30, binary as base64; pure
 *
 * Engine.IO protocol 4, "payload".  A record is one packet as a WebSocket's text message would hold
 * it, or "b" and base64 for a binary message. */
#ifndef PARLEY_EIO_PAYLOAD_H
#define PARLEY_EIO_PAYLOAD_H

#include "gateway-svc/socketio/sio_frame.h"
#include "shared/buf.h"

/* Walks over the records of a body.  An empty body, a trailing or a doubled separator give an empty
 * record, which is no packet. */
struct eio_payload {
    struct slice rest;
    bool done;
};
struct eio_payload eio_payload_of(struct slice body);
/* The next record, or false after the last one. */
bool eio_payload_next(struct eio_payload *payload, struct slice *record);

/* Appends a frame's packet as one more record. */
bool eio_payload_add(struct buf *body, const struct sio_frame *frame);
/* Bytes that eio_payload_add appends at most. */
size_t eio_payload_size(const struct sio_frame *frame);

/* Base64 (RFC 4648), read with the leniency that clients need: white space anywhere, because one
 * writes lines, the URL alphabet, and padding that is missing.  False when it is none of that, or
 * does not fit. */
bool base64_decode(struct slice text, struct buf *out);
/* The standard alphabet, padded. */
bool base64_append(struct buf *out, struct slice bytes);

#endif
