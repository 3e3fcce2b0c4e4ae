/* main.c - auth-svc: issues and ends sessions over HTTP; wiring and signals */
#include "auth-svc/auth_metrics.h"
#include "auth-svc/config.h"
#include "auth-svc/desk.h"
#include "auth-svc/front.h"
#include "auth-svc/store_redis.h"
#include "shared/functions.h"
#include "shared/health.h"
#include "shared/http_mhd.h"
#include "shared/log.h"
#include "shared/stop_ev.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

/* A request is answered within 2 s whatever Redis does: the command timeout lies below that. */
#define COMMAND_TIMEOUT_MS 1500
#define CONNECT_TIMEOUT_MS 1000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 1000
#define IDLE_ASK_MS 1000
#define HTTP_TIMEOUT_S 10
#define HTTP_CONNECTIONS 2000
#define NOTICE_S 2.5 /* for the door to see that we are not ready: it looks twice, every second */
#define PROBE_EVERY_S 1.0
#define STOP_AFTER_S 2.0
#define STOP_LOOK_S 0.01

struct service {
    struct ev_loop *loop;
    struct config config;
    struct functions_caller caller;
    struct store_redis store_state;
    struct store store;
    struct desk_config desk_config;
    struct desk *desk;
    struct mhd_server *http;
    struct health *health;
    struct loop_watch *watch;
    struct stop stop;
    ev_timer probe;
    ev_timer stop_look;
    ev_tstamp close_at; /* 0: not stopping; else when we listen no more */
    ev_tstamp stop_at;  /* 0: we still listen */
};

static void redis_up(void *ctx)
{
    struct service *s = ctx;

    store_redis_probe(&s->store_state);
}

/* Whoever is not ready gets no traffic, and would not learn by it that Redis takes calls again. */
static void look_whether_redis_works(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct service *s = timer->data;

    (void)loop;
    (void)events;
    store_redis_probe(&s->store_state);
}

static void redis_down(void *ctx, const char *why)
{
    (void)ctx;
    log_debug("redis down why=\"%s\"", why); /* the connection itself warns, less often */
}

static bool ready(void *ctx, struct buf *why)
{
    const struct service *s = ctx;

    if (s->close_at > 0) {
        buf_append(why, SLICE("draining"));
        return false;
    }
    return store_redis_works(&s->store_state, why);
}

static void write_metrics(void *ctx, struct buf *out)
{
    struct service *s = ctx;
    struct buf why;

    buf_init(&why, 64);
    const struct service_metrics service = {
        .loop = s->watch, .functions = s->store_state.functions, .ready = ready(s, &why)};
    auth_metrics_write(out, &service, s->desk, s->http);
    buf_deinit(&why);
}

/* Nobody new comes: the door asks another of us. */
static void close_up(struct service *s)
{
    log_info("stopping outstanding=%zu", desk_outstanding(s->desk));
    s->stop_at = ev_now(s->loop) + STOP_AFTER_S;
    desk_close(s->desk);
    mhd_server_stop_listening(s->http);
}

/* Ends the loop when everybody has an answer. */
static void look_whether_done(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct service *s = timer->data;

    (void)events;
    if (ev_now(loop) < s->close_at) {
        return;
    }
    if (s->stop_at == 0) {
        close_up(s);
    }
    if (mhd_server_requests(s->http) == 0 || ev_now(loop) >= s->stop_at) {
        ev_break(loop, EVBREAK_ALL);
    }
}

/* SIGTERM is for one of several: it goes on serving until the door has noticed.  Whoever sits
 * before the terminal, or says it twice, wants an end. */
static void on_stop(void *ctx, int signum)
{
    struct service *s = ctx;
    bool gently = signum == SIGTERM && s->close_at == 0;

    log_info("%s signal=%d", gently ? "draining" : "told to stop", signum);
    s->close_at = ev_now(s->loop) + (gently ? NOTICE_S : 0.0);
    ev_timer_start(s->loop, &s->stop_look);
}

static void watch_signals(struct service *s)
{
    stop_init(&s->stop, s->loop, on_stop, s);
    ev_timer_init(&s->stop_look, look_whether_done, STOP_LOOK_S, STOP_LOOK_S);
    s->stop_look.data = s;
}

