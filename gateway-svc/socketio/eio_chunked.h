/* eio_chunked.h - a request's body that comes in chunks, because its length was not known; pure
 *
 * RFC 9112, 7.1, read strictly: what two servers could read differently is wrong.  Extensions and
 * trailers mean nothing here; they are skipped, up to EIO_CHUNKED_EXTRA bytes of a body. */
#ifndef PARLEY_EIO_CHUNKED_H
#define PARLEY_EIO_CHUNKED_H

#include "shared/buf.h"

#define EIO_CHUNKED_EXTRA 4096

struct eio_chunked { /* zeroed = nothing has come yet */
    uint64_t left;   /* of the chunk: its size while that is read, then its bytes to come */
    uint32_t extra;  /* skipped so far */
    uint8_t digits;  /* of the size */
    uint8_t state;
};

enum eio_chunked_result {
    EIO_CHUNKED_MORE, /* is to come */
    EIO_CHUNKED_DONE, /* the body is whole; what stands behind it is not looked at */
    EIO_CHUNKED_WRONG,
    EIO_CHUNKED_TOO_LARGE, /* a chunk announces more than `body` can hold */
};

/* Appends to `body` what these bytes bring.  After anything but MORE it stays at that. */
enum eio_chunked_result eio_chunked_read(struct eio_chunked *chunked, struct slice bytes,
                                         struct buf *body);

#endif
