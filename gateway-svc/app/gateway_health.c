/* gateway_health.c - what is answered on the internal port */
#include "gateway-svc/app/gateway_health.h"
#include "gateway-svc/app/gateway_metrics.h"
#include "gateway-svc/app/hub_state.h"

const char *hub_readiness(struct hub *hub)
{
    if (hub->stopping) {
        return "draining\n";
    }
    buf_clear(&hub->why);
    if (!relay_is_ready(hub->relay, &hub->why)) {
        buf_append(&hub->why, SLICE("\n\0"));
        return hub->why.failed ? "no link to redis\n" : hub->why.ptr;
    }
    return crowd_is_known(hub->crowd) ? NULL : "the list of users is not known yet\n";
}

static unsigned answer_metrics(struct hub *hub, struct sio_page *page)
{
    buf_clear(&hub->metrics);
    gateway_metrics_write(hub, &hub->metrics);
    if (hub->metrics.failed) { /* half of it would be believed */
        page->body = SLICE("too much to tell\n");
        return 500;
    }
    page->type = METRICS_TYPE;
    page->body = buf_slice(&hub->metrics);
    return 200;
}

unsigned gateway_health_answer(void *app, struct slice path, struct sio_page *page)
{
    if (slice_equal(path, SLICE("/metrics"))) {
        return answer_metrics(app, page);
    }
    if (slice_equal(path, SLICE("/healthz"))) {
        page->body = SLICE("ok\n");
        return 200;
    }
    if (slice_equal(path, SLICE("/readyz"))) {
        const char *why = hub_readiness(app);
        page->body = slice_text(why ? why : "ready\n");
        return why ? 503 : 200;
    }
    page->body = SLICE("not found\n");
    return 404;
}
