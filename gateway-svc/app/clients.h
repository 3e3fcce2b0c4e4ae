/* clients.h - users of this gateway and their sockets: plain bookkeeping, no rules */
#ifndef PARLEY_CLIENTS_H
#define PARLEY_CLIENTS_H

#include "gateway-svc/relay/sessions.h"
#include "gateway-svc/socketio/sio.h"
#include "shared/bucket.h"
#include <sys/queue.h>

struct replay;

enum client_state {
    /* Not let in yet: the attach, or the first page of what it missed, is out. */
    CLIENT_WAITING = 0,
    CLIENT_CATCHING, /* let in, and gets what it missed */
    CLIENT_LIVE      /* gets what happens */
};
_Static_assert(CLIENT_LIVE < 4, "a state has two bits in struct client");

#define CLIENT_NOWHERE UINT32_MAX

/* One socket. */
struct client {
    struct sio_socket *socket;
    struct user *user;
    struct client *next; /* the user's next socket */
    union {
        uint64_t seen;         /* LIVE: the highest message id that it got, or need not get */
        struct replay *replay; /* else: how it catches up; NULL: nothing is known of that yet */
    };
    union {
        uint64_t knows;          /* see client_knows */
        struct laggard *laggard; /* if it lags: this, and what it was not told; see telling.h */
    };
    uint64_t said;      /* the last id that one of its messages got */
    uint32_t place;     /* in the list that it is in, or CLIENT_NOWHERE */
    uint32_t owed : 28; /* its messages that wait for Redis */
    uint32_t state : 2; /* enum client_state */
    bool lags : 1;      /* behind with the list of users */
    bool going : 1;     /* it is to be closed when its messages are answered; see drain.h */
};
_Static_assert(sizeof(struct client) <= 56, "more would cost each idle user 16 bytes");

/* A live client that lags behind: those who do not, nearly all, pay nothing for it. */
struct laggard {
    struct client *client;
    uint64_t knows; /* the client's */
    size_t missed;  /* the first change of the list that it was not told */
    TAILQ_ENTRY(laggard) others;
};

/* One session with its sockets on this gateway. */
struct user {
    struct session *session; /* NULL once it ended or was refused */
    struct client *clients;
    unsigned count;
    struct bucket messages; /* how much may still be sent */
};

/* Some of the clients, densely, so that a message to all of them is one walk.  A client is in one
 * list at most. */
struct clients {
    struct client **at;
    uint32_t count, cap;
};

struct user *user_new(struct session *session);
/* A user without sockets is freed by its owner. */
void user_free(struct user *user);

struct client *client_new(struct user *user, struct sio_socket *socket);
/* Leaves its user, which may have no socket after it, and is freed; it is in no list any more. */
void client_free(struct client *client);
/* What is lost and not above this id it knows of, from its own pages or otherwise; UINT64_MAX
 * before it is live for the first time: all of it will be in its pages.  Valid until it lags, or no
 * more. */
uint64_t *client_knows(struct client *client);

void clients_add(struct clients *list, struct client *client);
void clients_remove(struct clients *list, struct client *client);
/* Each takes the other's place in the list. */
void clients_swap(struct clients *list, struct client *a, struct client *b);

#endif
