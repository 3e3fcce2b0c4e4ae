/* sio_frame.h - an encoded packet with its WebSocket header, shared by all its receivers
 *
 * What a server sends is not masked, so the bytes are the same for everybody: they are made once
 * and go to the kernel from here.  Part of sio.h's contract (sio_frame_ref, sio_frame_unref). */
#ifndef PARLEY_SIO_FRAME_H
#define PARLEY_SIO_FRAME_H

#include "gateway-svc/socketio/sio.h"

struct sio_frame {
    struct sio_frame *next; /* follows directly, for the same receivers: an attachment; owned */
    uint32_t refs;
    uint32_t len;       /* bytes on a WebSocket, header included */
    uint8_t payload_at; /* the packet starts here, for transports with another framing */
    unsigned char ws[]; /* len bytes; never changed once it is shared */
};

enum ws_opcode { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8 };

/* Writes the header of a frame that is neither masked nor a fragment; returns its length. */
#define WS_HEADER_MAX 10
uint8_t ws_header_write(unsigned char out[WS_HEADER_MAX], enum ws_opcode opcode, size_t len);

/* A frame of the concatenated parts.  The caller owns the one reference.  Memory running out ends
 * the program: what we send is bounded by our own rules. */
struct sio_frame *sio_frame_new(enum ws_opcode opcode, const struct slice *parts, size_t count);
/* A close frame; code 0: without one. */
struct sio_frame *sio_frame_close(uint16_t code);

/* Hangs one frame behind another, whose last reference takes it along.  Not once it is shared. */
void sio_frame_follow(struct sio_frame *frame, struct sio_frame *next);

/* The packet without the WebSocket header. */
struct slice sio_frame_payload(const struct sio_frame *frame);
bool sio_frame_is_binary(const struct sio_frame *frame);

#endif
