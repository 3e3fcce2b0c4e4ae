/* time.c - the time of a simulation */
#include "tests/sim/time.h"
#include "shared/clock.h"
#include "shared/loop_watch_ev.h"
#include "shared/must.h"
#include <ev.h>
#include <string.h>
#include <sys/random.h>

#define TIMERS_MAX 64
#define LOOPS_MAX 256
#define TURN_US (2 * SIM_MS) /* of a loop, about */

struct event {
    uint64_t at, order;
    sim_event_fn *fn;
    void *arg;
};

static struct {
    uint64_t now, order;
    uint64_t dice;
    struct event *heap; /* the earliest first */
    size_t count, cap;
    struct {
        void *watcher; /* an ev_timer, or with `turns` an ev_prepare */
        struct ev_loop *loop;
        uint64_t at;
        bool turns;
    } timers[TIMERS_MAX];
    struct {
        const struct ev_loop *loop;
        uint64_t until;
    } frozen[LOOPS_MAX];
    size_t frozen_count;
} sim;

/* ---- Dice and clocks ------------------------------------------------------------------------- */

/* SplitMix64 */
static uint64_t random64(void)
{
    uint64_t z = (sim.dice += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t sim_dice(uint32_t sides)
{
    return (uint32_t)(random64() % sides);
}

bool sim_chance(uint32_t percent)
{
    return sim_dice(100) < percent;
}

uint64_t sim_about(uint64_t us)
{
    return (us / 2 + random64() % (us + 1)) & ~UINT64_C(1);
}

uint64_t sim_now_us(void)
{
    return sim.now;
}

uint64_t sim_end_us(uint64_t us)
{
    return (sim.now + us) | 1;
}

uint64_t clock_mono_us(void)
{
    return sim.now;
}

uint64_t clock_mono_ms(void)
{
    return sim.now / SIM_MS;
}

uint64_t clock_boot_us(void)
{
    return sim.now;
}

uint64_t clock_unix_ms(void)
{
    return sim.now / SIM_MS;
}

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the names that the C library declares it with */
ssize_t getrandom(void *__buffer, size_t __length, unsigned __flags)
{
    (void)__flags;
    unsigned char *bytes = __buffer;
    for (size_t i = 0; i < __length; i++) {
        bytes[i] = (unsigned char)random64();
    }
    return (ssize_t)__length;
}

/* ---- Events: a binary heap ------------------------------------------------------------------- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void sim_at(uint64_t us, sim_event_fn *fn, void *arg)
{
    if (sim.count == sim.cap) {
        sim.cap = sim.cap ? 2 * sim.cap : 1024;
        sim.heap = must(realloc(sim.heap, sim.cap * sizeof *sim.heap));
    }
    struct event e = {us > sim.now ? us : sim.now, sim.order++, fn, arg};
    size_t i = sim.count++;
    while (i > 0 && is_before(&e, &sim.heap[(i - 1) / 2])) {
        sim.heap[i] = sim.heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    sim.heap[i] = e;
}

static struct event take_first(void)
{
    struct event first = sim.heap[0], last = sim.heap[--sim.count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < sim.count) {
        child += child + 1 < sim.count && is_before(&sim.heap[child + 1], &sim.heap[child]);
        if (!is_before(&sim.heap[child], &last)) {
            break;
        }
        sim.heap[i] = sim.heap[child];
        i = child;
    }
    sim.heap[i] = last;
    return first;
}

/* ---- Timers of libev, and the ends of its turns ------------------------------------------------
 */

uint64_t sim_awake_us(const struct ev_loop *loop)
{
    for (size_t i = 0; i < sim.frozen_count; i++) {
        if (sim.frozen[i].loop == loop && sim.frozen[i].until > sim.now) {
            return sim.frozen[i].until;
        }
    }
    return sim.now;
}

void sim_freeze(struct ev_loop *loop, uint64_t until_us)
{
    size_t i = 0;
    while (i < sim.frozen_count && sim.frozen[i].loop != loop) {
        i++;
    }
    sim.frozen_count += i == sim.frozen_count;
    sim.frozen[i].loop = loop;
    if (until_us > sim.frozen[i].until) { /* or what waits would change its order */
        sim.frozen[i].until = until_us;
    }
}

static size_t slot_of(const void *watcher)
{
    size_t i = 0;
    while (i < TIMERS_MAX && sim.timers[i].watcher != watcher) {
        i++;
    }
    return i;
}

static void set_slot(struct ev_loop *loop, void *watcher, bool turns, uint64_t in_us)
{
    size_t i = slot_of(watcher);
    i = i < TIMERS_MAX ? i : slot_of(NULL);
    sim.timers[i].watcher = watcher;
    sim.timers[i].loop = loop;
    sim.timers[i].at = sim.now + in_us;
    sim.timers[i].turns = turns;
}

static void clear_slot(const void *watcher)
{
    size_t i = slot_of(watcher);
    if (i < TIMERS_MAX) {
        sim.timers[i].watcher = NULL;
    }
}

static void set_timer(struct ev_loop *loop, ev_timer *timer, double seconds)
{
    set_slot(loop, timer, false, (uint64_t)(seconds * 1e6 + 0.5));
    timer->active = 1;
}

/* A turn is over a while after it was asked for its end. */
void ev_prepare_start(struct ev_loop *loop, ev_prepare *prepare)
{
    set_slot(loop, prepare, true, sim_about(TURN_US));
    prepare->active = 1;
}

/* It is never asleep. */
void ev_idle_start(struct ev_loop *loop, ev_idle *idle)
{
    (void)loop;
    (void)idle;
}

void ev_idle_stop(struct ev_loop *loop, ev_idle *idle)
{
    (void)loop;
    (void)idle;
}

void ev_prepare_stop(struct ev_loop *loop, ev_prepare *prepare)
{
    (void)loop;
    clear_slot(prepare);
    prepare->active = 0;
}

void ev_timer_start(struct ev_loop *loop, ev_timer *timer)
{
    if (!timer->active) {
        set_timer(loop, timer, timer->at);
    }
}

void ev_timer_stop(struct ev_loop *loop, ev_timer *timer)
{
    (void)loop;
    clear_slot(timer);
    timer->active = 0;
}

void ev_timer_again(struct ev_loop *loop, ev_timer *timer)
{
    if (timer->repeat > 0) {
        set_timer(loop, timer, timer->repeat);
    } else {
        ev_timer_stop(loop, timer);
    }
}

void sim_forget(struct ev_loop *loop)
{
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (sim.timers[i].watcher && sim.timers[i].loop == loop) {
            sim.timers[i].watcher = NULL;
        }
    }
    sim_freeze(loop, UINT64_MAX);
}

/* When that timer fires: not while its process is frozen. */
static uint64_t due_at(size_t i)
{
    uint64_t awake = sim_awake_us(sim.timers[i].loop);
    return sim.timers[i].at > awake ? sim.timers[i].at : awake;
}

static size_t next_timer(void)
{
    size_t next = TIMERS_MAX;
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (sim.timers[i].watcher && (next == TIMERS_MAX || due_at(i) < due_at(next))) {
            next = i;
        }
    }
    return next;
}

