/* gateway_metrics.c - what gateway-svc tells Prometheus
 *
 * A new counter: a member of the stats of the module that counts (sio_stats, relay_stats,
 * hub_stats), and a row in the table here. */
#include "gateway-svc/app/gateway_metrics.h"
#include "gateway-svc/app/gateway_health.h"
#include "gateway-svc/app/hub_state.h"
#include "shared/service_metrics.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define SIO(kind, name, help, member) METRIC(kind, name, help, struct sio_stats, member)
#define RELAY(kind, name, help, member) METRIC(kind, name, help, struct relay_stats, member)
#define HUB(kind, name, help, member) METRIC(kind, name, help, struct hub_stats, member)
#define NOW(kind, name, help, member) METRIC(kind, name, help, struct now, member)

/* ---- Words ----------------------------------------------------------------------------------- */

const char *const hub_connect_names[HUB_CONNECTS] = {
    [HUB_WELCOMED] = "ok",
    [HUB_NOT_LOGGED_IN] = "not_logged_in",
    [HUB_SESSION_EXPIRED] = "session_expired",
    [HUB_TOO_MANY_SOCKETS] = "too_many_sockets",
    [HUB_TRY_AGAIN] = "try_again",
};
const char *const hub_end_names[HUB_ENDS] = {
    [HUB_LOGGED_OUT] = "logged_out",
    [HUB_KICKED] = "kicked",
    [HUB_EXPIRED] = "session_expired",
    [HUB_OTHER_END] = "other",
};
static const char *const event_names[HUB_EVENTS] = {
    [HUB_MESSAGE_OUT] = "message_out",
    [HUB_USER_CHANGE_OUT] = "user_change_out",
    [HUB_OTHER_EVENT] = "other",
};
static const char *const carried_names[] = {"get", "post", "websocket"};

/* ---- Tables ---------------------------------------------------------------------------------- */

static const struct metric sio_table[] = {
    SIO(METRIC_COUNTER, "parley_connections_accepted_total", "Connections that were opened.",
        accepted),
    SIO(METRIC_COUNTER, "parley_connections_upgraded_total",
        "Connections that went from long-polling to WebSocket.", upgraded),
    SIO(METRIC_COUNTER, "parley_packets_received_total", "Socket.IO packets of clients.",
        packets_in),
    SIO(METRIC_COUNTER, "parley_frames_sent_total", "Frames handed to the kernel.", frames_out),
    SIO(METRIC_COUNTER, "parley_sent_bytes_total",
        "Bytes of these frames, without HTTP heads and base64.", bytes_out),
    SIO(METRIC_GAUGE, "parley_queued_bytes", "Bytes that wait for clients to take them.",
        queued_bytes),
    METRIC_BY(METRIC_COUNTER, "parley_requests_carried_total",
              "Requests for connections of other gateways, carried there.", struct sio_stats,
              carried, METRIC_LABEL("kind", carried_names)),
};

static const struct metric relay_table[] = {
    RELAY(METRIC_COUNTER, "parley_links_opened_total", "Links to Redis that came up.", links),
    RELAY(METRIC_COUNTER, "parley_links_lost_total", "Links to Redis that were lost.", losses),
    RELAY(METRIC_COUNTER, "parley_epochs_total", "Times that Redis had lost or changed its data.",
          epochs),
    RELAY(METRIC_COUNTER, "parley_own_channel_holes_total",
          "Stretches of the gateway's own channel that did not arrive.", own_holes),
    RELAY(METRIC_COUNTER, "parley_group_holes_total",
          "Stretches of messages to the group that did not arrive.", group_holes),
    RELAY(METRIC_COUNTER, "parley_gap_fills_total",
          "Times that what a gateway had missed was fetched from Redis.", fills),
    RELAY(METRIC_COUNTER, "parley_bad_lines_total",
          "Lines on the channels that are not Parley's; ignored.", bad_lines),
    RELAY(METRIC_COUNTER, "parley_sessions_refused_total",
          "Sessions that Redis did not know, or did not let in now.", refused),
    RELAY(METRIC_TIME, "parley_nonce_seconds",
          "From asking Redis for a line on the own channel to its arrival.", nonces),
    RELAY(METRIC_GAUGE, "parley_sessions", "Sessions that are served here.", sessions),
    RELAY(METRIC_GAUGE, "parley_settling", "1 while Redis settles and messages wait.", settling),
};

