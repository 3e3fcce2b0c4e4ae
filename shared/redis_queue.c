/* redis_queue.c - commands on their way */
#include "shared/redis_queue.h"

#include "shared/decimal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A handshake fits, with the longest user and password: growing would leave a copy of it behind, in
 * memory that is not ours any more. */
#define FIRST_BYTES 1024

#define END SLICE("\r\n")
#define LENGTH_MAX (1 + DECIMAL_MAX + END.len) /* "$5\r\n" */

void redis_queue_init(struct redis_queue *q)
{
    *q = (struct redis_queue){0};
    q->newest = &q->oldest;
    buf_init(&q->out, REDIS_QUEUE_MAX_BYTES);
    (void)buf_reserve(&q->out, FIRST_BYTES);
}

void redis_queue_wipe(struct redis_queue *q)
{
    struct buf *out = &q->out;
    if (out->ptr) {
        explicit_bzero(out->ptr, q->out_sent);
        explicit_bzero(out->ptr + out->len, out->cap - out->len);
    }
}

static void forget(struct redis_queue *q)
{
    buf_clear(&q->out);
    q->out_sent = 0;
    redis_queue_wipe(q);
}

void redis_queue_deinit(struct redis_queue *q)
{
    forget(q);
    buf_deinit(&q->out);
}

static char *put(char *at, struct slice s)
{
    if (s.len > 0) { /* else there may be no pointer */
        memcpy(at, s.ptr, s.len);
    }
    return at + s.len;
}

static char *put_length(char *at, char kind, size_t length)
{
    char digits[DECIMAL_MAX];
    *at++ = kind;
    return put(put(at, decimal(digits, length)), END);
}

/* No more than a command takes: a length for itself, a length and an end for each argument. */
static size_t bytes_of(const struct slice *argv, size_t argc)
{
    size_t bytes = LENGTH_MAX;
    for (size_t i = 0; i < argc; i++) {
        bytes += LENGTH_MAX + argv[i].len + END.len;
    }
    return bytes;
}

/* (Room is made once, because each message comes through here with a dozen arguments.) */
static bool encode(struct redis_queue *q, const struct slice *argv, size_t argc)
{
    struct buf *out = &q->out;
    if (!buf_reserve(out, bytes_of(argv, argc))) {
        return false;
    }
    char *at = put_length(out->ptr + out->len, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        at = put_length(at, '$', argv[i].len);
        at = put(put(at, argv[i]), END);
    }
    *at = '\0';
    out->len = (size_t)(at - out->ptr);
    return true;
}

static bool await(struct redis_queue *q, const struct redis_expected *expected, size_t count)
{
    struct redis_expected **end = q->newest;
    for (size_t i = 0; i < count; i++) {
        struct redis_expected *e = malloc(sizeof *e);
        if (!e) {
            while (*end) {
                struct redis_expected *undone = *end;
                *end = undone->next;
                free(undone);
            }
            q->newest = end;
            return false;
        }
        *e = *expected;
        e->next = NULL;
        *q->newest = e;
        q->newest = &e->next;
    }
    return true;
}

bool redis_queue_push(struct redis_queue *q, const struct slice *argv, size_t argc,
                      const struct redis_expected *expected, size_t count)
{
    size_t before = q->out.len;
    if (encode(q, argv, argc) && await(q, expected, count)) {
        return true;
    }
    q->out.len = before; /* half a command would take the next one for its rest */
    q->out.failed = false;
    return false;
}

int redis_queue_flush(struct redis_queue *q, int fd)
{
    struct slice rest = slice_tail(buf_slice(&q->out), q->out_sent);
    if (rest.len > 0) {
        ssize_t n = send(fd, rest.ptr, rest.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        }
        q->out_sent += (size_t)n;
    }
    if (q->out_sent < q->out.len) {
        if (q->out_sent >
            q->out.len / 2) { /* a backlog that never empties must not grow for ever */
            buf_consume(&q->out, q->out_sent);
            q->out_sent = 0;
        }
        return 0;
    }
    buf_clear(&q->out);
    q->out_sent = 0;
    return 1;
}

struct redis_expected redis_queue_pop(struct redis_queue *q)
{
    struct redis_expected *first = q->oldest;
    struct redis_expected copy = *first;
    q->oldest = first->next;
    if (!q->oldest) {
        q->newest = &q->oldest;
    }
    free(first);
    return copy;
}

struct redis_expected *redis_queue_take(struct redis_queue *q)
{
    struct redis_expected *list = q->oldest;
    q->oldest = NULL;
    q->newest = &q->oldest;
    forget(q);
    return list;
}

void redis_expected_fail(struct redis_expected *list)
{
    while (list) {
        struct redis_expected *e = list;
        list = e->next;
        if (e->fn) {
            e->fn(e->arg, NULL);
        }
        free(e);
    }
}
