/* traffic.h - messages of a crowd: sends them, and follows each until all have it
 *
 * A closed loop keeps a number of messages on their way: a new one leaves when one has arrived
 * everywhere.  An open loop sends by the clock, whatever arrives, and counts the latency of each
 * message from the moment at which it should have left, so a server that makes its clients wait
 * is not spared (no coordinated omission). */
#ifndef PARLEY_BENCH_TRAFFIC_H
#define PARLEY_BENCH_TRAFFIC_H

#include "tests/bench/load/crowd.h"
#include "tests/bench/load/window.h"

#define TRAFFIC_TEXT 100     /* bytes of each text */
#define TRAFFIC_SENDERS 50   /* who write to the group, one after the other */
#define TRAFFIC_SLOTS 65536u /* messages that can be on their way */

struct traffic_plan {
    bool direct;        /* to one user, with an ack; else to the group, without */
    uint32_t in_flight; /* closed loop; 0: open loop, or nothing is sent */
    double per_second;  /* open loop */
    uint64_t warm_us;   /* before anything counts */
    uint64_t span_us;   /* in which everything counts */
};

/* Of messages that should have left in the window; deliveries: that arrived in it.  A direct
 * message arrives three times: at the receiver, at the sender (the echo), and as ack. */
struct traffic_figures {
    struct window window;
    uint64_t deliveries;     /* messages read by clients in the window, of this and other crowds */
    uint64_t sent, messages; /* messages that left, that arrived everywhere, in the window */
    uint64_t missing, surplus,
        errors;      /* deliveries that never came, that nobody expected; refusals */
    uint64_t astray; /* messages that arrived often enough, but not at those who should have them */
    bool overloaded; /* more on their way than can be: no figure means anything */
    struct latencies delivered, accepted; /* until a client had it; until the ack */
};

/* Runs it with everybody who is online, and waits for the last messages. */
void traffic_run(struct crowd *crowd, const struct procs *procs, const struct traffic_plan *plan,
                 struct traffic_figures *out);

/* Appends the figures as members of a JSON object, a comma behind the last. */
void traffic_write(const struct traffic_figures *f, struct buf *json);

#endif
