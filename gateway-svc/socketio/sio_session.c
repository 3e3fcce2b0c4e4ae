/* sio_session.c - what a client's Socket.IO packets do to its connection */
#include "gateway-svc/socketio/sio_session.h"
#include "gateway-svc/socketio/sio_partial.h"
#include "gateway-svc/socketio/sio_socket.h"

#define WS_TOO_LARGE 1009

static struct sio_sessions *sessions_of(const struct eio_conn *conn)
{
    return conn->endpoint->ctx;
}

static void refuse(struct eio_conn *conn, const char *why)
{
    eio_conn_end(conn, SIO_PARSE_ERROR, 0, why);
}

/* CONNECT_ERROR for what was not let in, under the name that the client gave. */
static void send_error(struct eio_conn *conn, struct slice nsp, struct slice error_json)
{
    bool root = slice_equal(nsp, SLICE("/"));
    const struct slice parts[] = {SLICE("44"), root ? SLICE("") : nsp,
                                  root ? SLICE("") : SLICE(","), error_json};
    struct sio_frame *frame = sio_frame_new(WS_TEXT, parts, 4);
    eio_conn_send(conn, frame);
    sio_frame_unref(frame);
    sio_socket_count_refusal(conn);
}

static void on_connect(struct eio_conn *conn, struct sio_namespace *nsp,
                       const struct sio_packet *packet)
{
    if (!nsp) {
        send_error(conn, packet->nsp, SLICE("{\"message\":\"Invalid namespace\"}"));
        return;
    }
    if (sio_socket_find(conn, nsp)) {
        refuse(conn, "second CONNECT to a namespace");
        return;
    }
    if (sio_socket_count(conn) >= conn->endpoint->engine->config.max_namespaces) {
        send_error(conn, packet->nsp, SLICE("{\"message\":\"Too many namespaces\"}"));
        return;
    }
    sio_sockets_reap(conn); /* a predecessor that has just left is told first */
    struct sio_socket *socket = sio_socket_new(conn, nsp);
    if (!socket) {
        eio_conn_end(conn, SIO_TRANSPORT_ERROR, 0, "out of memory");
        return;
    }
    conn->left &= ~nsp->bit;
    nsp->handler->connect(nsp->app, socket, conn->data, packet->payload);
}

static void on_disconnect(struct eio_conn *conn, struct sio_socket *socket,
                          const struct sio_packet *packet)
{
    (void)packet;
    sio_socket_leave(socket, SIO_CLIENT_DISCONNECT);
    sio_sockets_reap(conn);
}

static void tell_event(struct sio_socket *socket, const struct sio_event *event)
{
    sio_socket_ref(socket);
    socket->nsp->handler->event(socket->nsp->app, socket, event);
    sio_socket_unref(socket);
}

static void on_event(struct eio_conn *conn, struct sio_socket *socket,
                     const struct sio_packet *packet)
{
    struct sio_event event = {.name = packet->name,
                              .args = packet->args,
                              .wants_ack = packet->has_ack_id,
                              .ack_id = packet->ack_id,
                              .data = packet->data,
                              .data_count = packet->attachments};
    struct buf room;
    (void)conn;
    if (!packet->name_escaped) {
        tell_event(socket, &event);
        return;
    }
    buf_init(&room, SIO_NAME_ROOM(packet->name.len));
    event.name = sio_packet_name(packet, &room);
    tell_event(socket, &event);
    buf_deinit(&room);
}

/* One that nobody waits for is ignored. */
static void on_ack(struct eio_conn *conn, struct sio_socket *socket,
                   const struct sio_packet *packet)
{
    const struct sio_answer answer = {
        .args = packet->payload, .data = packet->data, .data_count = packet->attachments};
    if (packet->has_ack_id) {
        sio_acks_answer(&sessions_of(conn)->acks, socket, packet->ack_id, &answer);
    }
}

typedef void packet_fn(struct eio_conn *conn, struct sio_socket *socket,
                       const struct sio_packet *packet);
static packet_fn *const in_namespace[SIO_PACKET_TYPES] = {
    [SIO_PACKET_DISCONNECT] = on_disconnect,
    [SIO_PACKET_EVENT] = on_event,
    [SIO_PACKET_ACK] = on_ack,
    [SIO_PACKET_BINARY_EVENT] = on_event,
    [SIO_PACKET_BINARY_ACK] = on_ack,
};

