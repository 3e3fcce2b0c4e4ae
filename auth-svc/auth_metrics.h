/* auth_metrics.h - what auth-svc tells Prometheus */
#ifndef PARLEY_AUTH_METRICS_H
#define PARLEY_AUTH_METRICS_H

#include "auth-svc/desk.h"
#include "shared/service_metrics.h"

void auth_metrics_write(struct buf *out, const struct service_metrics *service,
                        const struct desk *desk, const struct mhd_server *http);

#endif
