/* fuzz_routes.c - no request gets in by a wrong name, method, token or page
 *
 * Input: nine lines: method, path, scheme, Host, Origin, Sec-Fetch-Site, Sec-Purpose, Cookie,
 * Authorization; the byte 1 stands for a token. */
#include "auth-svc/guard.h"
#include "auth-svc/routes.h"
#include "shared/token.h"
#include "tests/support/fuzz.h"

#include <ctype.h>

#define LINES 9

/* The name as a plain decoder reads it out of the path. */
static bool names(struct slice raw, const char *name)
{
    for (; raw.len > 0; name++) {
        char digits[3] = "";
        char c = raw.ptr[0];
        size_t used = 1;
        if (c == '%') {
            if (raw.len < 3 || !isxdigit((unsigned char)raw.ptr[1]) ||
                !isxdigit((unsigned char)raw.ptr[2])) {
                return false;
            }
            memcpy(digits, raw.ptr + 1, 2);
            c = (char)strtoul(digits, NULL, 16);
            used = 3;
        }
        if (*name == '\0' || *name != c) {
            return false;
        }
        raw = slice_tail(raw, used);
    }
    return *name == '\0';
}

static void check_safe(const struct request *req)
{
    bool browser_says_other = req->fetch_site.len > 0 &&
                              !slice_equal(req->fetch_site, SLICE("same-origin")) &&
                              !slice_equal(req->fetch_site, SLICE("none"));
    enum origin_verdict origin = guard_origin(req, "https://chat.example");
    HOLDS(origin != ORIGIN_FOREIGN && !(browser_says_other && origin == ORIGIN_ABSENT));
    HOLDS(!slice_starts(req->purpose, SLICE("prefetch")) || req->purpose.len > 8);
}

static void check_named(const struct request *req, const struct decision *d, struct slice path)
{
    HOLDS(slice_starts(req->path, path) && names(slice_tail(req->path, path.len), d->name));
    HOLDS(username_check(slice_text(d->name)) == USERNAME_OK);
    HOLDS(slice_equal(req->method, SLICE("GET")) || slice_equal(req->method, SLICE("POST")));
}

static void check_token(const struct request *req, const struct decision *d)
{
    bool bearer = fuzz_inside(d->token, req->authorization);
    HOLDS(token_is_wellformed(d->token));
    HOLDS(bearer || fuzz_inside(d->token, req->cookie));
    HOLDS(bearer || slice_head(req->authorization, 7).len < 7 ||
          !slice_equal_nocase(slice_head(req->authorization, 7), SLICE("Bearer ")));
}

static void check_decision(const struct request *req, const struct decision *d)
{
    switch (d->action) {
    case ROUTE_LOGIN:
        check_safe(req);
        check_named(req, d, SLICE("/login/"));
        break;
    case ROUTE_LOGOUT:
        check_safe(req);
        check_named(req, d, SLICE("/logout/"));
        check_token(req, d);
        break;
    case ROUTE_SESSION:
        check_safe(req);
        check_token(req, d);
        HOLDS(slice_equal(req->path, SLICE("/session")));
        HOLDS(slice_equal(req->method, SLICE("GET")));
        break;
    case ROUTE_PREFLIGHT:
        HOLDS(d->listed_origin && slice_equal(req->method, SLICE("OPTIONS")));
        break;
    case ROUTE_ERROR: HOLDS((unsigned)d->error < ANSWER_ERRORS); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size), lines[LINES];
    struct decision decision;

    for (size_t i = 0; i < LINES; i++) {
        lines[i] = fuzz_line_with(&in, SLICE("0123456789abcdefghijklmnopqrstuvwxyzABCDE-_"));
    }
    bool secure = slice_equal(lines[2], SLICE("https"));
    const struct request req = {.method = lines[0],
                                .path = lines[1],
                                .scheme = secure ? SLICE("https") : SLICE("http"),
                                .host = lines[3],
                                .origin = lines[4],
                                .fetch_site = lines[5],
                                .purpose = lines[6],
                                .cookie = lines[7],
                                .authorization = lines[8]};
    route_decide(&req, "https://chat.example", &decision);
    check_decision(&req, &decision);
    for (size_t i = 0; i < LINES; i++) {
        exact_free(lines[i]);
    }
    return 0;
}
