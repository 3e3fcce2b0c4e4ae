/* link.h - the states of a gateway's link to Redis (pure)
 *
 * A link is one pair of connections (commands, and subscriptions) under one number.  It serves
 * users only after this order was kept: renew gives the number; the nonce that renew published
 * comes back, which proves the subscription; every local session is attached again; what was missed
 * meanwhile is fetched and delivered; what is left of older links is pruned.  Messages are held
 * from the proof until they were filled, and so they are whenever some were missed.  Whatever goes
 * wrong leads to a new pair of connections and a new number. */
#ifndef PARLEY_LINK_H
#define PARLEY_LINK_H

#include <stdbool.h>

enum link_state {
    LINK_DOWN = 0,  /* not both connections are up */
    LINK_RENEWING,  /* the first renew is on its way */
    LINK_PROVING,   /* numbered; the nonce has not come back yet */
    LINK_ATTACHING, /* local sessions are being attached; new ones may be */
    LINK_FILLING,   /* ... and are; what was missed is being fetched */
    LINK_PRUNING,   /* messages are delivered; leftovers of older links are being removed */
    LINK_UP,
    LINK_STATES
};

enum link_event {
    LINK_EV_CONNECTED, /* both connections are up */
    LINK_EV_LOST,      /* one of them is gone */
    LINK_EV_RENEWED,   /* renew was answered with a number */
    LINK_EV_PROVEN,    /* the nonce came back */
    LINK_EV_ATTACHED,  /* every session's attach was answered */
    LINK_EV_FILLED,    /* what was missed is delivered */
    LINK_EV_PRUNED,
    LINK_EV_STALE,   /* a new epoch, or a hole in a channel: attach everything again, and fill */
    LINK_EV_TICK,    /* time to renew */
    LINK_EV_REFUSED, /* a command was refused for its number, or the lease has lapsed */
    LINK_EV_DEAF,    /* the last nonce did not come back in time */
    LINK_EV_LEAVE,   /* this gateway ends, on purpose */
    LINK_EVENTS
};

enum link_action {
    LINK_ACT_NONE = 0,
    LINK_ACT_RENEW_NEW,  /* ask for a number */
    LINK_ACT_RENEW_KEEP, /* extend the lease */
    LINK_ACT_ATTACH_ALL, /* attach every local session */
    LINK_ACT_FILL,       /* fetch what was missed */
    LINK_ACT_PRUNE,
    LINK_ACT_SERVE,  /* the link is up */
    LINK_ACT_FORGET, /* nothing is attached any more as far as we know */
    LINK_ACT_RESET,  /* drop both connections; LINK_EV_LOST follows */
    LINK_ACT_LEAVE   /* give the lease back */
};

struct link_step {
    enum link_state next;
    enum link_action action;
};

/* What an event leads to.  A pair that means nothing keeps the state and does nothing. */
struct link_step link_next(enum link_state state, enum link_event event);

/* May sessions be attached and commands be sent in this state? */
bool link_is_open(enum link_state state);
const char *link_state_name(enum link_state state);

#endif
