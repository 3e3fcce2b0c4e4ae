/* main.c - gateway-svc: settings, the loop, signals */
#include "gateway-svc/app/config.h"
#include "shared/log.h"
#include <ev.h>
#include <signal.h>
#include <stdio.h>

#define ID_RANDOM 8 /* characters: a restarted gateway is a new one */
#define STOP_S 0.5  /* what was queued may still leave */

struct gateway {
    struct hub *hub;
    ev_timer stop;
    ev_signal signals[3];
};

static void on_stopped(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
    (void)events;
    struct gateway *g = signal->data;
    if (!ev_is_active(&g->stop)) {
        log_info("stopping signal=%d", signal->signum);
        hub_stop(g->hub);
        ev_timer_start(loop, &g->stop);
    }
}

static void watch_signals(struct ev_loop *loop, struct gateway *g)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    ev_timer_init(&g->stop, on_stopped, STOP_S, 0.0);
    for (size_t i = 0; i < 3; i++) {
        ev_signal_init(&g->signals[i], on_signal, numbers[i]);
        g->signals[i].data = g;
        ev_signal_start(loop, &g->signals[i]);
    }
    signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    struct gateway_config config;
    struct gateway gateway = {0};
    char random[ID_RANDOM + 1], id[64];
    gateway_config_load(&config, argc, argv);
    log_init("parley-gateway", (enum log_level)config.log_level);
    random_text(random, ID_RANDOM);
    snprintf(id, sizeof id, "%s-%s", config.gateway_name, random);
    struct ev_loop *loop = ev_default_loop(0);
    struct hub_config hub = gateway_config_hub(&config, id);
    gateway.hub = hub_new(loop, &hub);
    if (!gateway.hub) {
        return 1;
    }
    watch_signals(loop, &gateway);
    log_info("gateway %s listens on %s port %u", id, config.host, (unsigned)config.port);
    ev_run(loop, 0);
    hub_free(gateway.hub);
    ev_loop_destroy(loop);
    return 0;
}
