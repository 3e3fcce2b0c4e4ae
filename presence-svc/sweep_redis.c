/* sweep_redis.c - sweeps on Redis */
#include "presence-svc/sweep_redis.h"

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/must.h"
#include "shared/redis_trouble.h"

#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_TIMEOUT_MS 2000
#define CONNECT_TIMEOUT_MS 1000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 500
#define PATTERN_MAX 128
#define ERRORS_LOGGED_PER_SECOND 1
#define LINES_PER_SECOND 1
#define REFUSAL_MAX 640
#define LAPSED_MAX 4 /* gateways in one answer */

/* The function, and what stands where in its answer "ok". */
#define SWEEP "parley_sweep"
enum { AT_MORE = 2, AT_ENDED, AT_DETACHED, AT_LAPSED, AT_SETTLING, AT_LAG_MS, AT_GATEWAYS };

struct sweep {
    struct ev_loop *loop;
    struct sweeper sweeper;
    struct functions_caller caller;
    struct functions *functions;
    struct redis_conn *events;
    ev_timer due;
    char grace_pattern[PATTERN_MAX];
    char gateway_pattern[PATTERN_MAX];
    bool settling;
    struct log_limit limit;
    char refusal[REFUSAL_MAX]; /* what was answered to the latest sweep, if it failed; escaped */
    struct sweep_stats stats;
    struct sweep_stats told; /* as far as the log has told it */
    struct log_limit lines;
    uint64_t begun_us;       /* the latest sweep; 0: none yet */
    uint64_t started_ms;     /* this process */
    void (*done)(void *ctx); /* NULL: not finishing */
    void *done_ctx;
};

/* ---- Sweeping ---- */

/* Many leave at once when a gateway dies: one line a second says how many since the last. */
static void tell_swept(struct sweep *sweep)
{
    const struct sweep_stats *s = &sweep->stats;
    bool news = s->ended > sweep->told.ended || s->detached > sweep->told.detached ||
                s->lapsed > sweep->told.lapsed;

    if (news && log_limit_ok(&sweep->lines, LINES_PER_SECOND, clock_mono_ms())) {
        log_info("swept ended=%" PRIu64 " detached=%" PRIu64 " gateways_lapsed=%" PRIu64,
                 s->ended - sweep->told.ended, s->detached - sweep->told.detached,
                 s->lapsed - sweep->told.lapsed);
        sweep->told = *s;
    }
}

/* (Libraries before 1.6 do not name them.) */
static void tell_lapsed(const struct redis_reply *reply)
{
    for (size_t i = AT_GATEWAYS; i < redis_reply_count(reply) && i < AT_GATEWAYS + LAPSED_MAX;
         i++) {
        log_warn("lease ended without a word gateway=%s",
                 log_escape(redis_reply_text_at(reply, i)));
    }
}

static void tell(struct sweep *sweep, const struct redis_reply *reply)
{
    uint64_t ended = redis_reply_u64_at(reply, AT_ENDED);
    uint64_t detached = redis_reply_u64_at(reply, AT_DETACHED);
    uint64_t lapsed = redis_reply_u64_at(reply, AT_LAPSED);
    bool settling = redis_reply_u64_at(reply, AT_SETTLING) > 0;

    sweep->refusal[0] = '\0';
    sweep->stats.ended += ended;
    sweep->stats.detached += detached;
    sweep->stats.lapsed += lapsed;
    sweep->stats.settling = settling ? 1 : 0;
    if (ended + lapsed > 0) {
        histogram_add(&sweep->stats.lag, redis_reply_u64_at(reply, AT_LAG_MS) * 1000);
    }
    tell_lapsed(reply);
    tell_swept(sweep);
    if (settling != sweep->settling) {
        log_info("%s epoch=%s", settling ? "settling, nobody is expired" : "settled",
                 sweep->caller.epoch);
        sweep->settling = settling;
    }
}

