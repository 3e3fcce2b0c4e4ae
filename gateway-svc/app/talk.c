/* talk.c - messages: from a client to the relay, its answer back, and deliveries to clients */
#include "gateway-svc/app/replay.h"
#include "shared/clock.h"
#include "shared/must.h"
#include <stdlib.h>

#define LOG_LINES_PER_S 10

/* ---- Answers
 * -------------------------------------------------------------------------------------- */

/* Whom to answer, and how.  The client_id is copied behind it when the answer comes later. */
struct asker {
    struct hub *hub;
    struct sio_socket *socket;
    bool wants_ack;
    uint64_t ack_id;
    struct slice client_id;
};

static void note_refusal(struct hub *hub, const struct sio_socket *socket, enum chat_err err)
{
    hub->stats.refused[err]++;
    if (log_limit_ok(&hub->event_refusals, LOG_LINES_PER_S, clock_mono_ms())) {
        char name[USERNAME_MAX + 1];
        hub_name_of(socket, name);
        log_info("event refused user=%s code=%s suppressed=%llu", name, chat_err_code(err),
                 (unsigned long long)hub->event_refusals.suppressed);
    }
}

static void refuse(const struct asker *asker, struct payload_error e)
{
    struct buf *json = &asker->hub->json;
    note_refusal(asker->hub, asker->socket, e.err);
    buf_clear(json);
    if (asker->wants_ack) {
        payload_refused(json, e);
        sio_socket_ack(asker->socket, asker->ack_id, buf_slice(json));
    } else {
        payload_message_error(json, e, asker->client_id);
        hub_emit_json(asker->hub, asker->socket, SLICE("message_error"));
    }
}

void talk_refuse(struct hub *hub, struct client *client, const struct sio_event *event,
                 struct payload_error e)
{
    const struct asker asker = {
        hub, client->socket, event->wants_ack, event->ack_id, {NULL, 0}
    };
    refuse(&asker, e);
}

static void accept(const struct asker *asker, uint64_t message_id, bool dup, struct slice message)
{
    struct buf *json = &asker->hub->json;
    asker->hub->stats.accepted += dup ? 0 : 1;
    asker->hub->stats.dups += dup ? 1 : 0;
    buf_clear(json);
    if (asker->wants_ack) {
        payload_accepted(json, message_id, dup);
        sio_socket_ack(asker->socket, asker->ack_id, buf_slice(json));
    } else if (dup) { /* the echo is the only answer there is; it came once, but perhaps elsewhere
                       */
        payload_with_client_id(json, message, asker->client_id);
        hub_emit_json(asker->hub, asker->socket, SLICE("message_in"));
    }
}

/* ---- message_out
 * ---------------------------------------------------------------------------------- */

/* A message that waits for Redis. */
struct waiting {
    struct asker asker;
    char client_id[];
};

static struct waiting *waiting_new(const struct asker *asker)
{
    struct waiting *w = must(malloc(sizeof *w + asker->client_id.len));
    w->asker = *asker;
    for (size_t i = 0; i < asker->client_id.len; i++) {
        w->client_id[i] = asker->client_id.ptr[i];
    }
    w->asker.client_id = (struct slice){w->client_id, asker->client_id.len};
    sio_socket_ref(asker->socket);
    return w;
}

static void waiting_free(struct waiting *w)
{
    sio_socket_unref(w->asker.socket);
    free(w);
}

/* Its client, if that is still there, has one answer less to wait for. */
static void note_answer(const struct waiting *w, uint64_t message_id)
{
    struct client *client = sio_socket_data(w->asker.socket);
    if (client) {
        client->owed--;
        client->said = message_id > client->said ? message_id : client->said;
    }
}

