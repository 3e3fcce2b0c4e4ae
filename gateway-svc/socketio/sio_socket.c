/* sio_socket.c - one client in one namespace */
#include "gateway-svc/socketio/sio_socket.h"
#include "shared/clock.h"
#include "shared/json.h"
#include "shared/token.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REFUSALS_MAX 16 /* each may cost the application a look-up, for somebody unknown */
#define PUBLIC_ID_LEN 20
#define ERROR_MAX 65536 /* of a refusal's message, escaped */

/* ---- The list of a connection ---------------------------------------------------------------- */

static struct sio_socket *first_of(const struct eio_conn *conn)
{
    return conn->upper;
}

struct sio_socket *sio_socket_new(struct eio_conn *conn, struct sio_namespace *nsp)
{
    struct sio_socket *socket = calloc(1, sizeof *socket);
    if (!socket) {
        return NULL;
    }
    socket->conn = conn;
    socket->nsp = nsp;
    socket->refs = 1;
    socket->next = first_of(conn);
    conn->upper = socket;
    return socket;
}

static bool is_member(const struct sio_socket *socket)
{
    return socket->state == SIO_JOINING || socket->state == SIO_OPEN;
}

struct sio_socket *sio_socket_find(const struct eio_conn *conn, const struct sio_namespace *nsp)
{
    struct sio_socket *socket = first_of(conn);
    while (socket && (socket->nsp != nsp || !is_member(socket))) {
        socket = socket->next;
    }
    return socket;
}

uint32_t sio_socket_count(const struct eio_conn *conn)
{
    uint32_t count = 0;
    for (const struct sio_socket *s = first_of(conn); s; s = s->next) {
        count += is_member(s) ? 1 : 0;
    }
    return count;
}

/* The one place where the state changes: always further on. */
static void set_state(struct sio_socket *socket, enum sio_socket_state state)
{
    assert((uint8_t)state > socket->state);
    socket->state = (uint8_t)state & 127U;
}

/* Out of its connection's list, which gives up its reference. */
static void let_go(struct sio_socket *socket)
{
    struct sio_socket *before = first_of(socket->conn);
    if (before == socket) {
        socket->conn->upper = socket->next;
    } else {
        while (before->next != socket) {
            before = before->next;
        }
        before->next = socket->next;
    }
    socket->conn = NULL;
    socket->next = NULL;
    set_state(socket, SIO_GONE);
    sio_socket_unref(socket);
}

void sio_socket_leave(struct sio_socket *socket, enum sio_reason reason)
{
    if (is_member(socket)) {
        set_state(socket, SIO_LEFT);
        socket->reason = (uint8_t)reason;
        eio_conn_touch(socket->conn);
    }
}

static struct sio_socket *first_left(const struct eio_conn *conn)
{
    struct sio_socket *socket = first_of(conn);
    while (socket && socket->state != SIO_LEFT) {
        socket = socket->next;
    }
    return socket;
}

static void tell_disconnect(struct sio_socket *socket)
{
    const struct sio_namespace *nsp = socket->nsp;
    if (nsp->handler->disconnect) {
        nsp->handler->disconnect(nsp->app, socket, (enum sio_reason)socket->reason);
    }
}

void sio_sockets_reap(struct eio_conn *conn)
{
    struct sio_socket *socket;
    while ((socket = first_left(conn))) { /* from the front: callbacks may change the list */
        sio_socket_ref(socket);
        let_go(socket);
        sio_acks_fail(socket->nsp->acks, socket);
        tell_disconnect(socket);
        sio_socket_unref(socket);
    }
}

static void tell_drained(struct sio_socket *socket)
{
    const struct sio_namespace *nsp = socket->nsp;
    socket->wants_drained = false;
    if (nsp->handler->drained) {
        nsp->handler->drained(nsp->app, socket);
    }
}

/* Those that have left are gone already. */
static struct sio_socket *first_to_be_told(const struct eio_conn *conn)
{
    struct sio_socket *socket = first_of(conn);
    while (socket && !socket->wants_drained) {
        socket = socket->next;
    }
    return socket;
}

void sio_sockets_turn(struct eio_conn *conn)
{
    struct sio_socket *socket;
    sio_sockets_reap(conn);
    while ((socket = first_to_be_told(conn))) {
        if (eio_conn_queued(conn) > EIO_DRAINED) {
            eio_conn_watch(conn);
            return;
        }
        tell_drained(socket);
    }
}

void sio_sockets_end(struct eio_conn *conn, enum sio_reason reason)
{
    for (struct sio_socket *s = first_of(conn); s; s = s->next) {
        sio_socket_leave(s, reason);
    }
    sio_sockets_reap(conn);
}

/* ---- The public functions -------------------------------------------------------------------- */

/* Is it in that state, on a connection that still lives? */
static bool is_in(const struct sio_socket *socket, enum sio_socket_state state)
{
    return socket->state == state && eio_conn_is_open(socket->conn);
}

static void send_packet(struct sio_socket *socket, enum sio_packet_type type,
                        const struct slice *body, size_t count)
{
    struct sio_frame *frame = sio_namespace_packet(socket->nsp, type, body, count);
    eio_conn_send(socket->conn, frame);
    sio_frame_unref(frame);
}

