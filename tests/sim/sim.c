/* sim.c - whole gateways, presence-svc and the rules in Redis in one process, on simulated time
 *
 * usage: sim REDIS_LUA LIBRARY [FIRST_SEED [COUNT]]
 *
 * Everything is the real program but what stands between the programs: the network, Redis' data
 * types (redis.lua), clocks and dice.  A seed decides everything.  One run is two minutes in which
 * people chat and something breaks every few seconds, then a long calm, then the judgement.  Prints
 * what was broken with its seed; the last line is `N passed, N failed`. */
#include "gateway-svc/app/hub_state.h"
#include "presence-svc/sweep_redis.h"
#include "shared/log.h"
#include "shared/must.h"
#include "tests/sim/broker.h"
#include "tests/sim/conns.h"
#include "tests/sim/judge.h"
#include "tests/sim/people.h"
#include "tests/sim/store.h"
#include "tests/sim/time.h"
#include "tests/sim/wire.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GATEWAYS 3
#define INCARNATIONS 200
#define GRACE_MS 3000
#define LEASE_MS 1500
#define KEEP_LONG_MS 60000     /* no copy of a message is dropped in a whole run ... */
#define KEEP_SHORT_MS 6000     /* ... many are, though not too early */
#define QUEUE_BYTES 1048576    /* there is room for what was missed, all at once ... */
#define QUEUE_SMALL_BYTES 4096 /* ... often there is not, and each client asks for it */
#define FAULTS_US (20 * SIM_S)
#define ACT_EVERY_US (20 * SIM_MS)
#define FAULT_EVERY_US (1500 * SIM_MS)
#define CALM_US (14 * SIM_S)
#define RETURN_US (5 * SIM_S) /* who may log in then is there after this */
#define EMPTY_US (14 * SIM_S)

/* What is on its way at the end is not freed.  NOLINTBEGIN(bugprone-reserved-identifier): the
 * sanitizer's */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
/* NOLINTEND(bugprone-reserved-identifier) */

struct gateway {
    struct hub *hub; /* NULL: it is not running */
    struct ev_loop *loop;
    char id[16];
    unsigned keeps; /* copies for so many times keep_ms more: they differ while grace periods are
                       set anew */
};

static struct {
    struct gateway gateways[GATEWAYS];
    struct sweep *sweep;
    char loops[INCARNATIONS]; /* their addresses are the loops */
    uint64_t served[INCARNATIONS];
    unsigned incarnations;
    uint64_t keep_ms;
    uint32_t queue_bytes;
    bool calm;
    bool trace;
} world;

static struct ev_loop *new_loop(void)
{
    return (struct ev_loop *)(void *)&world.loops[world.incarnations++ % INCARNATIONS];
}

__attribute__((format(printf, 1, 2))) static void trace(const char *format, ...)
{
    if (world.trace) {
        va_list args;
        va_start(args, format);
        printf("%10.6f ", (double)sim_now_us() / 1e6 - 1000);
        vprintf(format, args);
        printf("\n");
        va_end(args);
    }
}

/* ---- Gateways -------------------------------------------------------------------------------- */

static void start_gateway(void *arg)
{
    struct gateway *g = arg;
    if (g->hub) {
        return;
    }
    struct hub_config config = {
        .message_max_bytes = 4096, .max_sockets = 16, .rate_messages = {1000, 1000}
    };
    sio_config_defaults(&config.sio);
    config.sio.queue_max_bytes = world.queue_bytes;
    g->loop = new_loop();
    (void)snprintf(g->id, sizeof g->id, "gw%u", world.incarnations);
    config.relay = (struct relay_config){.redis_url = "unix:///redis",
                                         .key_prefix = "{chat}:",
                                         .gateway_id = g->id,
                                         .address = "127.0.0.1:1",
                                         .grace_ms = GRACE_MS,
                                         .lease_ms = LEASE_MS,
                                         .keep_ms = world.keep_ms * (1 + g->keeps),
                                         .queue_bytes = config.sio.queue_max_bytes};
    g->hub = hub_new(g->loop, &config);
    trace("gateway %s starts", g->id);
}

