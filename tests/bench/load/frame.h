/* frame.h - WebSocket frames, as a client writes and reads them; pure
 *
 * Only what servers under load send: whole messages, in one frame each, and control frames. */
#ifndef PARLEY_BENCH_FRAME_H
#define PARLEY_BENCH_FRAME_H

#include "shared/buf.h"

enum frame_kind { FRAME_TEXT = 1, FRAME_CLOSE = 8, FRAME_PING = 9, FRAME_PONG = 10 };

/* Appends one frame.  Its mask is zero: correct for a server, which has to apply it all the same,
 * and the payload need not be touched here. */
void frame_write(struct buf *out, enum frame_kind kind, struct slice payload);

enum frame_result {
    FRAME_OK,   /* *kind and *payload are set (payload points into `in`), *used bytes are its */
    FRAME_MORE, /* the frame is not all there */
    FRAME_BAD   /* masked, in fragments, or of a kind that no server sends here */
};
enum frame_result frame_read(struct slice in, enum frame_kind *kind, struct slice *payload,
                             size_t *used);

#endif