bool sio_socket_accept(struct sio_socket *socket)
{
    if (!is_in(socket, SIO_JOINING)) {
        return false;
    }
    char id[PUBLIC_ID_LEN + 1];
    random_text(id, PUBLIC_ID_LEN);
    const struct slice body[] = {
        SLICE("{\"sid\":\""), {id, PUBLIC_ID_LEN},
         SLICE("\"}")
    };
    set_state(socket, SIO_OPEN);
    eio_conn_joined(socket->conn);
    send_packet(socket, SIO_PACKET_CONNECT, body, 3);
    return true;
}

void sio_socket_count_refusal(struct eio_conn *conn)
{
    conn->refusals++;
    if (conn->refusals >= REFUSALS_MAX) {
        eio_conn_end(conn, SIO_PARSE_ERROR, 0, "too many refused CONNECTs");
    }
}

void sio_socket_refuse(struct sio_socket *socket, struct slice message, struct slice data_json)
{
    struct buf text;
    if (!is_in(socket, SIO_JOINING)) {
        return;
    }
    buf_init(&text, ERROR_MAX);
    if (!json_append_string(&text, message)) {
        buf_clear(&text);
        buf_append(&text, SLICE("\"refused\""));
    }
    const struct slice body[] = {SLICE("{\"message\":"), buf_slice(&text),
                                 data_json.len > 0 ? SLICE(",\"data\":") : SLICE(""), data_json,
                                 SLICE("}")};
    send_packet(socket, SIO_PACKET_CONNECT_ERROR, body, 5);
    buf_deinit(&text);
    sio_socket_count_refusal(socket->conn);
    let_go(socket);
}

/* The client does not know yet: what it sent in the meantime is not held against it. */
static void leave_by_server(struct sio_socket *socket)
{
    if (socket->state == SIO_OPEN) {
        send_packet(socket, SIO_PACKET_DISCONNECT, NULL, 0);
    }
    if (socket->conn) {
        socket->conn->left |= socket->nsp->bit;
        sio_socket_leave(socket, SIO_SERVER_DISCONNECT);
    }
}

void sio_socket_disconnect(struct sio_socket *socket, bool close)
{
    struct eio_conn *conn = socket->conn;
    leave_by_server(socket);
    if (!close || !conn) {
        return;
    }
    for (struct sio_socket *s = first_of(conn); s; s = s->next) {
        leave_by_server(s);
    }
    eio_conn_end(conn, SIO_SERVER_DISCONNECT, 0, NULL);
}

void sio_socket_close(struct sio_socket *socket, uint16_t code)
{
    if (socket->conn) {
        eio_conn_end(socket->conn, SIO_SERVER_CLOSE, code, NULL);
    }
}

bool sio_socket_is_open(const struct sio_socket *socket)
{
    return is_in(socket, SIO_OPEN);
}

void sio_socket_set_data(struct sio_socket *socket, void *data)
{
    socket->data = data;
}

void *sio_socket_data(const struct sio_socket *socket)
{
    return socket->data;
}

void sio_socket_ref(struct sio_socket *socket)
{
    socket->refs++;
}

void sio_socket_unref(struct sio_socket *socket)
{
    if (!socket) {
        return;
    }
    assert(socket->refs > 0);
    if (--socket->refs == 0) {
        free(socket);
    }
}

void sio_socket_emit(struct sio_socket *socket, struct sio_frame *frame)
{
    if (sio_socket_is_open(socket)) {
        eio_conn_send(socket->conn, frame);
    }
}

void sio_socket_when_drained(struct sio_socket *socket)
{
    if (sio_socket_is_open(socket)) {
        socket->wants_drained = true;
        eio_conn_touch(socket->conn);
    }
}

static void send_message(struct sio_socket *socket, const struct sio_message *message)
{
    struct sio_frame *frame = sio_namespace_message(socket->nsp, message);
    eio_conn_send(socket->conn, frame);
    sio_frame_unref(frame);
}

void sio_socket_ack_data(struct sio_socket *socket, uint64_t ack_id, struct slice args_json,
                         const struct slice *data, size_t count)
{
    struct buf id;
    if (!sio_socket_is_open(socket)) {
        return;
    }
    buf_init(&id, 24);
    buf_u64(&id, ack_id);
    send_message(socket, &(struct sio_message){.type = SIO_PACKET_ACK,
                                               .head = buf_slice(&id),
                                               .args = args_json,
                                               .data = data,
                                               .data_count = count});
    buf_deinit(&id);
}

void sio_socket_ack(struct sio_socket *socket, uint64_t ack_id, struct slice args_json)
{
    sio_socket_ack_data(socket, ack_id, args_json, NULL, 0);
}

bool sio_socket_ask(struct sio_socket *socket, struct slice name, struct slice args_json,
                    sio_ack_fn *fn, void *arg)
{
    struct buf id;
    assert(!sio_packet_is_reserved(name));
    if (!sio_socket_is_open(socket) || socket->asked >= SIO_ACKS_MAX) {
        return false;
    }
    buf_init(&id, 24);
    buf_u64(&id, sio_acks_ask(socket->nsp->acks, socket, clock_mono_us(), fn, arg));
    send_message(socket, &(struct sio_message){.type = SIO_PACKET_EVENT,
                                               .head = buf_slice(&id),
                                               .name = name,
                                               .args = args_json});
    buf_deinit(&id);
    return true;
}

size_t sio_socket_queued(const struct sio_socket *socket)
{
    return socket->conn ? eio_conn_queued(socket->conn) : 0;
}
