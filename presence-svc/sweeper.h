/* sweeper.h - when to sweep: pure, time passed in
 *
 * A sweep is due 100 ms after the last one began, and at once when an expiry event came or when
 * the last answer said that more is to be done.  Never two at once: what comes meanwhile is
 * remembered.  After a failure only time makes the next one due, so that a Redis in trouble is
 * asked ten times a second and not as fast as it can refuse. */
#ifndef PARLEY_PRESENCE_SWEEPER_H
#define PARLEY_PRESENCE_SWEEPER_H

#include <stdbool.h>
#include <stdint.h>

#define SWEEP_EVERY_MS 100
#define SWEEP_CURRENT_MS 2000

/* Zeroed = one is due at once, none has succeeded yet. */
struct sweeper {
    uint64_t due_ms;     /* when time alone makes one due */
    uint64_t success_ms; /* of the last good answer */
    bool succeeded;      /* ever */
    bool in_flight;
    bool wanted; /* at once: an event came, or more is to be done */
    bool failed; /* the last one: `wanted` waits for due_ms */
};

enum sweep_result {
    SWEEP_DONE,
    SWEEP_MORE,   /* a batch was full */
    SWEEP_FAILED, /* no answer, or an error */
    SWEEP_RESULTS
};

void sweeper_event(struct sweeper *s);
void sweeper_begun(struct sweeper *s, uint64_t now_ms);
void sweeper_answered(struct sweeper *s, enum sweep_result result, uint64_t now_ms);

#define SWEEP_AFTER_ANSWER UINT64_MAX
/* Milliseconds until a sweep is due, 0: now; SWEEP_AFTER_ANSWER while one is on its way. */
uint64_t sweeper_wait_ms(const struct sweeper *s, uint64_t now_ms);
/* Has a sweep succeeded in the last SWEEP_CURRENT_MS? */
bool sweeper_is_current(const struct sweeper *s, uint64_t now_ms);

#endif
