/* guard.c - may the page behind this request make it? */
#include "auth-svc/guard.h"

enum origin_verdict guard_origin(const struct request *req, const char *allowed_origins)
{
    return origin_judge(req->scheme, req->host, req->origin, allowed_origins);
}

/* `prefetch`, `prefetch;prerender`, `prefetch;anonymous-client-ip` */
static bool is_ahead(struct slice purpose)
{
    struct slice rest = purpose;

    while (rest.len > 0) {
        struct slice item = slice_cut(&rest, ',');
        if (slice_equal_nocase(slice_trim(slice_cut(&item, ';')), SLICE("prefetch"))) {
            return true;
        }
    }
    return false;
}

/* `none`: typed into the address bar, or a bookmark. */
static bool is_same_site_request(struct slice fetch_site)
{
    return fetch_site.len == 0 || slice_equal(fetch_site, SLICE("none")) ||
           slice_equal(fetch_site, SLICE("same-origin"));
}

bool guard_passes(const struct request *req, enum origin_verdict origin)
{
    if (is_ahead(req->purpose) || is_ahead(req->older_purpose)) {
        return false;
    }
    /* A link or an <img> of another site carries no Origin, so that absent is not enough here. */
    if (!is_same_site_request(req->fetch_site) && origin == ORIGIN_ABSENT) {
        return false;
    }
    return origin_passes(origin);
}
