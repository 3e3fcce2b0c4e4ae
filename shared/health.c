/* health.c - /healthz and /readyz on a service's internal port */
#include "shared/health.h"

#include "shared/metrics.h"
#include "shared/must.h"

#include <stdlib.h>

#define TIMEOUT_S 5
#define CONNECTIONS_MAX 32

struct health {
    struct mhd_server *server;
    health_ready_fn *ready;
    void *ctx;
    health_metrics_fn *metrics; /* NULL: none */
    void *metrics_ctx;
};

static void answer_ready(const struct health *health, struct http_response *res)
{
    if (health->ready(health->ctx, &res->body)) {
        buf_clear(&res->body); /* a reason is for refusals alone */
        buf_append(&res->body, SLICE("ready"));
    } else {
        res->status = 503;
    }
}

static void answer_metrics(const struct health *health, struct http_response *res)
{
    res->content_type = METRICS_TYPE;
    health->metrics(health->metrics_ctx, &res->body);
    if (res->body.failed) { /* half of it would be believed */
        res->status = 500;
        buf_clear(&res->body);
    }
}

static void on_request(void *ctx, struct mhd_request *req)
{
    const struct health *health = ctx;
    struct slice path = mhd_request_path(req);
    bool get = slice_equal(mhd_request_method(req), SLICE("GET"));
    struct http_response res;
    http_response_init(&res, 200);
    res.content_type = "text/plain; charset=utf-8";
    if (get && health->metrics && slice_equal(path, SLICE("/metrics"))) {
        answer_metrics(health, &res);
        mhd_request_answer(req, &res);
        http_response_deinit(&res);
        return;
    }
    if (get && slice_equal(path, SLICE("/healthz"))) {
        buf_append(&res.body, SLICE("ok"));
    } else if (get && slice_equal(path, SLICE("/readyz"))) {
        answer_ready(health, &res);
    } else {
        res.status = 404;
        buf_append(&res.body, SLICE("not found"));
    }
    buf_byte(&res.body, '\n');
    mhd_request_answer(req, &res);
    http_response_deinit(&res);
}

struct health *health_new(struct ev_loop *loop, const char *host, uint16_t port,
                          health_ready_fn *ready, void *ctx)
{
    struct mhd_server_config config = {
        .host = host, .port = port, .timeout_s = TIMEOUT_S, .max_connections = CONNECTIONS_MAX};
    struct health *health = must(calloc(1, sizeof *health));
    health->ready = ready;
    health->ctx = ctx;
    health->server = mhd_server_new(loop, &config, on_request, health);
    if (!health->server) {
        free(health);
        return NULL;
    }
    return health;
}

void health_serve_metrics(struct health *health, health_metrics_fn *fn, void *ctx)
{
    health->metrics = fn;
    health->metrics_ctx = ctx;
}

void health_free(struct health *health)
{
    if (!health) {
        return;
    }
    mhd_server_free(health->server);
    free(health);
}
