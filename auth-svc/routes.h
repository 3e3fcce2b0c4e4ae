/* routes.h - what a request asks for: pure, request in, decision out */
#ifndef PARLEY_AUTH_ROUTES_H
#define PARLEY_AUTH_ROUTES_H

#include "auth-svc/answers.h"
#include "auth-svc/request.h"
#include "shared/username.h"

enum route_action {
    ROUTE_LOGIN,
    ROUTE_LOGOUT,
    ROUTE_SESSION,
    ROUTE_PREFLIGHT, /* answer 204: the page of a listed origin may go on */
    ROUTE_ERROR      /* answer decision.error */
};

struct decision {
    enum route_action route; /* of the path, whatever is decided; ROUTE_ERROR: it has none */
    enum route_action action;
    enum answer_error error;
    const char *methods;         /* of the route, for Allow; NULL without a route; a literal */
    bool listed_origin;          /* every answer needs the CORS headers */
    char name[USERNAME_MAX + 1]; /* login, logout: good, as typed; else empty */
    struct slice token;          /* logout, session: well-formed; borrowed from the request */
};

/*     GET, POST  /login/<name>
 *     GET, POST  /logout/<name>     with the user's own token
 *     GET        /session           with a token
 *
 * The token comes from `Authorization: Bearer`, else from the session cookie of the request's
 * scheme; a Bearer that is no good does not fall back to the cookie.  A name is percent-decoded
 * once; what is no good name then is refused, never repaired. */
void route_decide(const struct request *req, const char *allowed_origins, struct decision *out);

#endif
