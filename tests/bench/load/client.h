/* client.h - one user of the load generator: logs in, connects, reads what comes
 *
 * Never blocks: what it has to wait for comes by epoll, and client_ready goes on from there. */
#ifndef PARLEY_BENCH_CLIENT_H
#define PARLEY_BENCH_CLIENT_H

#include "tests/bench/load/dialect.h"
#include <netinet/in.h>

enum client_state {
    CLIENT_OUT = 0,     /* nobody knows of him */
    CLIENT_LOGGING_IN,  /* has asked for a token */
    CLIENT_IN,          /* may connect */
    CLIENT_OPENING,     /* has asked for a transport */
    CLIENT_GREETING,    /* has said hello, or waits for the server to speak */
    CLIENT_ONLINE,      /* was taken */
    CLIENT_LOGGING_OUT, /* has asked for the end of his session */
    CLIENT_FAILED       /* was refused or cut off; has no socket */
};

struct client;

/* What all clients share. */
#define WORLD_GATEWAYS 8
struct client_world {
    const struct dialect *dialect;
    const char *prefix; /* of all names */
    bool polling;       /* else WebSockets from the start */
    int epoll;
    struct sockaddr_in gateways[WORLD_GATEWAYS], auth;
    uint32_t gateway_count;

    /* He has another state, or the whole list.  Calls no client function. */
    void (*on_state)(struct client *c);
    /* What is not about his connection.  May call client_say, nothing else.  NULL: nobody cares. */
    void (*on_said)(void *arg, const struct client *c, const struct said *said);
    void *arg;
};

#define CLIENT_TOKEN_MAX 64
struct client {
    struct client_world *world;
    uint32_t index;
    int fd; /* -1: none */
    enum client_state state;
    bool framed; /* past the 101: WebSocket frames; before and else HTTP */
    bool listed; /* has got a full list of users since he connected */
    bool writes; /* epoll tells when there is room */
    char token[CLIENT_TOKEN_MAX], sid[CLIENT_TOKEN_MAX];
    struct buf in;      /* the beginning of something that is not all there */
    struct buf out;     /* what the kernel did not take */
    struct buf to_post; /* polling: packets that leave when the poll has been answered */
    bool busy;          /* the crowd's: on its way to what the crowd wants */
    uint64_t began_us;  /* the crowd's: since when */
};

void client_init(struct client *c, struct client_world *world, uint32_t index);
void client_deinit(struct client *c);

void client_name(const struct client *c, struct buf *out);

/* From OUT: to IN, at once where the dialect has no login. */
void client_log_in(struct client *c);
/* From IN: to ONLINE. */
void client_connect(struct client *c);
/* From IN, with no socket: to OUT. */
void client_log_out(struct client *c);
/* Closes his socket without a word: to IN if he had got there, else OUT. */
void client_drop(struct client *c);

/* Says one packet, when ONLINE over a WebSocket. */
void client_say(struct client *c, struct slice packet);

/* What epoll saw of his socket. */
void client_ready(struct client *c, uint32_t events);

#endif
