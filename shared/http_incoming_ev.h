/* http_incoming_ev.h - connections on which no request has come whole yet, and when that is too
 * late
 *
 * A connection has a fixed time from its beginning, however often a byte of it comes.  Loop thread
 * only. */
#ifndef PARLEY_HTTP_INCOMING_EV_H
#define PARLEY_HTTP_INCOMING_EV_H

#include <ev.h>
#include <stdint.h>
#include <sys/queue.h>

struct http_incoming; /* one of them */

/* That connection is late: to be closed.  It is in the list no more. */
typedef void http_late_fn(void *ctx, int fd);

struct http_incoming_list {
    struct ev_loop *loop;
    uint64_t timeout_ms;
    http_late_fn *late;
    void *ctx;
    ev_timer timer; /* of the first */
    TAILQ_HEAD(, http_incoming) oldest_first;
};

void http_incoming_init(struct http_incoming_list *list, struct ev_loop *loop, uint64_t timeout_ms,
                        http_late_fn *late, void *ctx);
/* Whoever is in it yet is not told any more, and is to be freed before or after. */
void http_incoming_deinit(struct http_incoming_list *list);

/* NULL when memory has run out: then nobody is told of it. */
struct http_incoming *http_incoming_add(struct http_incoming_list *list, int fd);
/* Its request is whole: nothing is late any more.  NULL is nobody. */
void http_incoming_complete(struct http_incoming *in);
void http_incoming_free(struct http_incoming *in);

#endif
