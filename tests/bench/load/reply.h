/* reply.h - an HTTP response, as far as the load generator has to understand one; pure */
#ifndef PARLEY_BENCH_REPLY_H
#define PARLEY_BENCH_REPLY_H

#include "shared/slice.h"

struct reply {
    unsigned status;
    struct slice body; /* empty for 101 */
    size_t used;       /* bytes of the whole response */
};

enum reply_result { REPLY_OK, REPLY_MORE, REPLY_BAD };

/* A body must have a Content-Length, else it counts as empty.  *out points into `in`. */
enum reply_result reply_read(struct slice in, struct reply *out);

#endif
