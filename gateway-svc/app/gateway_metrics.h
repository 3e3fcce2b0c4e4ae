/* gateway_metrics.h - what gateway-svc tells Prometheus, and the words for what it counts */
#ifndef PARLEY_GATEWAY_METRICS_H
#define PARLEY_GATEWAY_METRICS_H

#include "gateway-svc/app/hub.h"
#include "shared/buf.h"

extern const char *const hub_connect_names[HUB_CONNECTS]; /* also the codes that clients get */
extern const char *const hub_end_names[HUB_ENDS];         /* "logged_out", ... */

/* Costs the same however many clients there are. */
void gateway_metrics_write(struct hub *hub, struct buf *out);

#endif
