/* time.h - the time of a simulation: events in order, seeded dice, and libev's timers and turns on
 * both
 *
 * Stands in for shared/clock.h, for getrandom(2) and for the few functions of libev that the
 * gateway and presence-svc use, so that the same programs run on it, a thousand times faster, and
 * the same seed always does the same. */
#ifndef PARLEY_SIM_TIME_H
#define PARLEY_SIM_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_MS UINT64_C(1000)
#define SIM_S (1000 * SIM_MS)

/* Begins at an arbitrary moment, with these dice. */
void sim_time_begin(uint64_t seed);
/* Everything that was still to happen is forgotten. */
void sim_time_end(void);

uint64_t sim_now_us(void);
/* 0 <= result < sides; sides > 0. */
uint32_t sim_dice(uint32_t sides);
bool sim_chance(uint32_t percent);
/* Around `us`: from half of it to one and a half; always even. */
uint64_t sim_about(uint64_t us);
/* When a sleep of that length ends: an odd moment, when nothing else happens, so that what had to
 * wait for it keeps its order. */
uint64_t sim_end_us(uint64_t us);

typedef void sim_event_fn(void *arg);
/* Calls `fn` at that moment (now, if it has passed), after everything that was asked for before and
 * is due then. */
void sim_at(uint64_t us, sim_event_fn *fn, void *arg);
static inline void sim_in(uint64_t us, sim_event_fn *fn, void *arg)
{
    sim_at(sim_now_us() + us, fn, arg);
}

/* Lets time pass until then. */
void sim_run_until(uint64_t us);

/* libev's timers belong to the loop that they are started with: any address but NULL, one per
 * process.  A frozen one's timers wait until it thaws, as under SIGSTOP. */
struct ev_loop;
void sim_freeze(struct ev_loop *loop, uint64_t until_us);
/* When something that happens to that process now is noticed by it. */
uint64_t sim_awake_us(const struct ev_loop *loop);
/* The process is gone: its timers never fire again. */
void sim_forget(struct ev_loop *loop);

#endif
