/* sio_socket.h - one client in one namespace
 *
 * The public functions are described in sio.h.  A connection holds its sockets in a list
 * (conn->upper), and one reference to each.
 *
 *     JOINING --accept--> OPEN --left by either side, or the connection ended--> LEFT --> GONE
 *
 * LEFT waits for its disconnect callback, which comes at the end of the turn of the loop. */
#ifndef PARLEY_SIO_SOCKET_H
#define PARLEY_SIO_SOCKET_H

#include "gateway-svc/socketio/eio_conn.h"
#include "gateway-svc/socketio/sio_namespace.h"

enum sio_socket_state { SIO_JOINING = 0, SIO_OPEN, SIO_LEFT, SIO_GONE };

struct sio_socket {
    struct sio_socket *next; /* of the same connection */
    struct eio_conn *conn;   /* NULL when GONE */
    struct sio_namespace *nsp;
    void *data; /* the application's */
    uint32_t refs;
    uint16_t asked; /* answers outstanding, see sio_acks.h */
    bool wants_drained : 1;
    uint8_t state : 7; /* enum sio_socket_state */
    uint8_t reason;    /* enum sio_reason, from LEFT on */
};

/* A new socket, JOINING, in the connection's list; NULL when memory runs out. */
struct sio_socket *sio_socket_new(struct eio_conn *conn, struct sio_namespace *nsp);
/* The connection's socket in that namespace, JOINING or OPEN, or NULL. */
struct sio_socket *sio_socket_find(const struct eio_conn *conn, const struct sio_namespace *nsp);
/* JOINING and OPEN ones of the connection. */
uint32_t sio_socket_count(const struct eio_conn *conn);

/* A CONNECT was answered CONNECT_ERROR: after too many of them the connection ends. */
void sio_socket_count_refusal(struct eio_conn *conn);
void sio_socket_leave(struct sio_socket *socket, enum sio_reason reason); /* becomes LEFT */
/* Calls back for each LEFT socket of the connection, and lets it go. */
void sio_sockets_reap(struct eio_conn *conn);
/* The end of a turn: reaps, and calls back whoever waits for the queue to drain, if it has. */
void sio_sockets_turn(struct eio_conn *conn);
/* The connection has ended: all its sockets with it. */
void sio_sockets_end(struct eio_conn *conn, enum sio_reason reason);

#endif
