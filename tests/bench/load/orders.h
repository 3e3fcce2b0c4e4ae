/* orders.h - what the load generator is told to do, a line each, and what it answers, as JSON */
#ifndef PARLEY_BENCH_ORDERS_H
#define PARLEY_BENCH_ORDERS_H

#include "tests/bench/load/crowd.h"
#include "tests/bench/load/procs.h"

struct orders {
    struct crowd *crowd;
    struct procs procs;
};

/* Carries out one line (without its end) and appends one JSON object, and a newline, to `answer`:
 * figures, or {"error":"..."}. */
void orders_do(struct orders *o, struct slice line, struct buf *answer);

/* What can be ordered, for --help. */
const char *orders_help(void);

#endif
