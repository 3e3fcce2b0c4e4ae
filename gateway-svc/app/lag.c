/* lag.c - clients that read too slowly to be told each change of the list of users */
#include "gateway-svc/app/lag.h"
#include <assert.h>

#define LOOK_S 0.1

static void catch_up(struct lag *lag, struct client *client)
{
    const struct session *session = client->user->session;
    size_t missed = client->missed - 1;
    lag_forget(lag, client);
    crowd_catch_up(lag->crowd, client->socket, missed, slice_text(session ? session->shown : NULL));
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct lag *lag = timer->data;
    struct client *next;
    (void)loop;
    (void)events;
    for (struct client *c = TAILQ_FIRST(&lag->clients); c; c = next) {
        next = TAILQ_NEXT(c, lagging);
        if (sio_socket_queued(c->socket) <= lag->bytes / 2) {
            catch_up(lag, c);
        }
    }
}

void lag_init(struct lag *lag, struct ev_loop *loop, struct crowd *crowd, size_t queue_max_bytes)
{
    TAILQ_INIT(&lag->clients);
    lag->loop = loop;
    lag->crowd = crowd;
    lag->bytes = queue_max_bytes / 2 < LAG_BYTES ? queue_max_bytes / 2 : LAG_BYTES;
    ev_timer_init(&lag->look, on_look, LOOK_S, LOOK_S);
    lag->look.data = lag;
}

void lag_deinit(struct lag *lag)
{
    assert(TAILQ_EMPTY(&lag->clients));
    if (lag->loop) {
        ev_timer_stop(lag->loop, &lag->look);
    }
}

bool lag_is_in_time(struct lag *lag, struct client *client, size_t change)
{
    if (client->missed == 0 && sio_socket_queued(client->socket) <= lag->bytes) {
        return true;
    }
    if (client->missed == 0) {
        client->missed = change + 1;
        TAILQ_INSERT_TAIL(&lag->clients, client, lagging);
        ev_timer_start(lag->loop, &lag->look);
    }
    return false;
}

void lag_forget(struct lag *lag, struct client *client)
{
    if (client->missed == 0) {
        return;
    }
    client->missed = 0;
    TAILQ_REMOVE(&lag->clients, client, lagging);
    if (TAILQ_EMPTY(&lag->clients)) {
        ev_timer_stop(lag->loop, &lag->look);
    }
}
