/* service_metrics.c - what every service tells */
#include "shared/service_metrics.h"

#include "shared/process_stats.h"
#include "shared/version.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define PROCESS(kind, name, help, member) METRIC(kind, name, help, struct process_stats, member)
#define LOOP(kind, name, help, member) METRIC(kind, name, help, struct loop_stats, member)
#define REDIS(kind, name, help, member) METRIC(kind, name, help, struct functions_stats, member)

/* Names and help are those that all client libraries of Prometheus use. */
static const struct metric process_table[] = {
    PROCESS(METRIC_GAUGE, "process_resident_memory_bytes", "Resident memory size in bytes.",
            resident_bytes),
    PROCESS(METRIC_GAUGE, "process_virtual_memory_bytes", "Virtual memory size in bytes.",
            virtual_bytes),
    PROCESS(METRIC_GAUGE, "process_open_fds", "Number of open file descriptors.", open_fds),
    PROCESS(METRIC_GAUGE, "process_max_fds", "Maximum number of open file descriptors.", max_fds),
    PROCESS(METRIC_COUNTER_US, "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.", cpu_us),
};

static const struct metric loop_table[] = {
    LOOP(METRIC_GAUGE_US, "process_start_time_seconds",
         "Start time of the process since unix epoch in seconds.", started_us),
    LOOP(METRIC_TIME, "parley_loop_turn_seconds",
         "How long one turn of the event loop took: so long everybody else waited.", turns),
    LOOP(METRIC_TIME, "parley_loop_delay_seconds", "How late a timer of one second went off.",
         delays),
};

static const struct metric redis_table[] = {
    REDIS(METRIC_GAUGE, "parley_redis_up", "1 while the connection to Redis for calls is up.", up),
    REDIS(METRIC_COUNTER, "parley_redis_connects_total", "How often that connection came up.",
          connects),
    REDIS(METRIC_COUNTER, "parley_redis_losses_total", "How often it was lost.", losses),
    REDIS(METRIC_COUNTER, "parley_redis_calls_refused_total",
          "Calls that Redis answered with an error.", refused),
    REDIS(METRIC_COUNTER, "parley_redis_calls_unanswered_total", "Calls whose answer never came.",
          unanswered),
};

struct state {
    uint64_t info, ready;
};

static const char *const versions[] = {PARLEY_VERSION};

static const struct metric state_table[] = {
    METRIC_BY(METRIC_GAUGE, "parley_build_info", "Always 1; its label tells the release.",
              struct state, info, METRIC_LABEL("version", versions)),
    METRIC(METRIC_GAUGE, "parley_ready", "1 while the service may get traffic, as /readyz says.",
           struct state, ready),
};

/* By the functions that have been called: a row that grows with them. */
static void put_calls(struct buf *out, const struct functions_stats *stats)
{
    const struct metric_label by = {"function", stats->names, stats->count};
    const struct metric calls = METRIC_BY(METRIC_TIME, "parley_redis_call_seconds",
                                          "Round trips of calls to Redis that were answered.",
                                          struct functions_stats, calls, by);

    metrics_write(out, &calls, 1, stats);
}

void service_metrics_write(struct buf *out, const struct service_metrics *service)
{
    const struct state state = {1, service->ready ? 1 : 0};
    const struct functions_stats *redis = functions_stats(service->functions);
    struct process_stats process;

    process_stats_read(&process);
    metrics_write(out, state_table, ROWS(state_table), &state);
    metrics_write(out, process_table, ROWS(process_table), &process);
    metrics_write(out, loop_table, ROWS(loop_table), loop_watch_stats(service->loop));
    metrics_write(out, redis_table, ROWS(redis_table), redis);
    put_calls(out, redis);
}
