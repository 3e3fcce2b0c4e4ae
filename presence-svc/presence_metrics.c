/* presence_metrics.c - what presence-svc tells Prometheus */
#include "presence-svc/presence_metrics.h"

#define SWEEP(kind, name, help, member) METRIC(kind, name, help, struct sweep_stats, member)

static const char *const results[SWEEP_RESULTS] = {
    [SWEEP_DONE] = "done", [SWEEP_MORE] = "more", [SWEEP_FAILED] = "failed"};

static const struct metric sweep_table[] = {
    METRIC_BY(METRIC_COUNTER, "parley_sweeps_total",
              "Sweeps: done, with more to do at once, or failed.", struct sweep_stats, sweeps,
              METRIC_LABEL("result", results)),
    SWEEP(METRIC_COUNTER, "parley_sweep_users_ended_total",
          "Users who left the list because their time was up.", ended),
    SWEEP(METRIC_COUNTER, "parley_sweep_users_detached_total",
          "Users taken from gateways that fell silent; they are in their grace period then.",
          detached),
    SWEEP(METRIC_COUNTER, "parley_sweep_gateways_lapsed_total",
          "Gateways whose lease ended without a word.", lapsed),
    SWEEP(METRIC_COUNTER, "parley_sweep_expiry_events_total",
          "Expired countdowns that Redis announced.", events),
    SWEEP(METRIC_TIME, "parley_sweep_lag_seconds",
          "By how much the most overdue user or gateway of a sweep was late.", lag),
    SWEEP(METRIC_TIME, "parley_sweep_interval_seconds",
          "From the beginning of a sweep to the beginning of the next.", gaps),
    SWEEP(METRIC_GAUGE, "parley_settling", "1 while Redis settles and nobody is expired.",
          settling),
};

struct now {
    uint64_t age_us;
};

static const struct metric now_table[] = {
    METRIC(METRIC_GAUGE_US, "parley_sweep_age_seconds",
           "Since the last sweep that succeeded: so late users may be seen leaving.", struct now,
           age_us),
};

void presence_metrics_write(struct buf *out, const struct service_metrics *service,
                            const struct sweep *sweep)
{
    const struct now now = {sweep_age_ms(sweep) * 1000};

    service_metrics_write(out, service);
    metrics_write(out, sweep_table, sizeof sweep_table / sizeof *sweep_table, sweep_stats(sweep));
    metrics_write(out, now_table, sizeof now_table / sizeof *now_table, &now);
}
