/* telling.h - tells the live clients each change of the list of users
 *
 * One change after the other goes round: to some clients in each turn of the loop, so that messages
 * get through between them, however many clients there are.
 *
 * While more than LAG_BYTES wait for a client, the changes of the list are not added to that.  When
 * half of it has left it gets what it missed, or the whole list if that is no longer known: so it
 * is late, and never wrong.  Messages always wait in the queue. */
#ifndef PARLEY_TELLING_H
#define PARLEY_TELLING_H

#include "gateway-svc/app/clients.h"
#include "gateway-svc/app/crowd.h"
#include <ev.h>

#define LAG_BYTES ((size_t)65536)

struct telling {
    struct ev_loop *loop;
    struct crowd *crowd;     /* borrowed, as are the live clients */
    struct clients *clients; /* these, in any order */
    struct sio_frame *frame; /* the change that goes round; NULL: none */
    size_t change;           /* its number, see crowd.h */
    uint32_t due;            /* so many of the first clients are still to be told */
    ev_timer turn;
    TAILQ_HEAD(, laggard) laggards;
    size_t bytes;  /* LAG_BYTES, or half of what may wait at all */
    ev_timer look; /* runs while anybody lags behind */
};

/* `queue_max_bytes`: of the server. */
void telling_init(struct telling *t, struct ev_loop *loop, struct crowd *crowd,
                  struct clients *clients, size_t queue_max_bytes);
/* Nobody lags behind any more.  A zeroed one is allowed. */
void telling_deinit(struct telling *t);

/* Sends it round; crowd_told says when it was.  None may be on its way. */
void telling_start(struct telling *t, struct sio_frame *frame, size_t change);
/* Tells the one that goes round, if any, to all who are left, at once. */
void telling_finish(struct telling *t);

/* Of a live client: it is about to go, or has been told everything besides. */
void telling_forget(struct telling *t, struct client *client);

#endif
