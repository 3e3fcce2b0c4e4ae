/* telling.c - a change goes round, and those who read slowly get it later
 *
 * Those who are still to be told stand first among the clients.  It goes round from the end, so who
 * comes meanwhile, behind all others and with the change in his list, is not among them. */
#include "gateway-svc/app/telling.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>

#define LOOK_S 0.1
/* What a turn may take: about a millisecond. */
#define TURN_BYTES ((size_t)1 << 20)
#define SEND_BYTES 4096 /* what one takes longer to be sent something, as bytes */

/* ---- Round ----------------------------------------------------------------------------------- */

static void begin_lag(struct telling *t, struct client *client)
{
    struct laggard *laggard = must(malloc(sizeof *laggard));
    *laggard = (struct laggard){.client = client, .knows = client->knows, .missed = t->change};
    TAILQ_INSERT_TAIL(&t->laggards, laggard, others);
    client->laggard = laggard;
    client->lags = true;
    ev_timer_start(t->loop, &t->look);
}

static bool is_in_time(struct telling *t, struct client *client)
{
    if (!client->lags && sio_socket_queued(client->socket) > t->bytes) {
        begin_lag(t, client);
    }
    return !client->lags;
}

static void tell_some(struct telling *t, size_t count)
{
    while (t->due > 0 && count-- > 0) {
        struct client *client = t->clients->at[--t->due];
        if (is_in_time(t, client)) {
            sio_socket_emit(client->socket, t->frame);
        }
    }
    if (t->due > 0) {
        ev_timer_start(t->loop, &t->turn); /* for the next turn */
        return;
    }
    ev_timer_stop(t->loop, &t->turn);
    sio_frame_unref(t->frame);
    t->frame = NULL;
    crowd_told(t->crowd);
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct telling *t = timer->data;
    (void)loop;
    (void)events;
    tell_some(t, 1 + TURN_BYTES / (SEND_BYTES + sio_frame_size(t->frame)));
}

void telling_start(struct telling *t, struct sio_frame *frame, size_t change)
{
    assert(!t->frame);
    t->frame = sio_frame_ref(frame);
    t->change = change;
    t->due = t->clients->count;
    on_turn(t->loop, &t->turn, 0);
}

void telling_finish(struct telling *t)
{
    if (t->frame) {
        tell_some(t, SIZE_MAX);
    }
}

/* ---- Who lags behind ------------------------------------------------------------------------- */

static void catch_up(struct telling *t, const struct laggard *laggard)
{
    struct client *client = laggard->client;
    const struct session *session = client->user->session;
    size_t missed = laggard->missed;
    telling_forget(t, client);
    crowd_catch_up(t->crowd, client->socket, missed, slice_text(session ? session->shown : NULL));
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct telling *t = timer->data;
    struct laggard *next;
    (void)loop;
    (void)events;
    for (struct laggard *l = TAILQ_FIRST(&t->laggards); l; l = next) {
        next = TAILQ_NEXT(l, others);
        if (sio_socket_queued(l->client->socket) <= t->bytes / 2) {
            catch_up(t, l);
        }
    }
}

static void end_lag(struct telling *t, struct client *client)
{
    struct laggard *laggard = client->laggard;
    TAILQ_REMOVE(&t->laggards, laggard, others);
    client->lags = false;
    client->knows = laggard->knows;
    free(laggard);
    if (TAILQ_EMPTY(&t->laggards)) {
        ev_timer_stop(t->loop, &t->look);
    }
}

void telling_forget(struct telling *t, struct client *client)
{
    if (client->state != CLIENT_LIVE) {
        return;
    }
    if (client->place < t->due) {
        clients_swap(t->clients, client, t->clients->at[--t->due]);
    }
    if (client->lags) {
        end_lag(t, client);
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

void telling_init(struct telling *t, struct ev_loop *loop, struct crowd *crowd,
                  struct clients *clients, size_t queue_max_bytes)
{
    TAILQ_INIT(&t->laggards);
    t->loop = loop;
    t->crowd = crowd;
    t->clients = clients;
    t->bytes = queue_max_bytes / 2 < LAG_BYTES ? queue_max_bytes / 2 : LAG_BYTES;
    ev_timer_init(&t->look, on_look, LOOK_S, LOOK_S);
    ev_timer_init(&t->turn, on_turn, 0.0, 0.0);
    t->look.data = t->turn.data = t;
}

void telling_deinit(struct telling *t)
{
    assert(TAILQ_EMPTY(&t->laggards));
    if (t->loop) {
        ev_timer_stop(t->loop, &t->look);
        ev_timer_stop(t->loop, &t->turn);
        sio_frame_unref(t->frame);
    }
}