static void connect_redis(struct service *s)
{
    static const struct redis_conn_handler handler = {.up = redis_up, .down = redis_down};
    const struct redis_conn_config config = {.url = s->config.common.redis_url,
                                             .sentinels = s->config.common.sentinels,
                                             .name = "parley-auth",
                                             .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                             .command_timeout_ms = COMMAND_TIMEOUT_MS,
                                             .backoff_min_ms = BACKOFF_MIN_MS,
                                             .backoff_max_ms = BACKOFF_MAX_MS,
                                             .idle_ask_ms = IDLE_ASK_MS};

    s->caller.grace_ms = s->config.common.grace_s * 1000;
    s->caller.lease_ms = s->config.common.lease_ms;
    s->store_state.caller = &s->caller;
    s->store_state.functions =
        functions_new(s->loop, &config, &handler, s, s->config.common.key_prefix, &s->caller);
    s->store = store_redis_port(&s->store_state);
    common_settings_forget_password(&s->config.common);
    ev_timer_init(&s->probe, look_whether_redis_works, PROBE_EVERY_S, PROBE_EVERY_S);
    s->probe.data = s;
    ev_timer_start(s->loop, &s->probe);
}

static void open_desk(struct service *s)
{
    s->desk_config = (struct desk_config){.allowed_origins = s->config.allowed_origins,
                                          .rate_logins = s->config.rate_logins,
                                          .pending_s = s->config.pending_s,
                                          .session_max_s = s->config.session_max_s};
    s->desk = desk_new(&s->desk_config, &s->store);
}

static bool listen_http(struct service *s)
{
    const struct mhd_server_config config = {.host = s->config.common.host,
                                             .port = (uint16_t)s->config.port,
                                             .timeout_s = HTTP_TIMEOUT_S,
                                             .max_connections = HTTP_CONNECTIONS};

    s->http = mhd_server_new(s->loop, &config, front_handle, s->desk);
    if (!s->http) {
        log_error("cannot listen host=%s port=%" PRIu64 " error=\"%s\"", s->config.common.host,
                  s->config.port, mhd_server_fault());
        return false;
    }
    s->health = health_new(s->loop, s->config.common.host, (uint16_t)s->config.common.health_port,
                           ready, s);
    if (!s->health) {
        log_error("cannot listen host=%s health_port=%" PRIu64 " error=\"%s\"",
                  s->config.common.host, s->config.common.health_port, mhd_server_fault());
        return false;
    }
    health_serve_metrics(s->health, write_metrics, s);
    return true;
}

static bool service_start(struct service *s)
{
    s->watch = loop_watch_new(s->loop);
    watch_signals(s);
    connect_redis(s);
    open_desk(s);
    if (!listen_http(s)) {
        return false;
    }
    log_info("listening host=%s port=%" PRIu64 " health_port=%" PRIu64, s->config.common.host,
             s->config.port, s->config.common.health_port);
    if (s->config.auth_mode == AUTH_OPEN) {
        log_warn(
            "AUTH_MODE=open: passwords are NOT checked, anybody may log in under any free name");
    }
    return true;
}

/* In this order: whoever still waits for Redis is answered while the HTTP server lives. */
static void service_stop(struct service *s)
{
    functions_free(s->store_state.functions);
    if (s->http) {
        mhd_server_free(s->http);
    }
    if (s->health) {
        health_free(s->health);
    }
    desk_free(s->desk);
    stop_deinit(&s->stop, s->loop);
    loop_watch_free(s->watch);
    ev_timer_stop(s->loop, &s->probe);
    ev_timer_stop(s->loop, &s->stop_look);
    ev_loop_destroy(s->loop);
}

int main(int argc, char **argv)
{
    static struct service s;
    const struct service_program program = {
        .name = "parley-auth",
        .summary = "Issues and ends the sessions of Parley, over HTTP.",
        .table = config_settings,
        .count = config_settings_count};

    common_settings_main(argc, argv, &program, &s.config, &s.config.common);
    common_settings_tell(&s.config.common);
    s.loop = ev_default_loop(0);
    if (!s.loop) {
        log_error("no event loop");
        return EXIT_FAILURE;
    }
    bool started = service_start(&s);
    if (started) {
        ev_run(s.loop, 0);
    }
    service_stop(&s);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
