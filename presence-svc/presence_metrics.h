/* presence_metrics.h - what presence-svc tells Prometheus */
#ifndef PARLEY_PRESENCE_METRICS_H
#define PARLEY_PRESENCE_METRICS_H

#include "presence-svc/sweep_redis.h"
#include "shared/service_metrics.h"

void presence_metrics_write(struct buf *out, const struct service_metrics *service,
                            const struct sweep *sweep);

#endif
