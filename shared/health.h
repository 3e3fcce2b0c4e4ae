/* health.h - /healthz and /readyz on a service's internal port */
#ifndef PARLEY_HEALTH_H
#define PARLEY_HEALTH_H

#include "shared/http_mhd.h"

/* Fills `why` with a short reason and returns false while the service must not get traffic. */
typedef bool health_ready_fn(void *ctx, struct buf *why);

struct health;
/* GET /healthz: 200 "ok" while the loop turns.  GET /readyz: 200 "ready" or 503 with the reason.
 * GET /metrics, once there is somebody who writes them.  Anything else 404.  NULL when the port
 * cannot be had. */
struct health *health_new(struct ev_loop *loop, const char *host, uint16_t port,
                          health_ready_fn *ready, void *ctx);
void health_free(struct health *health);

/* Appends what is to be told (metrics.h). */
typedef void health_metrics_fn(void *ctx, struct buf *out);
void health_serve_metrics(struct health *health, health_metrics_fn *fn, void *ctx);

#endif
