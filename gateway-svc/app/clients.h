/* clients.h - users of this gateway and their sockets: plain bookkeeping, no rules */
#ifndef PARLEY_CLIENTS_H
#define PARLEY_CLIENTS_H

#include "gateway-svc/relay/sessions.h"
#include "gateway-svc/socketio/sio.h"
#include "shared/bucket.h"

#define CLIENT_WAITING SIZE_MAX

/* One socket. */
struct client {
    struct sio_socket *socket;
    struct user *user;
    struct client *next; /* the user's next socket */
    size_t place;        /* among the welcomed; CLIENT_WAITING until then */
};

/* One session with its sockets on this gateway. */
struct user {
    struct session *session; /* NULL once it ended or was refused */
    struct client *clients;
    unsigned count;
    struct bucket messages; /* how much may still be sent */
};

/* All clients that were welcomed, densely, so that a message to everybody is one walk. */
struct clients {
    struct client **at;
    size_t count, cap;
};

struct user *user_new(struct session *session);
/* A user without sockets is freed by its owner. */
void user_free(struct user *user);

struct client *client_new(struct user *user, struct sio_socket *socket);
/* Leaves its user (which may have no socket after it) and the welcomed, and is freed. */
void client_free(struct clients *all, struct client *client);
void clients_welcome(struct clients *all, struct client *client);

#endif
