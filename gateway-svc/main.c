/* main.c - gateway-svc: settings, the loop, signals */
#include "gateway-svc/app/config.h"
#include "shared/log.h"
#include "shared/stop_ev.h"
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

#define ID_RANDOM 8 /* characters: a restarted gateway is a new one */
#define STOP_S 0.5  /* what was queued may still leave */

/* Blocks of so many bytes and more go back to the system when they are freed.  When many users come
 * at once each gets up to 1,000 names of his own, for a moment; else their place stays with us, as
 * a hole between what lives on. */
#define PASSING_BYTES 8192
#define SPARE_BYTES 16384 /* that malloc asks the system for beyond what it needs */

struct gateway {
    struct ev_loop *loop;
    struct hub *hub;
    uint64_t drain_ms;
    bool draining;
    struct stop stop;
    ev_timer end;
};

static void on_end(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void end_soon(void *ctx)
{
    struct gateway *g = ctx;
    if (!ev_is_active(&g->end)) {
        hub_stop(g->hub);
        ev_timer_init(&g->end, on_end, STOP_S, 0.0);
        ev_timer_start(g->loop, &g->end);
    }
}

/* SIGTERM is for one of several gateways, whose clients have somewhere to go.  Whoever sits before
 * the terminal, or says it twice, wants an end. */
static void on_stop(void *ctx, int signum)
{
    struct gateway *g = ctx;
    bool gently = signum == SIGTERM && g->drain_ms > 0 && !g->draining;
    log_info("%s signal=%d", gently ? "draining" : "stopping", signum);
    if (gently) {
        g->draining = true;
        hub_drain(g->hub, g->drain_ms, end_soon, g);
    } else {
        end_soon(g);
    }
}

int main(int argc, char **argv)
{
    struct gateway_config config;
    struct gateway gateway = {0};
    char random[ID_RANDOM + 1], id[64];
    (void)mallopt(M_MMAP_THRESHOLD, PASSING_BYTES);
    (void)mallopt(M_TOP_PAD, SPARE_BYTES);
    gateway_config_load(&config, argc, argv);
    common_settings_tell(&config.common);
    random_text(random, ID_RANDOM);
    snprintf(id, sizeof id, "%s-%s", config.gateway_name, random);
    struct ev_loop *loop = ev_default_loop(0);
    if (!loop) {
        log_error("no event loop");
        return 1;
    }
    struct hub_config hub = gateway_config_hub(&config, id);
    gateway.hub = hub_new(loop, &hub);
    if (!gateway.hub) {
        return 1;
    }
    common_settings_forget_password(&config.common);
    gateway.loop = loop;
    gateway.drain_ms = config.drain_s * 1000;
    stop_init(&gateway.stop, loop, on_stop, &gateway);
    log_info("listening gateway=%s host=%s port=%u health_port=%u", id, config.common.host,
             (unsigned)config.port, (unsigned)config.common.health_port);
    ev_run(loop, 0);
    stop_deinit(&gateway.stop, loop);
    hub_free(gateway.hub);
    ev_loop_destroy(loop);
    return 0;
}