static void end_gateway(struct gateway *g)
{
    hub_free(g->hub);
    sim_forget(g->loop);
    g->hub = NULL;
    sim_in(sim_about(2 * SIM_S), start_gateway, g);
}

static void kill_gateway(struct gateway *g)
{
    trace("gateway %s is killed", g->id);
    conns_cut(g->loop);
    end_gateway(g);
}

static void finish_stop(void *arg)
{
    struct gateway *g = arg;
    if (g->hub) {
        end_gateway(g);
    }
}

static void stop_gateway(struct gateway *g)
{
    trace("gateway %s stops", g->id);
    hub_stop(g->hub);
    sim_in(100 * SIM_MS, finish_stop, g);
}

static void freeze_gateway(struct gateway *g)
{
    uint64_t us = sim_about(2 * SIM_S);
    trace("gateway %s freezes for %.3f s", g->id, (double)us / 1e6);
    sim_freeze(g->loop, sim_end_us(us));
}

static uint64_t *served_at(const struct ev_loop *loop)
{
    return &world.served[(const char *)(const void *)loop - world.loops];
}

static uint64_t served_us(const struct ev_loop *loop)
{
    return *served_at(loop);
}

static void note_served(const struct gateway *g)
{
    struct buf why;
    buf_init(&why, 128);
    if (g->hub && sim_awake_us(g->loop) <= sim_now_us() && relay_is_ready(g->hub->relay, &why)) {
        *served_at(g->loop) = sim_now_us();
    }
    buf_deinit(&why);
}

static struct ev_loop *some_gateway(void)
{
    const struct gateway *g = &world.gateways[sim_dice(GATEWAYS)];
    return g->hub ? g->loop : NULL;
}

/* ---- presence-svc ---------------------------------------------------------------------------- */

static struct ev_loop *sweep_loop;

static void start_sweep(void *arg)
{
    (void)arg;
    const struct sweep_config config = {.redis_url = "unix:///redis",
                                        .key_prefix = "{chat}:",
                                        .grace_ms = GRACE_MS,
                                        .lease_ms = LEASE_MS};
    if (!world.sweep) {
        sweep_loop = new_loop();
        world.sweep = sweep_new(sweep_loop, &config);
    }
}

static void kill_sweep(void)
{
    if (world.sweep) {
        trace("presence-svc is killed");
        conns_cut(sweep_loop);
        sweep_free(world.sweep);
        sim_forget(sweep_loop);
        world.sweep = NULL;
        sim_in(sim_about(3 * SIM_S), start_sweep, NULL);
    }
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static void network_trouble(void)
{
    uint64_t ms = sim_about(400);
    trace("the network takes up to %llu ms", (unsigned long long)ms);
    conns_latency(ms * SIM_MS);
    wire_latency(ms * SIM_MS);
    conns_loss(sim_chance(50) ? 0 : 1 + sim_dice(50));
}

static void network_well(void)
{
    conns_latency(10 * SIM_MS);
    wire_latency(20 * SIM_MS);
    conns_loss(0);
}

static void lose_data(void)
{
    uint32_t dice = sim_dice(3);
    uint64_t away = sim_about(2 * SIM_S);
    judge_note_loss();
    if (dice == 0) {
        trace("FLUSHALL");
        broker_flush();
    } else if (dice == 1) {
        trace("Redis is killed, and comes back empty");
        broker_kill(away, false);
    } else {
        uint64_t behind = sim_chance(50) ? 0 : sim_about(SIM_S);
        trace("Redis fails over to a replica that is %.3f s behind", (double)behind / 1e6);
        broker_fail_over(away, behind);
    }
}

static void some_fault(struct gateway *g)
{
    uint32_t dice = sim_dice(100);
    if (dice < 15 && g->hub) {
        kill_gateway(g);
    } else if (dice < 22 && g->hub) {
        stop_gateway(g);
    } else if (dice < 35 && g->hub) {
        freeze_gateway(g);
    } else if (dice < 60) {
        trace("a connection to Redis breaks");
        conns_break_one();
    } else if (dice < 70) {
        trace("Redis stalls");
        broker_stall(sim_about(2 * SIM_S));
    } else if (dice < 85) {
        network_trouble();
    } else if (dice < 90) {
        kill_sweep();
    } else if (dice < 93) {
        lose_data();
    } else if (dice < 96) {
        trace("Redis is killed, and comes back with its data");
        judge_note_loss();
        broker_kill(sim_about(2 * SIM_S), true);
    } else {
        network_well();
    }
}

static void on_fault(void *arg)
{
    (void)arg;
    if (!world.calm) {
        some_fault(&world.gateways[sim_dice(GATEWAYS)]);
        sim_in(sim_about(FAULT_EVERY_US), on_fault, NULL);
    }
}

static void on_act(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < GATEWAYS; i++) {
        note_served(&world.gateways[i]);
    }
    people_act();
    sim_in(sim_about(ACT_EVERY_US), on_act, NULL);
}

