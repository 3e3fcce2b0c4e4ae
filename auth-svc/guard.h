/* guard.h - may the page behind this request make it?  (GET changes state here) */
#ifndef PARLEY_AUTH_GUARD_H
#define PARLEY_AUTH_GUARD_H

#include "auth-svc/request.h"
#include "shared/origin.h"

/* The request's Origin against its own address and ALLOWED_ORIGINS. */
enum origin_verdict guard_origin(const struct request *req, const char *allowed_origins);

/* False: refuse with cross_site.  A page of another site, a link on one or an <img>, and a browser
 * that fetches ahead (prefetch, prerender) must neither log in nor out.  Clients that are no
 * browsers send none of these headers and pass. */
bool guard_passes(const struct request *req, enum origin_verdict origin);

#endif
