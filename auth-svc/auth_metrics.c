/* auth_metrics.c - what auth-svc tells Prometheus */
#include "auth-svc/auth_metrics.h"

static const struct metric desk_table[] = {
    METRIC_BY2(METRIC_COUNTER, "parley_auth_requests_total",
               "Requests answered, by what was asked for and the HTTP status.", struct desk_stats,
               answered, METRIC_LABEL("route", desk_route_names),
               METRIC_LABEL("status", desk_status_names)),
    METRIC(METRIC_GAUGE, "parley_auth_requests_waiting", "Requests that wait for Redis.",
           struct desk_stats, outstanding),
};

static const struct metric http_table[] = {
    METRIC(METRIC_COUNTER, "parley_auth_http_refused_total",
           "Requests that are no HTTP that we read.", struct mhd_stats, refused),
    METRIC(METRIC_COUNTER, "parley_auth_http_late_total",
           "Connections on which no request came whole in time.", struct mhd_stats, late),
};

void auth_metrics_write(struct buf *out, const struct service_metrics *service,
                        const struct desk *desk, const struct mhd_server *http)
{
    service_metrics_write(out, service);
    metrics_write(out, desk_table, sizeof desk_table / sizeof *desk_table, desk_stats(desk));
    metrics_write(out, http_table, sizeof http_table / sizeof *http_table, mhd_server_stats(http));
}
