/* link.c - the table of a link's states */
#include "gateway-svc/relay/link.h"

/* Rows hold what differs from "stay and do nothing".  LOST, REFUSED, DEAF and LEAVE are the same in
 * every state, or in all of a kind, and stand in link_next. */
static const struct {
    bool set;
    struct link_step step;
} steps[LINK_STATES][LINK_EVENTS] = {
    [LINK_DOWN][LINK_EV_CONNECTED] = {true, {LINK_RENEWING, LINK_ACT_RENEW_NEW}  },
    [LINK_RENEWING][LINK_EV_RENEWED] = {true, {LINK_PROVING, LINK_ACT_NONE}        },
    [LINK_PROVING][LINK_EV_PROVEN] = {true, {LINK_ATTACHING, LINK_ACT_ATTACH_ALL}},
    [LINK_PROVING][LINK_EV_TICK] = {true, {LINK_PROVING, LINK_ACT_RENEW_KEEP}  },
    [LINK_ATTACHING][LINK_EV_ATTACHED] = {true, {LINK_FILLING, LINK_ACT_FILL}        },
    [LINK_ATTACHING][LINK_EV_STALE] = {true, {LINK_ATTACHING, LINK_ACT_ATTACH_ALL}},
    [LINK_ATTACHING][LINK_EV_TICK] = {true, {LINK_ATTACHING, LINK_ACT_RENEW_KEEP}},
    [LINK_FILLING][LINK_EV_FILLED] = {true, {LINK_PRUNING, LINK_ACT_PRUNE}       },
    [LINK_FILLING][LINK_EV_STALE] = {true, {LINK_ATTACHING, LINK_ACT_ATTACH_ALL}},
    [LINK_FILLING][LINK_EV_TICK] = {true, {LINK_FILLING, LINK_ACT_RENEW_KEEP}  },
    [LINK_PRUNING][LINK_EV_PRUNED] = {true, {LINK_UP, LINK_ACT_SERVE}            },
    [LINK_PRUNING][LINK_EV_STALE] = {true, {LINK_ATTACHING, LINK_ACT_ATTACH_ALL}},
    [LINK_PRUNING][LINK_EV_TICK] = {true, {LINK_PRUNING, LINK_ACT_RENEW_KEEP}  },
    [LINK_UP][LINK_EV_STALE] = {true, {LINK_ATTACHING, LINK_ACT_ATTACH_ALL}},
    [LINK_UP][LINK_EV_TICK] = {true, {LINK_UP, LINK_ACT_RENEW_KEEP}       },
};

struct link_step link_next(enum link_state state, enum link_event event)
{
    if (event == LINK_EV_LOST) {
        return (struct link_step){LINK_DOWN, state ? LINK_ACT_FORGET : LINK_ACT_NONE};
    }
    if (event == LINK_EV_REFUSED || event == LINK_EV_DEAF) {
        return (struct link_step){state, state ? LINK_ACT_RESET : LINK_ACT_NONE};
    }
    if (event == LINK_EV_LEAVE) {
        return (struct link_step){LINK_DOWN, link_is_open(state) ? LINK_ACT_LEAVE : LINK_ACT_NONE};
    }
    if (steps[state][event].set) {
        return steps[state][event].step;
    }
    return (struct link_step){state, LINK_ACT_NONE};
}

bool link_is_open(enum link_state state)
{
    return state >= LINK_ATTACHING;
}

const char *link_state_name(enum link_state state)
{
    static const char *const names[LINK_STATES] = {"down",    "renewing", "proving", "attaching",
                                                   "filling", "pruning",  "up"};
    return names[state];
}