static void fire(size_t i)
{
    struct ev_loop *loop = sim.timers[i].loop;
    if (sim.timers[i].turns) {
        ev_prepare *prepare = sim.timers[i].watcher;
        ev_prepare_start(loop, prepare); /* until it is stopped, every turn has an end */
        prepare->cb(loop, prepare, EV_PREPARE);
        return;
    }
    ev_timer *timer = sim.timers[i].watcher;
    if (timer->repeat > 0) {
        set_timer(loop, timer, timer->repeat);
    } else {
        ev_timer_stop(loop, timer);
    }
    timer->cb(loop, timer, EV_TIMER);
}

/* ---- Nobody watches how late a loop is ------------------------------------------------------- */

struct loop_watch *loop_watch_new(struct ev_loop *loop)
{
    (void)loop;
    return NULL;
}

void loop_watch_free(struct loop_watch *watch)
{
    (void)watch;
}

const struct loop_stats *loop_watch_stats(const struct loop_watch *watch)
{
    static const struct loop_stats none;
    (void)watch;
    return &none;
}

/* ---- Passing --------------------------------------------------------------------------------- */

void sim_time_begin(uint64_t seed)
{
    memset(&sim, 0, sizeof sim);
    sim.dice = seed;
    sim.now = 1000 * SIM_S;
}

void sim_time_end(void)
{
    free(sim.heap);
    memset(&sim, 0, sizeof sim);
}

void sim_run_until(uint64_t us)
{
    for (;;) {
        size_t timer = next_timer();
        bool has_timer = timer < TIMERS_MAX && due_at(timer) <= us;
        bool has_event = sim.count > 0 && sim.heap[0].at <= us;
        if (has_event && (!has_timer || sim.heap[0].at <= due_at(timer))) {
            struct event e = take_first();
            sim.now = e.at;
            e.fn(e.arg);
        } else if (has_timer) {
            sim.now = due_at(timer) > sim.now ? due_at(timer) : sim.now;
            fire(timer);
        } else {
            sim.now = us;
            return;
        }
    }
}
