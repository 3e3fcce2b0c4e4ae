/* main.c - presence-svc: ends whoever's time is up; wiring and signals */
#include "presence-svc/config.h"
#include "presence-svc/sweep_redis.h"
#include "shared/health.h"
#include "shared/log.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const int stop_signals[] = {SIGTERM, SIGINT, SIGHUP};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

/* A sweep that is on its way is one step in Redis: nothing is left half done by stopping now. */
static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)events;
    log_info("stopping signal=%d", watcher->signum);
    ev_break(loop, EVBREAK_ALL);
}

static void watch_signals(struct ev_loop *loop, ev_signal signals[STOP_SIGNALS])
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        ev_signal_init(&signals[i], on_signal, stop_signals[i]);
        ev_signal_start(loop, &signals[i]);
    }
}

static bool serve(struct ev_loop *loop, const struct config *config)
{
    const struct sweep_config sweep_config = {.redis_url = config->redis_url,
                                              .key_prefix = config->key_prefix,
                                              .grace_ms = config->grace_s * 1000,
                                              .lease_ms = config->lease_ms};
    struct sweep *sweep = sweep_new(loop, &sweep_config);

    if (!sweep) {
        log_error("no memory");
        return false;
    }
    struct health *health =
        health_new(loop, config->host, (uint16_t)config->health_port, sweep_ready, sweep);
    if (health) {
        log_info("sweeping host=%s health_port=%" PRIu64, config->host, config->health_port);
        ev_run(loop, 0);
        health_free(health);
    } else {
        log_error("cannot listen host=%s health_port=%" PRIu64 " error=\"%s\"", config->host,
                  config->health_port, strerror(errno));
    }
    sweep_free(sweep);
    return health != NULL;
}

int main(int argc, char **argv)
{
    static ev_signal signals[STOP_SIGNALS];
    struct config config;

    settings_main(argc, argv, config_settings, config_settings_count, &config, "parley-presence",
                  "Ends the sessions and leases of Parley whose time is up.");
    log_init("parley-presence", (enum log_level)config.log_level);
    struct ev_loop *loop = ev_default_loop(0);
    if (!loop) {
        log_error("no event loop");
        return EXIT_FAILURE;
    }
    watch_signals(loop, signals);
    bool served = serve(loop, &config);
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        ev_signal_stop(loop, &signals[i]);
    }
    ev_loop_destroy(loop);
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