static void complain(struct sweep *sweep, const struct redis_reply *reply)
{
    (void)snprintf(sweep->refusal, sizeof sweep->refusal, "reply=\"%s\" epoch=\"%s\"",
                   redis_trouble_words(redis_reply_text(reply)),
                   log_escape(functions_epoch(reply)));
    if (log_limit_ok(&sweep->limit, ERRORS_LOGGED_PER_SECOND, clock_mono_ms())) {
        log_warn("redis refused call=" SWEEP " %s suppressed=%" PRIu64, sweep->refusal,
                 sweep->limit.suppressed);
    }
}

static enum sweep_result read_result(struct sweep *sweep, const struct redis_reply *reply)
{
    if (!reply) {
        return SWEEP_FAILED;
    }
    if (!functions_status_is(reply, "ok") || !functions_note_epoch(reply, sweep->caller.epoch)) {
        complain(sweep, reply);
        return SWEEP_FAILED;
    }
    tell(sweep, reply);
    return redis_reply_u64_at(reply, AT_MORE) > 0 ? SWEEP_MORE : SWEEP_DONE;
}

/* The timer goes off when the next sweep is due: in the next turn of the loop, if that is now. */
static void schedule(struct sweep *sweep)
{
    uint64_t wait_ms = sweeper_wait_ms(&sweep->sweeper, clock_mono_ms());

    ev_timer_stop(sweep->loop, &sweep->due);
    if (sweep->done || wait_ms == SWEEP_AFTER_ANSWER || !functions_is_up(sweep->functions)) {
        return; /* the answer, or coming up, leads here again */
    }
    ev_timer_set(&sweep->due, (double)wait_ms / 1000.0, 0.0);
    ev_timer_start(sweep->loop, &sweep->due);
}

static void answered(void *arg, const struct redis_reply *reply)
{
    struct sweep *sweep = arg;
    enum sweep_result result = read_result(sweep, reply);

    sweep->stats.sweeps[result]++;

    sweeper_answered(&sweep->sweeper, result, clock_mono_ms());
    schedule(sweep);
    if (sweep->done) {
        sweep->done(sweep->done_ctx);
    }
}

static void note_begin(struct sweep *sweep, uint64_t now_us)
{
    if (sweep->begun_us > 0) {
        histogram_add(&sweep->stats.gaps, now_us - sweep->begun_us);
    }
    sweep->begun_us = now_us;
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct sweep *sweep = timer->data;
    uint64_t now_ms = clock_mono_ms();

    (void)loop;
    (void)events;
    if (sweeper_wait_ms(&sweep->sweeper, now_ms) == 0) {
        sweeper_begun(&sweep->sweeper, now_ms);
        note_begin(sweep, clock_mono_us());
        if (!functions_call(sweep->functions, SWEEP, NULL, 0, answered, sweep)) {
            sweep->stats.sweeps[SWEEP_FAILED]++;
            sweeper_answered(&sweep->sweeper, SWEEP_FAILED, now_ms);
        }
    }
    schedule(sweep);
}

static void functions_came_up(void *ctx)
{
    schedule(ctx);
}

/* A half-dead link to Redis shows on the calling connection alone: the other one only listens. */
static void functions_went_down(void *ctx, const char *why)
{
    const struct sweep *sweep = ctx;

    if (sweep->events && redis_conn_is_up(sweep->events)) {
        redis_conn_reset(sweep->events, why);
    }
}

/* ---- Events ---- */

static void on_event(void *ctx, struct slice channel, struct slice payload)
{
    struct sweep *sweep = ctx;

    (void)channel;
    if (slice_equal(payload, SLICE("expired"))) {
        sweep->stats.events++;
        sweeper_event(&sweep->sweeper);
        schedule(sweep);
    }
}

