/* people.h - users with one or two clients each, who chat, wander and quarrel
 *
 * They log in, connect to any gateway, send, retry, lose their network, come back with `last_id`,
 * log out, are kicked.  Each client keeps what it got; judge.h looks at it. */
#ifndef PARLEY_SIM_PEOPLE_H
#define PARLEY_SIM_PEOPLE_H

#include "shared/slice.h"
#include <stdbool.h>
#include <stdint.h>

struct ev_loop;

struct people_config {
    uint64_t grace_ms, lease_ms;
    uint64_t keep_ms; /* what is younger may still be fetched by whoever returns */
    struct ev_loop *(*some_gateway)(void); /* a living one, or NULL */
    /* When that gateway last served its users: it ran, and its link to Redis was up. */
    uint64_t (*served_us)(const struct ev_loop *gateway);
};

void people_begin(const struct people_config *config);
void people_end(void);

/* One of them does something. */
void people_act(void);
/* From now on nobody sends, leaves or is kicked; whoever has a session comes back. */
void people_calm(bool calm);
/* When the last name is free that is taken by a login that nobody knows of any more and that has
 * not connected: a replica brings it back, and it has all its time to connect then (Redis says for
 * how long to whoever wants to log in).  0: none is. */
uint64_t people_names_free_us(void);
/* Everybody leaves for good, without logging out. */
void people_leave(void);

/* What was done, for a line at the end. */
struct people_figures {
    unsigned logins, sent, accepted, delivered, replays, recovered, told_lost;
};
struct people_figures people_figures(void);

#endif
