/* sweeper.c - when to sweep */
#include "presence-svc/sweeper.h"

void sweeper_event(struct sweeper *s)
{
    s->wanted = true;
}

void sweeper_begun(struct sweeper *s, uint64_t now_ms)
{
    s->due_ms = now_ms + SWEEP_EVERY_MS;
    s->in_flight = true;
    s->wanted = false;
}

void sweeper_answered(struct sweeper *s, enum sweep_result result, uint64_t now_ms)
{
    s->in_flight = false;
    s->failed = result == SWEEP_FAILED;
    s->wanted = s->wanted || result == SWEEP_MORE;
    if (s->failed) {
        s->due_ms = now_ms + SWEEP_EVERY_MS; /* it may have taken long to fail */
        return;
    }
    s->succeeded = true;
    s->success_ms = now_ms;
}

uint64_t sweeper_wait_ms(const struct sweeper *s, uint64_t now_ms)
{
    if (s->in_flight) {
        return SWEEP_AFTER_ANSWER;
    }
    if (now_ms >= s->due_ms || (s->wanted && !s->failed)) {
        return 0;
    }
    return s->due_ms - now_ms;
}

bool sweeper_is_current(const struct sweeper *s, uint64_t now_ms)
{
    return s->succeeded && now_ms - s->success_ms < SWEEP_CURRENT_MS;
}
