/* lag.h - clients that read too slowly to be told each change of the list of users
 *
 * While more than LAG_BYTES wait for a client, the changes of the list are not added to that.  When
 * half of it has left it gets what it missed, or the whole list if that is no longer known: so it
 * is late, and never wrong.  Messages always wait in the queue. */
#ifndef PARLEY_LAG_H
#define PARLEY_LAG_H

#include "gateway-svc/app/clients.h"
#include "gateway-svc/app/crowd.h"
#include <ev.h>
#include <sys/queue.h>

#define LAG_BYTES ((size_t)65536)

struct lag {
    TAILQ_HEAD(, laggard) laggards;
    struct ev_loop *loop;
    struct crowd *crowd; /* borrowed */
    size_t bytes;        /* LAG_BYTES, or half of what may wait at all */
    ev_timer look;       /* runs while anybody lags behind */
};

/* `queue_max_bytes`: of the server. */
void lag_init(struct lag *lag, struct ev_loop *loop, struct crowd *crowd, size_t queue_max_bytes);
/* Nobody lags behind any more.  A zeroed one is allowed. */
void lag_deinit(struct lag *lag);
/* May that client be told the change of this number (crowd.h) now?  False: it will be later. */
bool lag_is_in_time(struct lag *lag, struct client *client, size_t change);
/* It is gone, or has been told everything. */
void lag_forget(struct lag *lag, struct client *client);

#endif