static const char *const yes_or_no[] = {"false", "true"};
static const struct metric hub_table[] = {
    METRIC_BY(METRIC_COUNTER, "parley_connects_total",
              "Answers to clients that wanted in, by their code.", struct hub_stats, connects,
              METRIC_LABEL("code", hub_connect_names)),
    METRIC_BY(METRIC_COUNTER, "parley_events_received_total", "Events of clients, by name.",
              struct hub_stats, events, METRIC_LABEL("event", event_names)),
    HUB(METRIC_COUNTER, "parley_messages_accepted_total", "Messages that Redis accepted.",
        accepted),
    HUB(METRIC_COUNTER, "parley_messages_repeated_total",
        "Messages that had been accepted before under the same client_id.", dups),
    HUB(METRIC_COUNTER, "parley_messages_delivered_total",
        "Messages given to sockets, one for each.", delivered),
    HUB(METRIC_COUNTER, "parley_replayed_messages_total",
        "Messages that clients had missed and got when they came back.", replayed),
    METRIC_BY(METRIC_COUNTER, "parley_recovered_total",
              "Clients that came back with last_id, by whether they got all that they had missed.",
              struct hub_stats, recovered, METRIC_LABEL("recovered", yes_or_no)),
    HUB(METRIC_COUNTER, "parley_told_lost_total",
        "Connected clients that were told that messages are missing.", told_lost),
    METRIC_BY(METRIC_COUNTER, "parley_sessions_ended_total",
              "Sessions served here that came to their end, by its code.", struct hub_stats, ended,
              METRIC_LABEL("code", hub_end_names)),
};

struct now {
    uint64_t carriers[2]; /* connections by what carries them */
    uint64_t sockets, users;
};
static const char *const carrier_names[] = {"polling", "websocket"};

static const struct metric now_table[] = {
    METRIC_BY(METRIC_GAUGE, "parley_connections", "Open connections, by what carries them.",
              struct now, carriers, METRIC_LABEL("transport", carrier_names)),
    NOW(METRIC_GAUGE, "parley_sockets", "Sockets that were welcomed and are there.", sockets),
    NOW(METRIC_GAUGE, "parley_users", "Names in the list of users, as clients were told last.",
        users),
};

/* ---- Labels whose words others own ----------------------------------------------------------- */

static void put_closed(struct buf *out, const struct sio_stats *stats)
{
    const char *names[SIO_REASONS];
    for (size_t i = 0; i < SIO_REASONS; i++) {
        names[i] = sio_reason_name((enum sio_reason)i);
    }
    const struct metric row = METRIC_BY(METRIC_COUNTER, "parley_connections_closed_total",
                                        "Connections that came to their end, by reason.",
                                        struct sio_stats, closed, METRIC_LABEL("reason", names));
    metrics_write(out, &row, 1, stats);
}

static void put_refused(struct buf *out, const struct sio_stats *stats)
{
    const char *names[SIO_REFUSALS];
    for (size_t i = 0; i < SIO_REFUSALS; i++) {
        names[i] = sio_refusal_name((enum sio_refusal)i);
    }
    const struct metric row =
        METRIC_BY(METRIC_COUNTER, "parley_requests_refused_total",
                  "Requests of the clients' port that were refused, by reason.", struct sio_stats,
                  refused, METRIC_LABEL("reason", names));
    metrics_write(out, &row, 1, stats);
}

static void put_states(struct buf *out, const struct relay_stats *stats)
{
    const char *names[LINK_STATES];
    for (size_t i = 0; i < LINK_STATES; i++) {
        names[i] = link_state_name((enum link_state)i);
    }
    const struct metric row =
        METRIC_BY(METRIC_GAUGE, "parley_link_state", "1 at the state of the link to Redis.",
                  struct relay_stats, state, METRIC_LABEL("state", names));
    metrics_write(out, &row, 1, stats);
}

static void put_errors(struct buf *out, const struct hub_stats *stats)
{
    const char *names[CHAT_ERRS - 1]; /* CHAT_OK is none */
    for (size_t i = 1; i < CHAT_ERRS; i++) {
        names[i - 1] = chat_err_code((enum chat_err)i);
    }
    const struct metric row = METRIC_BY(METRIC_COUNTER, "parley_events_refused_total",
                                        "Events answered with an error, by its code.",
                                        struct hub_stats, refused[1], METRIC_LABEL("code", names));
    metrics_write(out, &row, 1, stats);
}

/* ---- All of it ------------------------------------------------------------------------------- */

void gateway_metrics_write(struct hub *hub, struct buf *out)
{
    const struct sio_stats *sio = sio_server_stats(hub->server);
    const struct relay_stats *relay = relay_stats(hub->relay);
    const struct service_metrics service = {.loop = hub->watch,
                                            .functions = relay_functions(hub->relay),
                                            .ready = hub_readiness(hub) == NULL};
    const struct now now = {
        .carriers = {sio->polling, sio->connections - sio->polling},
        .sockets = hub->welcomed.count,
        .users = crowd_size(hub->crowd)
    };
    service_metrics_write(out, &service);
    metrics_write(out, now_table, ROWS(now_table), &now);
    metrics_write(out, sio_table, ROWS(sio_table), sio);
    put_closed(out, sio);
    put_refused(out, sio);
    metrics_write(out, relay_table, ROWS(relay_table), relay);
    put_states(out, relay);
    metrics_write(out, hub_table, ROWS(hub_table), &hub->stats);
    put_errors(out, &hub->stats);
}
