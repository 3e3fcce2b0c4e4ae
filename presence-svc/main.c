/* main.c - presence-svc: ends whoever's time is up; wiring and signals */
#include "presence-svc/config.h"
#include "presence-svc/presence_metrics.h"
#include "shared/health.h"
#include "shared/http_mhd.h"
#include "shared/log.h"
#include "shared/stop_ev.h"

#include <inttypes.h>
#include <stdlib.h>

struct service {
    struct ev_loop *loop;
    struct loop_watch *watch;
    struct sweep *sweep;
    struct stop stop;
};

static void end_loop(void *ctx)
{
    ev_break(ctx, EVBREAK_ALL);
}

static void write_metrics(void *ctx, struct buf *out)
{
    struct service *s = ctx;
    struct buf why;

    buf_init(&why, 64);
    const struct service_metrics service = {.loop = s->watch,
                                            .functions = sweep_functions(s->sweep),
                                            .ready = sweep_ready(s->sweep, &why)};
    presence_metrics_write(out, &service, s->sweep);
    buf_deinit(&why);
}

/* A sweep that is on its way is one step in Redis; what it did is told before we end. */
static void on_stop(void *ctx, int signum)
{
    const struct service *s = ctx;
    log_info("stopping signal=%d", signum);
    sweep_finish(s->sweep, end_loop, s->loop);
}

static bool serve(struct service *s, struct config *config)
{
    struct ev_loop *loop = s->loop;
    const struct sweep_config sweep_config = {.redis_url = config->common.redis_url,
                                              .sentinels = config->common.sentinels,
                                              .key_prefix = config->common.key_prefix,
                                              .grace_ms = config->common.grace_s * 1000,
                                              .lease_ms = config->common.lease_ms};
    struct sweep *sweep = sweep_new(loop, &sweep_config);

    common_settings_forget_password(&config->common);
    s->sweep = sweep;
    s->watch = loop_watch_new(loop);
    struct health *health = health_new(loop, config->common.host,
                                       (uint16_t)config->common.health_port, sweep_ready, sweep);
    if (health) {
        log_info("sweeping host=%s health_port=%" PRIu64, config->common.host,
                 config->common.health_port);
        health_serve_metrics(health, write_metrics, s);
        ev_run(loop, 0);
        health_free(health);
    } else {
        log_error("cannot listen host=%s health_port=%" PRIu64 " error=\"%s\"", config->common.host,
                  config->common.health_port, mhd_server_fault());
    }
    sweep_free(sweep);
    loop_watch_free(s->watch);
    return health != NULL;
}

int main(int argc, char **argv)
{
    struct service service = {0};
    struct config config;
    const struct service_program program = {
        .name = "parley-presence",
        .summary = "Ends the sessions and leases of Parley whose time is up.",
        .table = config_settings,
        .count = config_settings_count};

    common_settings_main(argc, argv, &program, &config, &config.common);
    common_settings_tell(&config.common);
    struct ev_loop *loop = ev_default_loop(0);
    if (!loop) {
        log_error("no event loop");
        return EXIT_FAILURE;
    }
    service.loop = loop;
    stop_init(&service.stop, loop, on_stop, &service);
    bool served = serve(&service, &config);
    stop_deinit(&service.stop, loop);
    ev_loop_destroy(loop);
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
