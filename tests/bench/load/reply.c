/* reply.c - an HTTP response, as far as the load generator has to understand one; pure */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*) */
#define _GNU_SOURCE /* memmem */
#include "tests/bench/load/reply.h"
#include <string.h>

#define STATUS_AT 9 /* behind "HTTP/1.1 " */
#define BODY_MAX ((uint64_t)64 << 20)

/* The value of Content-Length; 0 when there is none, false when it is no number. */
static bool find_length(struct slice head, uint64_t *out)
{
    *out = 0;
    while (head.len > 0) {
        struct slice value = slice_cut(&head, '\n');
        struct slice name = slice_cut(&value, ':');
        if (slice_equal_nocase(name, SLICE("content-length"))) {
            value.len -= value.len > 0 && value.ptr[value.len - 1] == '\r';
            return slice_u64(slice_trim(value), BODY_MAX, out);
        }
    }
    return true;
}

enum reply_result reply_read(struct slice in, struct reply *out)
{
    static const char end[] = "\r\n\r\n";
    const char *found = in.len > 0 ? memmem(in.ptr, in.len, end, sizeof end - 1) : NULL;
    uint64_t status, length;
    if (!found) {
        return REPLY_MORE;
    }
    struct slice head = {in.ptr, (size_t)(found - in.ptr)};
    if (!slice_starts(head, SLICE("HTTP/1.")) ||
        !slice_u64(slice_head(slice_tail(head, STATUS_AT), 3), 999, &status) ||
        !find_length(head, &length)) {
        return REPLY_BAD;
    }
    size_t before = head.len + sizeof end - 1;
    if (length > in.len - before) {
        return REPLY_MORE;
    }
    *out = (struct reply){
        (unsigned)status, {in.ptr + before, (size_t)length},
         before + (size_t)length
    };
    return REPLY_OK;
}
