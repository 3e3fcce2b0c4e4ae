/* main.c - presence-svc: ends whoever's time is up; wiring and signals */
#include "presence-svc/config.h"
#include "presence-svc/presence_metrics.h"
#include "shared/health.h"
#include "shared/log.h"
#include "shared/stop_ev.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A sweep that is on its way is one step in Redis: nothing is left half done by stopping now. */
static void on_stop(void *ctx, int signum)
{
    log_info("stopping signal=%d", signum);
    ev_break(ctx, EVBREAK_ALL);
}

struct told {
    struct loop_watch *watch;
    struct sweep *sweep;
};

static void write_metrics(void *ctx, struct buf *out)
{
    struct told *told = ctx;
    struct buf why;

    buf_init(&why, 64);
    const struct service_metrics service = {.loop = told->watch,
                                            .functions = sweep_functions(told->sweep),
                                            .ready = sweep_ready(told->sweep, &why)};
    presence_metrics_write(out, &service, told->sweep);
    buf_deinit(&why);
}

static bool serve(struct ev_loop *loop, struct config *config)
{
    const struct sweep_config sweep_config = {.redis_url = config->common.redis_url,
                                              .key_prefix = config->common.key_prefix,
                                              .grace_ms = config->common.grace_s * 1000,
                                              .lease_ms = config->common.lease_ms};
    struct loop_watch *watch = loop_watch_new(loop);
    struct sweep *sweep = sweep_new(loop, &sweep_config);
    struct told told = {watch, sweep};

    if (!sweep) {
        log_error("no memory");
        loop_watch_free(watch);
        return false;
    }
    common_settings_forget_password(&config->common);
    struct health *health = health_new(loop, config->common.host,
                                       (uint16_t)config->common.health_port, sweep_ready, sweep);
    if (health) {
        log_info("sweeping host=%s health_port=%" PRIu64, config->common.host,
                 config->common.health_port);
        health_serve_metrics(health, write_metrics, &told);
        ev_run(loop, 0);
        health_free(health);
    } else {
        log_error("cannot listen host=%s health_port=%" PRIu64 " error=\"%s\"", config->common.host,
                  config->common.health_port, strerror(errno));
    }
    sweep_free(sweep);
    loop_watch_free(watch);
    return health != NULL;
}

int main(int argc, char **argv)
{
    struct stop stop;
    struct config config;
    const struct service_program program = {
        .name = "parley-presence",
        .summary = "Ends the sessions and leases of Parley whose time is up.",
        .table = config_settings,
        .count = config_settings_count};

    common_settings_main(argc, argv, &program, &config, &config.common);
    struct ev_loop *loop = ev_default_loop(0);
    if (!loop) {
        log_error("no event loop");
        return EXIT_FAILURE;
    }
    stop_init(&stop, loop, on_stop, loop);
    bool served = serve(loop, &config);
    stop_deinit(&stop, loop);
    ev_loop_destroy(loop);
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
