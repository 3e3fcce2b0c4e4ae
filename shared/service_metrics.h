/* service_metrics.h - what every service tells: its process, its loop, its connection to Redis */
#ifndef PARLEY_SERVICE_METRICS_H
#define PARLEY_SERVICE_METRICS_H

#include "shared/functions.h"
#include "shared/loop_watch_ev.h"

struct service_metrics {
    const struct loop_watch *loop;
    const struct functions *functions; /* through which it calls Redis */
    bool ready;                        /* what /readyz says */
};

void service_metrics_write(struct buf *out, const struct service_metrics *service);

#endif
