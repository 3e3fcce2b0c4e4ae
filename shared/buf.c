/* buf.c - a growing byte buffer that cannot exist without its maximum */
#include "shared/buf.h"

#include "shared/decimal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

/* Twice what it was, but enough, and never above the maximum.  needed <= max. */
static size_t next_cap(const struct buf *b, size_t needed)
{
    size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;

    if (cap < FIRST_CAP) {
        cap = FIRST_CAP;
    }
    if (cap < needed) {
        cap = needed;
    }
    return cap < b->max ? cap : b->max;
}

/* (And for the NUL behind them.) */
bool buf_reserve(struct buf *b, size_t n)
{
    if (n > b->max - b->len) { /* cannot wrap: len <= max always */
        b->failed = true;
        return false;
    }
    if (b->ptr && n <= b->cap - b->len) {
        return true;
    }
    size_t cap = next_cap(b, b->len + n);
    char *ptr = realloc(b->ptr, cap + 1);
    if (!ptr) {
        b->failed = true;
        return false;
    }
    b->ptr = ptr;
    b->ptr[b->len] = '\0'; /* the first time, there is none yet */
    b->cap = cap;
    return true;
}

void buf_init(struct buf *b, size_t max_bytes)
{
    /* No object is larger than PTRDIFF_MAX; with that bound cap + 1 cannot wrap. */
    size_t limit = (size_t)PTRDIFF_MAX - 1;

    *b = (struct buf){.max = max_bytes < limit ? max_bytes : limit};
}

void buf_deinit(struct buf *b)
{
    size_t max = b->max;

    free(b->ptr);
    *b = (struct buf){.max = max};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->ptr) {
        b->ptr[0] = '\0';
    }
}

bool buf_append(struct buf *b, struct slice s)
{
    if (s.len == 0) {
        return true;
    }
    if (!buf_reserve(b, s.len)) {
        return false;
    }
    memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
    b->ptr[b->len] = '\0';
    return true;
}

bool buf_byte(struct buf *b, char byte)
{
    return buf_append(b, (struct slice){&byte, 1});
}

bool buf_u64(struct buf *b, uint64_t value)
{
    char digits[DECIMAL_MAX];

    return buf_append(b, decimal(digits, value));
}

bool buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        b->failed = true;
        return false;
    }
    size_t n = (size_t)length;
    if (n == 0) {
        return true;
    }
    if (!buf_reserve(b, n)) {
        return false;
    }
    va_start(args, format);
    vsnprintf(b->ptr + b->len, n + 1, format, args);
    va_end(args);
    b->len += n;
    return true;
}

struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->ptr, b->len};
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0) {
        return;
    }
    b->len -= n;
    memmove(b->ptr, b->ptr + n, b->len + 1); /* with the NUL */
}
