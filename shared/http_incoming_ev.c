/* http_incoming_ev.c - connections on which no request has come whole yet */
#include "shared/http_incoming_ev.h"
#include "shared/clock.h"
#include <stdbool.h>
#include <stdlib.h>

struct http_incoming {
    TAILQ_ENTRY(http_incoming) link;
    bool linked;
    struct http_incoming_list *list;
    int fd;
    uint64_t due_ms;
};

static void arm(struct http_incoming_list *list)
{
    const struct http_incoming *first = TAILQ_FIRST(&list->oldest_first);
    ev_timer_stop(list->loop, &list->timer);
    if (first) {
        uint64_t now_ms = clock_mono_ms();
        uint64_t left_ms = first->due_ms > now_ms ? first->due_ms - now_ms : 0;
        ev_timer_set(&list->timer, (double)left_ms / 1000.0, 0.0);
        ev_timer_start(list->loop, &list->timer);
    }
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct http_incoming_list *list = timer->data;
    uint64_t now_ms = clock_mono_ms();
    struct http_incoming *in;
    (void)loop;
    (void)events;
    while ((in = TAILQ_FIRST(&list->oldest_first)) && in->due_ms <= now_ms) {
        http_incoming_complete(in);
        list->late(list->ctx, in->fd);
    }
    arm(list);
}

void http_incoming_init(struct http_incoming_list *list, struct ev_loop *loop, uint64_t timeout_ms,
                        http_late_fn *late, void *ctx)
{
    *list = (struct http_incoming_list){
        .loop = loop, .timeout_ms = timeout_ms, .late = late, .ctx = ctx};
    TAILQ_INIT(&list->oldest_first);
    ev_init(&list->timer, on_timer);
    list->timer.data = list;
}

void http_incoming_deinit(struct http_incoming_list *list)
{
    ev_timer_stop(list->loop, &list->timer);
}

struct http_incoming *http_incoming_add(struct http_incoming_list *list, int fd)
{
    struct http_incoming *in = calloc(1, sizeof *in);
    if (!in) {
        return NULL;
    }
    in->list = list;
    in->fd = fd;
    in->linked = true;
    in->due_ms = clock_mono_ms() + list->timeout_ms;
    TAILQ_INSERT_TAIL(&list->oldest_first, in, link);
    if (TAILQ_FIRST(&list->oldest_first) == in) {
        arm(list);
    }
    return in;
}

void http_incoming_complete(struct http_incoming *in)
{
    if (in && in->linked) {
        in->linked = false;
        TAILQ_REMOVE(&in->list->oldest_first, in, link);
    }
}

void http_incoming_free(struct http_incoming *in)
{
    http_incoming_complete(in);
    free(in);
}
