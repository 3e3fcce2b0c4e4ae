/* routes.c - what a request asks for */
#include "auth-svc/routes.h"

#include "auth-svc/guard.h"
#include "shared/cookie.h"
#include "shared/hex.h"
#include "shared/token.h"

#include <string.h>

static const struct route {
    struct slice path; /* with a name: all in front of it */
    bool named;
    enum route_action action;
    const char *methods;
} routes[] = {
    {SLICE_INIT("/login/"),  true,  ROUTE_LOGIN,   "GET, POST"},
    {SLICE_INIT("/logout/"), true,  ROUTE_LOGOUT,  "GET, POST"},
    {SLICE_INIT("/session"), false, ROUTE_SESSION, "GET"      },
};

static const struct route *route_find(struct slice path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *r = &routes[i];
        if (!r->named && slice_equal(path, r->path)) {
            return r;
        }
        if (r->named && slice_starts(path, r->path)) {
            struct slice name = slice_tail(path, r->path.len);
            return slice_cut(&name, '/').len == slice_tail(path, r->path.len).len ? r : NULL;
        }
    }
    return NULL;
}

static bool method_is_allowed(const struct route *r, struct slice method)
{
    struct slice rest = slice_text(r->methods);

    while (rest.len > 0) {
        if (slice_equal(slice_trim(slice_cut(&rest, ',')), method)) {
            return true;
        }
    }
    return false;
}

/* One byte, percent-decoded; false when % is not followed by two hex digits. */
static bool decode_byte(struct slice *rest, char *out)
{
    *out = rest->ptr[0];
    if (*out != '%') {
        *rest = slice_tail(*rest, 1);
        return true;
    }
    int high = rest->len > 2 ? hex_digit(rest->ptr[1]) : -1;
    int low = rest->len > 2 ? hex_digit(rest->ptr[2]) : -1;
    if (high < 0 || low < 0) {
        return false;
    }
    *out = (char)(high * 16 + low);
    *rest = slice_tail(*rest, 3);
    return true;
}

/* Decoded once; the check then refuses NUL, slash, backslash, and a % that is left (which was
 * encoded twice). */
static bool decode_name(struct slice raw, char out[USERNAME_MAX + 1])
{
    size_t n = 0;

    memset(out, 0, USERNAME_MAX + 1);
    while (raw.len > 0) {
        if (n == USERNAME_MAX || !decode_byte(&raw, &out[n])) {
            return false;
        }
        n++;
    }
    return username_check((struct slice){out, n}) == USERNAME_OK;
}

/* `Bearer`, one space or more, the token.  False: no Bearer is there. */
static bool bearer_find(struct slice authorization, struct slice *token)
{
    struct slice rest = authorization;
    struct slice scheme = slice_cut(&rest, ' ');

    *token = slice_trim(rest);
    return slice_equal_nocase(scheme, SLICE("Bearer"));
}

static struct slice token_find(const struct request *req)
{
    struct slice token;

    if (!bearer_find(req->authorization, &token)) {
        token = cookie_find(req->cookie, req->scheme);
    }
    return token;
}

static void fail(struct decision *out, enum answer_error error)
{
    out->action = ROUTE_ERROR;
    out->error = error;
}

/* Browsers ask so before a page of another origin sends what a form could not. */
static void decide_options(enum origin_verdict origin, struct decision *out)
{
    if (origin == ORIGIN_LISTED) {
        out->action = ROUTE_PREFLIGHT;
    } else if (origin == ORIGIN_FOREIGN) {
        fail(out, ANSWER_CROSS_SITE);
    } else {
        fail(out, ANSWER_METHOD_NOT_ALLOWED);
    }
}

static void decide_arguments(const struct route *r, const struct request *req, struct decision *out)
{
    out->action = r->action;
    if (r->named && !decode_name(slice_tail(req->path, r->path.len), out->name)) {
        out->name[0] = '\0'; /* whatever is there is a good name */
        fail(out, ANSWER_INVALID_USERNAME);
        return;
    }
    if (r->action == ROUTE_LOGIN) {
        return;
    }
    out->token = token_find(req);
    if (!token_is_wellformed(out->token)) {
        fail(out, ANSWER_NOT_LOGGED_IN);
    }
}

void route_decide(const struct request *req, const char *allowed_origins, struct decision *out)
{
    const struct route *r = route_find(req->path);
    enum origin_verdict origin = guard_origin(req, allowed_origins);

    *out = (struct decision){.route = ROUTE_ERROR, .listed_origin = origin == ORIGIN_LISTED};
    if (!r) {
        fail(out, ANSWER_NOT_FOUND);
        return;
    }
    out->route = r->action;
    out->methods = r->methods;
    if (slice_equal(req->method, SLICE("OPTIONS"))) {
        decide_options(origin, out);
    } else if (!method_is_allowed(r, req->method)) {
        fail(out, ANSWER_METHOD_NOT_ALLOWED);
    } else if (!guard_passes(req, origin)) {
        fail(out, ANSWER_CROSS_SITE);
    } else {
        decide_arguments(r, req, out);
    }
}