static void events_came_up(void *ctx)
{
    struct sweep *sweep = ctx;
    const struct slice patterns[] = {slice_text(sweep->grace_pattern),
                                     slice_text(sweep->gateway_pattern)};

    if (!redis_conn_subscribe(sweep->events, patterns, sizeof patterns / sizeof *patterns, true,
                              on_event, sweep)) {
        log_warn("cannot subscribe to expiry events");
    }
}

static void events_went_down(void *ctx, const char *why)
{
    (void)ctx;
    (void)why; /* told by the connection; sweeps go on by time */
}

/* ---- Life ---- */

static void connect_both(struct sweep *sweep, const struct sweep_config *config)
{
    static const struct redis_conn_handler call_handler = {.up = functions_came_up,
                                                           .down = functions_went_down};
    static const struct redis_conn_handler event_handler = {.up = events_came_up,
                                                            .down = events_went_down};
    struct redis_conn_config redis = {.url = config->redis_url,
                                      .sentinels = config->sentinels,
                                      .name = "parley-presence",
                                      .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                      .command_timeout_ms = COMMAND_TIMEOUT_MS,
                                      .backoff_min_ms = BACKOFF_MIN_MS,
                                      .backoff_max_ms = BACKOFF_MAX_MS};

    sweep->functions = functions_new(sweep->loop, &redis, &call_handler, sweep, config->key_prefix,
                                     &sweep->caller);
    redis.name = "parley-presence-events";
    sweep->events = redis_conn_new(sweep->loop, &redis, &event_handler, sweep);
}

struct sweep *sweep_new(struct ev_loop *loop, const struct sweep_config *config)
{
    struct sweep *sweep = must(calloc(1, sizeof *sweep));

    sweep->loop = loop;
    sweep->started_ms = clock_mono_ms();
    sweep->caller.grace_ms = config->grace_ms;
    sweep->caller.lease_ms = config->lease_ms;
    snprintf(sweep->grace_pattern, PATTERN_MAX, "__keyspace@*__:%sgrace:*", config->key_prefix);
    snprintf(sweep->gateway_pattern, PATTERN_MAX, "__keyspace@*__:%sgateway:*", config->key_prefix);
    ev_timer_init(&sweep->due, on_due, 0.0, 0.0);
    sweep->due.data = sweep;
    connect_both(sweep, config);
    return sweep;
}

void sweep_free(struct sweep *sweep)
{
    if (!sweep) {
        return;
    }
    redis_conn_free(sweep->events);
    sweep->events = NULL;
    functions_free(sweep->functions); /* answers an outstanding sweep, which sets the timer */
    ev_timer_stop(sweep->loop, &sweep->due);
    free(sweep);
}

void sweep_finish(struct sweep *sweep, void (*done)(void *ctx), void *ctx)
{
    sweep->done = done;
    sweep->done_ctx = ctx;
    schedule(sweep);
    if (!sweep->sweeper.in_flight) {
        done(ctx);
    }
}

bool sweep_ready(void *ctx, struct buf *why)
{
    const struct sweep *sweep = ctx;

    if (sweep->done) {
        buf_append(why, SLICE("stopping"));
        return false;
    }
    if (!sweeper_is_current(&sweep->sweeper, clock_mono_ms())) {
        buf_append(why, SLICE("no sweep has succeeded lately; "));
        if (functions_works(sweep->functions, why)) {
            buf_printf(why, "redis takes calls, but %s%s",
                       sweep->refusal[0] != '\0' ? "not this one: " : "this one has no answer yet",
                       sweep->refusal);
        }
        return false;
    }
    return true;
}

const struct sweep_stats *sweep_stats(const struct sweep *sweep)
{
    return &sweep->stats;
}

uint64_t sweep_age_ms(const struct sweep *sweep)
{
    const struct sweeper *s = &sweep->sweeper;

    return clock_mono_ms() - (s->succeeded ? s->success_ms : sweep->started_ms);
}

const struct functions *sweep_functions(const struct sweep *sweep)
{
    return sweep->functions;
}
