/* crowd.h - all users of one load generator, and the loop that serves them */
#ifndef PARLEY_BENCH_CROWD_H
#define PARLEY_BENCH_CROWD_H

#include "tests/bench/load/client.h"
#include "tests/bench/load/latencies.h"

#define CROWD_MAX 19500 /* one process has 20,000 files at most */

/* Where users can be brought to. */
enum crowd_goal {
    GOAL_IN,     /* logged in (from OUT) */
    GOAL_ONLINE, /* connected (from IN) */
    GOAL_LISTED, /* logged in, connected, with the full list of users (from OUT) */
    GOAL_OUT     /* logged out (from IN) */
};

/* Some users on their way; zeroed and with the first four set by the caller. */
struct crowd_way {
    enum crowd_goal goal;
    uint32_t next, end; /* users from `next` on, up to and without `end`, have not begun */
    uint32_t at_once;   /* as many at most are on their way; 0: crowd_go begins with nobody */
    uint32_t pending, done, failed;
    struct latencies times; /* how long each one took */
};

struct crowd {
    struct client_world world; /* on_said and arg are the caller's to set */
    struct client *clients;    /* CROWD_MAX */
    uint32_t count;            /* the first of them that have been used */
    uint32_t *todo;            /* who has to be brought on at the end of this turn */
    uint32_t todo_count;
    struct crowd_way *way; /* NULL: nobody is on his way */
    uint64_t now_us;       /* of the monotonic clock, when the last bytes were read */
};

void crowd_init(struct crowd *c);
void crowd_deinit(struct crowd *c);

/* Waits up to wait_us for something to happen (0: not at all) and serves it.  True when a file can
 * be read that somebody else put into world.epoll, with data.ptr NULL. */
bool crowd_turn(struct crowd *c, uint64_t wait_us);

/* Sets one user going on the crowd's way. */
void crowd_begin(struct crowd *c, uint32_t index);
/* Sets as many going as the way allows; the time of each begins now. */
void crowd_go(struct crowd *c);
/* Brings all of them there; false when that took longer than limit_us, or somebody failed. */
bool crowd_bring(struct crowd *c, struct crowd_way *way, uint64_t limit_us);

uint32_t crowd_online(const struct crowd *c);

#endif
