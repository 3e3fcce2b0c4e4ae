/* exact_copy.h - heap copies of exact length, so that ASan sees a read of one byte too far
 *
 * A literal has a NUL behind it, where an over-read stays unseen. */
#ifndef PARLEY_EXACT_COPY_H
#define PARLEY_EXACT_COPY_H

#include "shared/slice.h"

#include <stdlib.h>
#include <string.h>

/* A copy of which neither the byte before nor the byte behind may be read; to be given to
 * exact_free, unchanged.  An empty one has a pointer too, of which nothing may be read. */
static inline struct slice exact_copy(struct slice s)
{
    char *memory = malloc(s.len > 0 ? s.len : 1);

    if (!memory) {
        abort();
    }
    if (s.len == 0) {
        return (struct slice){memory + 1, 0}; /* malloc(0) would give one readable byte */
    }
    memcpy(memory, s.ptr, s.len);
    return (struct slice){memory, s.len};
}

static inline void exact_free(struct slice copy)
{
    const char *first = copy.len > 0 ? copy.ptr : copy.ptr - 1;
    void *memory = NULL;

    memcpy(&memory, &first, sizeof(memory)); /* the same pointer, to be freed: without const */
    free(memory);
}

#endif
