/* store.h - port: what auth-svc asks of the place where sessions live */
#ifndef PARLEY_AUTH_STORE_H
#define PARLEY_AUTH_STORE_H

#include "shared/slice.h"

enum store_status {
    STORE_OK,
    STORE_TAKEN,      /* login: the name is logged in */
    STORE_UNKNOWN,    /* logout, session: there is no such session */
    STORE_FORBIDDEN,  /* logout: the session is another user's */
    STORE_UNAVAILABLE /* no answer, or not now; what was asked may have happened */
};

struct store_answer {
    enum store_status status;
    struct slice name; /* session: as typed at login; borrowed for the length of the call */
    uint64_t ms;       /* taken: until the name may be free, 0 while its user is online;
                          session: until its end, 0: none */
};
typedef void store_answer_fn(void *arg, const struct store_answer *answer);

struct store_login {
    struct slice name;  /* lower case */
    struct slice shown; /* as typed */
    struct slice hash;  /* of the token */
    uint64_t pending_ms;
    uint64_t longest_ms;
};

/* Arguments are copied.  `fn` is called exactly once, perhaps before the function returns, and
 * within 2 seconds. */
struct store {
    void *ctx;
    void (*login)(void *ctx, const struct store_login *login, store_answer_fn *fn, void *arg);
    void (*logout)(void *ctx, struct slice name, struct slice hash, store_answer_fn *fn, void *arg);
    void (*session)(void *ctx, struct slice hash, store_answer_fn *fn, void *arg);
};

#endif