/* ---- One run --------------------------------------------------------------------------------- */

static void begin(uint64_t seed)
{
    static const struct broker_watch watch = {judge_accepted, judge_presence, judge_failed};
    const struct people_config config = {GRACE_MS, LEASE_MS, world.keep_ms, some_gateway,
                                         served_us};
    sim_time_begin(seed);
    conns_begin();
    broker_begin(&watch, NULL);
    people_begin(&config);
    network_well();
    start_sweep(NULL);
    for (unsigned i = 0; i < GATEWAYS; i++) {
        start_gateway(&world.gateways[i]);
    }
    sim_in(0, on_act, NULL);
    sim_in(sim_about(FAULT_EVERY_US), on_fault, NULL);
}

static void end(void)
{
    for (unsigned i = 0; i < GATEWAYS; i++) {
        if (world.gateways[i].hub) {
            conns_cut(world.gateways[i].loop);
            hub_free(world.gateways[i].hub);
        }
    }
    if (world.sweep) {
        sweep_free(world.sweep);
    }
    broker_end();
    conns_end();
    wire_end();
    people_end();
    sim_time_end();
}

static void wait_for_names(void)
{
    uint64_t free_us = people_names_free_us();
    if (free_us > 0) {
        trace("a name is taken for another %.3f s", (double)(free_us - sim_now_us()) / 1e6);
        sim_run_until(free_us + RETURN_US);
    }
}

static bool run(uint64_t seed)
{
    bool tracing = world.trace;
    memset(&world, 0, sizeof world);
    world.trace = tracing;
    world.keep_ms = seed % 2 == 1 ? KEEP_LONG_MS : KEEP_SHORT_MS;
    world.queue_bytes = seed % 5 == 0 ? QUEUE_SMALL_BYTES : QUEUE_BYTES;
    for (unsigned i = 0; i < GATEWAYS; i++) {
        world.gateways[i].keeps = seed % 4 == 0 ? i : 0;
    }
    begin(seed);
    sim_run_until(sim_now_us() + FAULTS_US);
    world.calm = true;
    people_calm(true);
    network_well();
    sim_run_until(sim_now_us() + CALM_US);
    wait_for_names();
    judge_calm();
    people_leave();
    sim_run_until(sim_now_us() + EMPTY_US);
    judge_empty();
    unsigned complaints = judge_complaints();
    struct people_figures f = people_figures();
    end();
    if (complaints > 0 || world.trace) {
        printf("# seed %llu: %u complaints; logins %u, sent %u, accepted %u, delivered %u, "
               "reconnects %u, of which recovered %u, told lost %u\n",
               (unsigned long long)seed, complaints, f.logins, f.sent, f.accepted, f.delivered,
               f.replays, f.recovered, f.told_lost);
    }
    return complaints == 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "usage: sim REDIS_LUA LIBRARY [FIRST_SEED [COUNT]]\n");
        return 2;
    }
    uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    uint64_t count = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    world.trace = getenv("SIM_TRACE") != NULL;
    log_init("sim", world.trace ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    store_begin(argv[1], argv[2]);
    uint64_t failed = 0;
    for (uint64_t i = 0; i < count; i++) {
        failed += !run(first + i);
        (void)fflush(stdout);
    }
    store_end();
    printf("%llu passed, %llu failed\n", (unsigned long long)(count - failed),
           (unsigned long long)failed);
    return failed > 0;
}
