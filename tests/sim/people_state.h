/* people_state.h - what people.c (what they do) and judge.c (what they may expect) share */
#ifndef PARLEY_SIM_PEOPLE_STATE_H
#define PARLEY_SIM_PEOPLE_STATE_H

#include "shared/token.h"
#include "tests/sim/people.h"
#include "tests/sim/time.h"

#define USERS 6
#define DEVICES 2
#define MESSAGES 8192
#define GROUP USERS /* as a receiver */

/* One message that somebody wanted to send; its number is its client_id and the id of its ack. */
struct wish {
    unsigned from, to, login;
    uint64_t accepted_id; /* 0: not yet, as far as Redis says */
    unsigned losses;      /* how often Redis had lost its data by then */
    bool answered_ok;
};

/* One that was accepted, in the order of ids. */
struct accepted {
    uint64_t id;
    unsigned wish;
    unsigned to_login; /* of the receiver, when it was accepted */
    uint64_t at_us;
};

enum device_state { OFF, CONNECTING, ON };

struct device {
    unsigned user;
    const struct ev_loop *gateway;
    enum device_state state;
    struct wire *wire;
    bool greeted;     /* this connection was told of its session */
    bool had_session; /* in this login: it has something to come back to */
    uint64_t last_id; /* of the last message that it got in this login */
    uint64_t owed;    /* it may expect what is above this id */
    uint64_t excused; /* ... but was told that something up to here may be missing */
    uint64_t from; /* when it came for the first time its gateway may have known no more than this,
                      and gives it what is behind */
    unsigned char got[MESSAGES];  /* by place among the accepted */
    unsigned char told[MESSAGES]; /* the same: it was told, and these may be why */
    bool here[USERS];             /* its list of users */
    bool list_known;
    char cursor[64];
};

struct user {
    char name[4], shown[4];
    char token[TOKEN_LEN + 1];
    bool logged_in, ended; /* ended: by logout, kick or expiry */
    unsigned login;
    uint64_t since, seen_at; /* logged in; one of its clients was connected for the last time */
    uint64_t free_at;        /* as the last login that was refused said: the name, at the latest */
    struct device devices[DEVICES];
};

struct people {
    struct people_config config;
    struct user users[USERS];
    struct wish wishes[MESSAGES];
    struct accepted accepted[MESSAGES];
    unsigned wish_count, accepted_count;
    unsigned losses;
    uint64_t lost_at;
    bool calm, leaving;
    unsigned complaints;
    struct people_figures figures;
};
extern struct people people;

/* For a complaint; good for four of them. */
const char *people_device_name(const struct device *d);
/* USERS: nobody of that name. */
unsigned people_user_of(struct slice name);
/* The last moment at which somebody served the user. */
uint64_t people_last_seen(const struct user *u);

#endif