static void on_sent(void *arg, enum relay_sent sent, uint64_t message_id, struct slice message)
{
    struct waiting *w = arg;
    struct payload_error e = {CHAT_E_UNAVAILABLE, NULL, 0};
    switch (sent) {
    case RELAY_SENT_OK:
    case RELAY_SENT_DUP:
        e.err = CHAT_OK;
        accept(&w->asker, message_id, sent == RELAY_SENT_DUP, message);
        break;
    case RELAY_SENT_NO_SUCH_USER: e.err = CHAT_E_NO_SUCH_USER; break;
    case RELAY_SENT_CONFLICT:
        e.err = CHAT_E_INVALID;
        e.text = "client_id was used for another message";
        break;
    case RELAY_SENT_ENDED: e.err = CHAT_E_SESSION_EXPIRED; break;
    case RELAY_SENT_UNAVAILABLE: break;
    }
    if (e.err != CHAT_OK) {
        refuse(&w->asker, e);
    }
    note_answer(w, sent == RELAY_SENT_OK ? message_id : 0); /* only then is there an echo */
    waiting_free(w);
}

void talk_out(struct hub *hub, struct client *client, const struct sio_event *event)
{
    struct message_out *m = &hub->incoming;
    struct session *session = client->user->session;
    struct asker asker = {
        hub, client->socket, event->wants_ack, event->ack_id, {NULL, 0}
    };
    if (!session) {
        refuse(&asker, (struct payload_error){CHAT_E_SESSION_EXPIRED, NULL, 0});
        return;
    }
    uint64_t wait_ms =
        bucket_take(&client->user->messages, hub->config.rate_messages, clock_mono_ms());
    char name[USERNAME_MAX + 1];
    session_name(session, name);
    enum chat_err err = message_out_parse(m, event->args, name);
    asker.client_id = buf_slice(&m->client_id);
    if (wait_ms > 0) {
        refuse(&asker, (struct payload_error){CHAT_E_RATE_LIMITED, NULL, wait_ms});
        return;
    }
    if (err != CHAT_OK) {
        const char *text = err == CHAT_E_INVALID ? m->why : NULL;
        refuse(&asker, (struct payload_error){err, text, 0});
        return;
    }
    const struct relay_text text = {slice_text(m->to), asker.client_id, buf_slice(&m->text)};
    struct waiting *w = waiting_new(&asker);
    client->owed++;
    if (!relay_send(hub->relay, session, &text, on_sent, w)) {
        client->owed--;
        waiting_free(w);
        refuse(&asker, (struct payload_error){CHAT_E_UNAVAILABLE, NULL, 0});
    }
}

/* ---- Deliveries
 * ----------------------------------------------------------------------------------- */

struct sio_frame *talk_frame(struct hub *hub, const struct bus_message *m, bool to_sender)
{
    struct slice json = m->json;
    if (to_sender) {
        buf_clear(&hub->json);
        payload_with_client_id(&hub->json, m->json, m->client_id);
        json = buf_slice(&hub->json);
    }
    return sio_event_frame(hub->nsp, SLICE("message_in"), json);
}

static void give_user(struct hub *hub, const struct user *user, uint64_t id,
                      struct sio_frame *frame)
{
    for (struct client *c = user->clients; c; c = c->next) {
        replay_give(hub, c, id, frame);
    }
}

static void give_others(struct hub *hub, const struct clients *list, const struct user *sender,
                        uint64_t id, struct sio_frame *frame)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->at[i]->user != sender) {
            replay_give(hub, list->at[i], id, frame);
        }
    }
}

void talk_deliver(struct hub *hub, const struct bus_message *m, struct session *receiver,
                  struct session *sender)
{
    const struct user *from = sender ? sender->owner : NULL;
    const struct user *to = receiver ? receiver->owner : NULL;
    bool group = m->receiver.len == 0;
    if (group || (to && to != from)) {
        struct sio_frame *frame = talk_frame(hub, m, false);
        if (group) {
            give_others(hub, &hub->welcomed, from, m->id, frame);
            give_others(hub, &hub->catching, from, m->id, frame);
        } else {
            give_user(hub, to, m->id, frame);
        }
        sio_frame_unref(frame);
    }
    if (from) {
        struct sio_frame *echo = talk_frame(hub, m, true);
        give_user(hub, from, m->id, echo);
        sio_frame_unref(echo);
    }
}
