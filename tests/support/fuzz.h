/* fuzz.h - what fuzz targets share
 *
 * A target is a file fuzz_NAME.c beside what it tests.  Its inputs are kept in tests/corpus/NAME/,
 * words that help libFuzzer in tests/corpus/NAME.dict.  libFuzzer gives each input in memory of
 * exactly its size; parts of it that are parsed by themselves are copied with exact_copy. */
#ifndef PARLEY_FUZZ_H
#define PARLEY_FUZZ_H

#include "shared/buf.h"
#include "tests/support/exact_copy.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_holds(bool condition, const char *text, const char *file, int line)
{
    if (!condition) {
        (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
        abort();
    }
}

/* What must hold whatever the input is; libFuzzer keeps the input with which it does not. */
#define HOLDS(condition) fuzz_holds((condition), #condition, __FILE__, __LINE__)

static inline struct slice fuzz_input(const uint8_t *data, size_t size)
{
    return (struct slice){(const char *)data, size};
}

/* The next byte of the input, 0 when there is none: for choices. */
static inline unsigned fuzz_byte(struct slice *in)
{
    if (in->len == 0) {
        return 0;
    }
    unsigned byte = (unsigned char)in->ptr[0];
    *in = slice_tail(*in, 1);
    return byte;
}

/* The next line of the input, in memory of its own; to be given to exact_free. */
static inline struct slice fuzz_line(struct slice *in)
{
    return exact_copy(slice_cut(in, '\n'));
}

/* The next line, in which each byte 1 stands for `text`: for what is too long to be found by
 * chance.
 */
static inline struct slice fuzz_line_with(struct slice *in, struct slice text)
{
    struct slice line = slice_cut(in, '\n'), copy;
    struct buf out;
    buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < line.len; i++) {
        buf_append(&out, line.ptr[i] == 1 ? text : slice_head(slice_tail(line, i), 1));
    }
    copy = exact_copy(buf_slice(&out));
    buf_deinit(&out);
    return copy;
}

/* Does `part` lie inside `whole`?  (An empty one lies everywhere.) */
static inline bool fuzz_inside(struct slice part, struct slice whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
                             (size_t)(part.ptr - whole.ptr) <= whole.len - part.len);
}

#endif
