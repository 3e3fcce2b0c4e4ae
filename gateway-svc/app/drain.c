/* drain.c - takes the gateway out of service */
#include "gateway-svc/app/drain.h"
#include "gateway-svc/app/hub_state.h"
#include "gateway-svc/app/spread.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/must.h"
#include <stdlib.h>

#define TICK_S 0.02
#define LAST_MS 2500         /* for the last ones to get their answers, and to follow our close */
#define CODE_GOING_AWAY 1001 /* RFC 6455, 7.4.1 */

struct drain {
    struct hub *hub;
    uint64_t begin_ms, length_ms;
    size_t next;   /* of the welcomed, those below this place have not been asked yet */
    size_t asked;  /* clients */
    size_t closed; /* WebSockets that were carried */
    drain_done_fn *done;
    void *ctx;
    ev_timer tick;
};

/* Its messages are answered: by acks, and by the echoes, which come on another way. */
static bool owes_nothing(const struct client *client)
{
    return client->owed == 0 && client->said <= client->seen;
}

static void ask_some(struct drain *d, uint64_t elapsed_ms)
{
    const struct clients *all = &d->hub->welcomed;
    d->next = d->next < all->count ? d->next : all->count; /* some have gone by themselves */
    size_t due = spread_due(d->asked, d->next, elapsed_ms, d->length_ms);
    while (due > 0 && d->next > 0) {
        struct client *client = all->at[--d->next];
        if (!client->going) { /* else it has taken the place of one that went */
            client->going = true;
            d->asked++;
            due--;
        }
    }
}

/* Those that were asked are few: they go within a round trip to Redis. */
static void close_answered(const struct drain *d)
{
    const struct clients *all = &d->hub->welcomed;
    for (size_t i = d->next; i < all->count; i++) {
        if (owes_nothing(all->at[i])) {
            sio_socket_close(all->at[i]->socket, CODE_GOING_AWAY); /* at the end of the turn */
        }
    }
}

static void close_carried(struct drain *d, uint64_t elapsed_ms)
{
    size_t left = sio_server_carried(d->hub->server);
    size_t due = spread_due(d->closed, left, elapsed_ms, d->length_ms);
    sio_server_close_carried(d->hub->server, due);
    d->closed += due;
}

static bool nobody_is_left(const struct drain *d)
{
    const struct sio_server *server = d->hub->server;
    return sio_server_stats(server)->connections == 0 && sio_server_carried(server) == 0;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct drain *d = timer->data;
    uint64_t elapsed_ms = clock_mono_ms() - d->begin_ms;
    (void)events;
    ask_some(d, elapsed_ms);
    close_answered(d);
    close_carried(d, elapsed_ms);
    if (nobody_is_left(d) || elapsed_ms >= d->length_ms + LAST_MS) {
        ev_timer_stop(loop, timer);
        log_info("drained clients=%zu carried=%zu ms=%llu", d->asked, d->closed,
                 (unsigned long long)elapsed_ms);
        d->done(d->ctx);
    }
}

struct drain *drain_start(struct hub *hub, uint64_t length_ms, drain_done_fn *done, void *ctx)
{
    struct drain *d = must(calloc(1, sizeof *d));
    d->hub = hub;
    d->begin_ms = clock_mono_ms();
    d->length_ms = length_ms;
    d->next = hub->welcomed.count;
    d->done = done;
    d->ctx = ctx;
    sio_server_refuse_new(hub->server);
    ev_timer_init(&d->tick, on_tick, 0.0, TICK_S);
    d->tick.data = d;
    ev_timer_start(hub->loop, &d->tick);
    return d;
}

void drain_free(struct drain *drain)
{
    if (drain) {
        ev_timer_stop(drain->hub->loop, &drain->tick);
        free(drain);
    }
}
