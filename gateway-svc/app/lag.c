/* lag.c - clients that read too slowly to be told each change of the list of users */
#include "gateway-svc/app/lag.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>

#define LOOK_S 0.1

/* One that lags behind: those who do not, nearly all, cost nothing. */
struct laggard {
    struct client *client;
    size_t missed; /* the first change that it was not told */
    TAILQ_ENTRY(laggard) others;
};

static void catch_up(struct lag *lag, const struct laggard *laggard)
{
    struct client *client = laggard->client;
    const struct session *session = client->user->session;
    size_t missed = laggard->missed;
    lag_forget(lag, client);
    crowd_catch_up(lag->crowd, client->socket, missed, slice_text(session ? session->shown : NULL));
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct lag *lag = timer->data;
    struct laggard *next;
    (void)loop;
    (void)events;
    for (struct laggard *l = TAILQ_FIRST(&lag->laggards); l; l = next) {
        next = TAILQ_NEXT(l, others);
        if (sio_socket_queued(l->client->socket) <= lag->bytes / 2) {
            catch_up(lag, l);
        }
    }
}

void lag_init(struct lag *lag, struct ev_loop *loop, struct crowd *crowd, size_t queue_max_bytes)
{
    TAILQ_INIT(&lag->laggards);
    lag->loop = loop;
    lag->crowd = crowd;
    lag->bytes = queue_max_bytes / 2 < LAG_BYTES ? queue_max_bytes / 2 : LAG_BYTES;
    ev_timer_init(&lag->look, on_look, LOOK_S, LOOK_S);
    lag->look.data = lag;
}

void lag_deinit(struct lag *lag)
{
    assert(TAILQ_EMPTY(&lag->laggards));
    if (lag->loop) {
        ev_timer_stop(lag->loop, &lag->look);
    }
}

bool lag_is_in_time(struct lag *lag, struct client *client, size_t change)
{
    if (!client->lags && sio_socket_queued(client->socket) <= lag->bytes) {
        return true;
    }
    if (!client->lags) {
        client->lags = must(malloc(sizeof *client->lags));
        client->lags->client = client;
        client->lags->missed = change;
        TAILQ_INSERT_TAIL(&lag->laggards, client->lags, others);
        ev_timer_start(lag->loop, &lag->look);
    }
    return false;
}

void lag_forget(struct lag *lag, struct client *client)
{
    if (!client->lags) {
        return;
    }
    TAILQ_REMOVE(&lag->laggards, client->lags, others);
    free(client->lags);
    client->lags = NULL;
    if (TAILQ_EMPTY(&lag->laggards)) {
        ev_timer_stop(lag->loop, &lag->look);
    }
}
