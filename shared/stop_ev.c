/* stop_ev.c - watches the signals that stop a service */
#include "shared/stop_ev.h"

#include <signal.h>
#include <stddef.h>

static const int numbers[STOP_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    const struct stop *stop = watcher->data;
    (void)loop;
    (void)events;
    stop->fn(stop->ctx, watcher->signum);
}

void stop_init(struct stop *stop, struct ev_loop *loop, stop_fn *fn, void *ctx)
{
    stop->fn = fn;
    stop->ctx = ctx;
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        ev_signal_init(&stop->signals[i], on_signal, numbers[i]);
        stop->signals[i].data = stop;
        ev_signal_start(loop, &stop->signals[i]);
    }
}

void stop_deinit(struct stop *stop, struct ev_loop *loop)
{
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        ev_signal_stop(loop, &stop->signals[i]);
        signal(numbers[i], SIG_IGN); /* who asks again on our way out must not make it a crash */
    }
}
