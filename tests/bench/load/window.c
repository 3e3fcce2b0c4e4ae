/* window.c - a stretch of time, and what each process of the server used in it */
#include "tests/bench/load/window.h"
#include "shared/clock.h"

void window_open(struct window *w, const struct procs *procs)
{
    *w = (struct window){.procs = procs, .begin_us = clock_mono_us()};
    w->whole = procs_cpu(procs, w->begin_ns);
}

void window_close(struct window *w)
{
    w->whole = procs_cpu(w->procs, w->end_ns) && w->whole;
    w->end_us = clock_mono_us();
}

bool window_has(const struct window *w, uint64_t us)
{
    return w->begin_us > 0 && us >= w->begin_us && (w->end_us == 0 || us < w->end_us);
}

void window_write(const struct window *w, struct buf *json)
{
    buf_printf(json, "\"seconds\":%.6f,\"cpu_us\":", (double)(w->end_us - w->begin_us) / 1e6);
    if (!w->whole) {
        buf_append(json, SLICE("null,"));
        return;
    }
    buf_byte(json, '{');
    for (uint32_t i = 0; i < w->procs->count; i++) {
        double us = (double)(w->end_ns[i] - w->begin_ns[i]) / 1e3;
        buf_printf(json, "%s\"%s\":%.1f", i > 0 ? "," : "", w->procs->at[i].name, us);
    }
    buf_append(json, SLICE("},"));
}
