/* hub_state.h - what the files of the hub share: hub.c (coming and going), replay.c (catching up),
 * talk.c (messages) */
#ifndef PARLEY_HUB_STATE_H
#define PARLEY_HUB_STATE_H

#include "gateway-svc/app/clients.h"
#include "gateway-svc/app/crowd.h"
#include "gateway-svc/app/drain.h"
#include "gateway-svc/app/hub.h"
#include "gateway-svc/app/recent.h"
#include "gateway-svc/app/telling.h"
#include "gateway-svc/chat/message_out.h"
#include "gateway-svc/chat/payload.h"
#include "shared/log.h"
#include "shared/loop_watch_ev.h"
#include <ev.h>

#define CODE_TRY_AGAIN 1013 /* RFC 6455 7.4.1's registry: try again later */

struct hub {
    struct ev_loop *loop;
    struct hub_config config;
    struct sio_server *server;
    struct sio_namespace *nsp;
    struct relay *relay;
    struct crowd *crowd;
    struct clients welcomed;     /* LIVE */
    struct clients catching;     /* those that are not, but ask for what they missed */
    struct recent recent;        /* what sessions may still do */
    struct telling telling;      /* the welcomed of changes of the list */
    struct message_out incoming; /* the message being looked at */
    struct buf json;             /* scratch for what is being written */
    struct drain *drain;         /* NULL: not begun */
    struct buf why;              /* not ready; a line */
    bool stopping;
    struct hub_stats stats;
    struct log_limit closes, connect_refusals, event_refusals, ends; /* of a line each */
    struct loop_watch *watch;
    struct buf metrics; /* what /metrics said last */
};

/* Whose socket it is, for the log; "-" when that is not known (any more). */
void hub_name_of(const struct sio_socket *socket, char out[USERNAME_MAX + 1]);
/* Encodes hub->json as the arguments of an event and sends it to one client. */
void hub_emit_json(struct hub *hub, struct sio_socket *socket, struct slice event);

/* talk.c: the event `message_out`, and messages that the relay brings. */
void talk_out(struct hub *hub, struct client *client, const struct sio_event *event);
/* Answers an event with an error: by its ack, else by `message_error`. */
void talk_refuse(struct hub *hub, struct client *client, const struct sio_event *event,
                 struct payload_error e);
void talk_deliver(struct hub *hub, const struct bus_message *m, struct session *receiver,
                  struct session *sender);
/* A message as `message_in`; to its sender with its client_id.  The caller owns the reference. */
struct sio_frame *talk_frame(struct hub *hub, const struct bus_message *m, bool to_sender);

#endif
