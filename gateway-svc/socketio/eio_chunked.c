/* eio_chunked.c - a request's body that comes in chunks */
#include "gateway-svc/socketio/eio_chunked.h"
#include "shared/hex.h"

#define DIGITS_MAX 16

enum state {
    SIZE = 0,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START, /* of a line */
    TRAILER,
    TRAILER_LF,
    LAST_LF,
    DONE,
    WRONG,
    TOO_LARGE,
};

static enum state in_size(struct eio_chunked *chunked, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0 && chunked->digits < DIGITS_MAX) {
        chunked->digits++;
        chunked->left = chunked->left << 4 | (uint64_t)digit;
        return SIZE;
    }
    if (digit >= 0 || chunked->digits == 0) {
        return WRONG;
    }
    if (c == ';') {
        return EXTENSION;
    }
    return c == '\r' ? SIZE_LF : WRONG;
}

/* A character of an extension or a trailer; `end` follows its line's CR. */
static enum state in_extra(struct eio_chunked *chunked, char c, enum state same, enum state end)
{
    if (c == '\r') {
        return end;
    }
    bool visible = (unsigned char)c >= ' ' && c != '\x7f';
    return (visible || c == '\t') && ++chunked->extra <= EIO_CHUNKED_EXTRA ? same : WRONG;
}

/* The size is known. */
static enum state begin_data(const struct eio_chunked *chunked, const struct buf *body)
{
    if (chunked->left == 0) {
        return TRAILER_START;
    }
    return chunked->left > body->max - body->len ? TOO_LARGE : DATA;
}

static enum state after_data(struct eio_chunked *chunked)
{
    chunked->digits = 0;
    return SIZE;
}

/* One character that is not a chunk's data. */
static enum state step(struct eio_chunked *chunked, char c, const struct buf *body)
{
    switch ((enum state)chunked->state) {
    case SIZE: return in_size(chunked, c);
    case EXTENSION: return in_extra(chunked, c, EXTENSION, SIZE_LF);
    case SIZE_LF: return c == '\n' ? begin_data(chunked, body) : WRONG;
    case DATA_CR: return c == '\r' ? DATA_LF : WRONG;
    case DATA_LF: return c == '\n' ? after_data(chunked) : WRONG;
    case TRAILER_START: return in_extra(chunked, c, TRAILER, LAST_LF);
    case TRAILER: return in_extra(chunked, c, TRAILER, TRAILER_LF);
    case TRAILER_LF: return c == '\n' ? TRAILER_START : WRONG;
    case LAST_LF: return c == '\n' ? DONE : WRONG;
    default: return WRONG;
    }
}

/* Takes of the chunk's data what is there; returns how many bytes that was. */
static size_t take_data(struct eio_chunked *chunked, struct slice bytes, struct buf *body)
{
    size_t n = bytes.len < chunked->left ? bytes.len : (size_t)chunked->left;
    if (!buf_append(body, slice_head(bytes, n))) {
        chunked->state = TOO_LARGE; /* memory */
        return n;
    }
    chunked->left -= n;
    if (chunked->left == 0) {
        chunked->state = DATA_CR;
    }
    return n;
}

enum eio_chunked_result eio_chunked_read(struct eio_chunked *chunked, struct slice bytes,
                                         struct buf *body)
{
    size_t at = 0;
    while (at < bytes.len && chunked->state < DONE) {
        if (chunked->state == DATA) {
            at += take_data(chunked, slice_tail(bytes, at), body);
        } else {
            chunked->state = (uint8_t)step(chunked, bytes.ptr[at++], body);
        }
    }
    switch ((enum state)chunked->state) {
    case DONE: return EIO_CHUNKED_DONE;
    case WRONG: return EIO_CHUNKED_WRONG;
    case TOO_LARGE: return EIO_CHUNKED_TOO_LARGE;
    default: return EIO_CHUNKED_MORE;
    }
}
