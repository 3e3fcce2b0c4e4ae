/* stop_ev.h - SIGTERM, SIGINT and SIGHUP all mean: stop */
#ifndef PARLEY_STOP_EV_H
#define PARLEY_STOP_EV_H

#include <ev.h>

#define STOP_SIGNALS 3

typedef void stop_fn(void *ctx, int signum);

/* In the caller's storage, for the life of the loop. */
struct stop {
    ev_signal signals[STOP_SIGNALS];
    stop_fn *fn;
    void *ctx;
};

/* From now on each of the signals calls `fn` from the loop, and SIGPIPE is ignored. */
void stop_init(struct stop *stop, struct ev_loop *loop, stop_fn *fn, void *ctx);
void stop_deinit(struct stop *stop, struct ev_loop *loop);

#endif
