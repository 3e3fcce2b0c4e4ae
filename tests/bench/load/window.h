/* window.h - a stretch of time, and what each process of the server used in it */
#ifndef PARLEY_BENCH_WINDOW_H
#define PARLEY_BENCH_WINDOW_H

#include "shared/buf.h"
#include "tests/bench/load/procs.h"

struct window {
    const struct procs *procs;
    uint64_t begin_us, end_us;                       /* monotonic; end 0: still open */
    uint64_t begin_ns[PROCS_MAX], end_ns[PROCS_MAX]; /* on a processor */
    bool whole; /* false: a process has ended, so nothing can be said */
};

/* Begins one now; `procs` is borrowed until the end. */
void window_open(struct window *w, const struct procs *procs);
void window_close(struct window *w);

/* Was that moment in it?  One that is open has no end. */
bool window_has(const struct window *w, uint64_t us);

/* Appends `"seconds":..,"cpu_us":{"<name>":..},` as JSON, or `"seconds":..,"cpu_us":null,`. */
void window_write(const struct window *w, struct buf *json);

#endif
