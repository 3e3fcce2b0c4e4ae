/* eio_cors.c - which pages of browsers may use the server */
#include "gateway-svc/socketio/eio_cors.h"
#include "shared/origin.h"

static bool is_everybody(const struct sio_config *config)
{
    return slice_equal(slice_text(config->origins), SLICE("*"));
}

static enum origin_verdict judge(const struct sio_config *config,
                                 const struct eio_cors_request *req)
{
    return origin_judge(req->scheme, req->host, req->origin, config->origins);
}

bool eio_cors_allows(const struct sio_config *config, const struct eio_cors_request *req)
{
    return !config->origins || is_everybody(config) || origin_passes(judge(config, req));
}

static void line(struct buf *lines, const char *name, struct slice value)
{
    if (value.len > 0) {
        buf_printf(lines, "%s: ", name);
        buf_append(lines, value);
        buf_append(lines, SLICE("\r\n"));
    }
}

static void append_preflight(struct buf *lines, const struct sio_config *config,
                             const struct eio_cors_request *req)
{
    struct slice names = slice_text(config->cors_headers);
    if (!config->cors_headers) {
        bool good = slice_made_of(req->wanted_headers, "-_, "); /* names and commas */
        names = good ? req->wanted_headers : SLICE("");
        line(lines, "Vary", SLICE("Access-Control-Request-Headers"));
    }
    line(lines, "Access-Control-Allow-Methods", slice_text(config->cors_methods));
    line(lines, "Access-Control-Allow-Headers", names);
    if (config->cors_max_age_s > 0) {
        buf_printf(lines, "Access-Control-Max-Age: %u\r\n", config->cors_max_age_s);
    }
}

bool eio_cors_append(struct buf *lines, const struct sio_config *config,
                     const struct eio_cors_request *req, bool preflight)
{
    if (!config->origins) {
        return !lines->failed;
    }
    bool everybody = is_everybody(config);
    if (!everybody) {
        line(lines, "Vary", SLICE("Origin"));
    }
    if (!everybody && judge(config, req) != ORIGIN_LISTED) {
        return !lines->failed; /* its own page needs no permission, another gets none */
    }
    line(lines, "Access-Control-Allow-Origin", everybody ? SLICE("*") : req->origin);
    if (config->credentials) {
        line(lines, "Access-Control-Allow-Credentials", SLICE("true"));
    }
    if (preflight) {
        append_preflight(lines, config, req);
    } else {
        line(lines, "Access-Control-Expose-Headers", slice_text(config->cors_expose));
    }
    return !lines->failed;
}