/* A packet for a namespace that the client should have joined. */
static void on_namespace_packet(struct eio_conn *conn, struct sio_namespace *nsp,
                                const struct sio_packet *packet)
{
    struct sio_socket *socket = nsp ? sio_socket_find(conn, nsp) : NULL;
    if (socket && socket->state == SIO_OPEN) {
        in_namespace[packet->type](conn, socket, packet);
        return;
    }
    /* It was on its way when the server left that namespace. */
    if (nsp && (conn->left & nsp->bit)) {
        return;
    }
    refuse(conn, "packet for a namespace that was not joined");
}

static void on_packet(struct eio_conn *conn, const struct sio_packet *packet)
{
    conn->endpoint->engine->stats.packets_in++;
    struct sio_namespace *nsp = sio_namespace_find(sessions_of(conn)->namespaces, packet->nsp);
    if (packet->type == SIO_PACKET_CONNECT) {
        on_connect(conn, nsp, packet);
        return;
    }
    on_namespace_packet(conn, nsp, packet);
}

/* Waits for the attachments that a packet announces.  Nobody keeps bytes for a client that has not
 * joined that namespace. */
static void await_data(struct eio_conn *conn, struct slice text, const struct sio_packet *packet)
{
    const struct sio_namespace *nsp =
        sio_namespace_find(sessions_of(conn)->namespaces, packet->nsp);
    if (!nsp || !(sio_socket_find(conn, nsp) || (conn->left & nsp->bit))) {
        refuse(conn, "packet for a namespace that was not joined");
        return;
    }
    conn->partial = sio_partial_new(text, conn->endpoint->engine->config.max_payload);
    if (!conn->partial) {
        eio_conn_end(conn, SIO_TRANSPORT_ERROR, 0, "out of memory");
    }
}

static void on_text(struct eio_conn *conn, struct slice text)
{
    struct sio_packet packet;
    if (conn->partial) {
        refuse(conn, "text in the place of an attachment");
        return;
    }
    enum sio_packet_err err = sio_packet_decode(text, &packet);
    if (err != SIO_PACKET_OK) {
        refuse(conn, sio_packet_err_name(err));
    } else if (packet.attachments > 0) {
        await_data(conn, text, &packet);
    } else {
        on_packet(conn, &packet);
    }
}

static void on_binary(struct eio_conn *conn, struct slice data)
{
    struct sio_partial *partial = conn->partial;
    if (!partial) {
        refuse(conn, "binary message without a packet that announced it");
    } else if (!sio_partial_add(partial, data)) {
        eio_conn_end(conn, SIO_TOO_LARGE, WS_TOO_LARGE, "attachments above max_payload");
    } else if (sio_partial_is_whole(partial)) {
        conn->partial = NULL;
        on_packet(conn, sio_partial_packet(partial));
        sio_partial_free(partial);
    }
}

static void on_open(struct eio_conn *conn)
{
    conn->upper = NULL; /* nothing is joined by itself */
}

static void on_ended(struct eio_conn *conn, enum sio_reason reason)
{
    sio_partial_free(conn->partial);
    conn->partial = NULL;
    sio_sockets_end(conn, reason);
}

static void on_ack_late(struct eio_engine *engine, struct eio_deadline *timeout)
{
    struct sio_sessions *sessions = engine->ack_ctx;
    sio_acks_late(&sessions->acks, timeout);
}

void sio_sessions_init(struct sio_sessions *sessions, struct eio_engine *engine)
{
    *sessions = (struct sio_sessions){
        .endpoint = {.path = engine->config.path,
                     .must_join = true,
                     .open = on_open,
                     .text = on_text,
                     .binary = on_binary,
                     .turn = sio_sockets_turn,
                     .ended = on_ended,
                     .ctx = sessions}
    };
    sessions->acks.timeouts = &engine->acks;
    engine->ack_late = on_ack_late;
    engine->ack_ctx = sessions;
    eio_engine_add(engine, &sessions->endpoint);
}

void sio_sessions_deinit(struct sio_sessions *sessions)
{
    while (sessions->namespaces) {
        struct sio_namespace *next = sessions->namespaces->next;
        sio_namespace_free(sessions->namespaces);
        sessions->namespaces = next;
    }
}

struct sio_namespace *sio_sessions_open(struct sio_sessions *sessions, const char *name,
                                        const struct sio_namespace_handler *handler, void *app)
{
    struct sio_namespace *nsp = sio_namespace_new(name, sessions->namespace_count++, handler, app);
    nsp->acks = &sessions->acks;
    nsp->next = sessions->namespaces;
    sessions->namespaces = nsp;
    return nsp;
}
