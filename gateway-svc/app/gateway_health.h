/* gateway_health.h - /healthz, /readyz and /metrics, on the internal port */
#ifndef PARLEY_GATEWAY_HEALTH_H
#define PARLEY_GATEWAY_HEALTH_H

#include "gateway-svc/app/hub.h"

/* NULL, or why /readyz says no: a line, good until the next call. */
const char *hub_readiness(struct hub *hub);

/* For sio_server_handler's `http`; its app is the hub.  Bodies are good until the next call. */
unsigned gateway_health_answer(void *app, struct slice path, struct sio_page *page);

#endif
