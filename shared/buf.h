/* buf.h - a growing byte buffer that cannot exist without its maximum */
#ifndef PARLEY_BUF_H
#define PARLEY_BUF_H

#include "shared/slice.h"

/* Owned bytes.  len <= cap, len <= max.  ptr is NULL until room is needed; behind the last byte
 * there is always a NUL that does not count, so a buffer can be read as a C string. */
struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;
    bool failed; /* an append did not fit or memory ran out; stays set until buf_clear */
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_deinit(struct buf *b); /* frees; the buffer may be used again afterwards */
void buf_clear(struct buf *b);  /* len = 0, failed = false; keeps the memory */

/* Room for n more bytes, so that appending them moves nothing; false as buf_append. */
bool buf_reserve(struct buf *b, size_t n);

/* Append all or nothing; false (and b->failed) when it would exceed max or memory runs out.  A
 * caller may append many times and ask b->failed once. */
bool buf_append(struct buf *b, struct slice s);
bool buf_byte(struct buf *b, char byte);
bool buf_u64(struct buf *b, uint64_t value); /* decimal */
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What it holds; valid until the next change. */
struct slice buf_slice(const struct buf *b);

/* The first n bytes leave, the rest moves to the front.  n <= len. */
void buf_consume(struct buf *b, size_t n);

#endif
