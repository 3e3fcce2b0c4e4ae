/* origin.h - may a page of that origin use us? (RFC 6454; both services that browsers talk to) */
#ifndef PARLEY_ORIGIN_H
#define PARLEY_ORIGIN_H

#include "shared/slice.h"

enum origin_verdict {
    ORIGIN_ABSENT, /* no Origin header: passes; browsers send none on a same-origin GET */
    ORIGIN_OWN,    /* the request's own scheme, host and port: passes */
    ORIGIN_LISTED, /* in ALLOWED_ORIGINS: passes, and needs the CORS headers */
    ORIGIN_FOREIGN /* anything else, also what cannot be parsed: refuse with 403 */
};

/* Judges the Origin header of a request.  Pure; nothing here has to be validated before.
 *
 * scheme   "http" or "https", as the client used it: X-Forwarded-Proto of the door, else "http"
 * host     value of the Host header: name or name:port
 * origin   value of the Origin header; empty = absent
 * allowed  ALLOWED_ORIGINS, has passed origin_check_list
 *
 * Scheme and host are compared without regard to case; a port that is the scheme's default may be
 * written or left out.  `null` and whatever does not parse is foreign unless `null` is listed. */
enum origin_verdict origin_judge(struct slice scheme, struct slice host, struct slice origin,
                                 const char *allowed);
bool origin_passes(enum origin_verdict verdict);

/* A check for the settings table: origins separated by commas, spaces around them allowed, each
 * `scheme://host[:port]` or `null`; the empty list is good.  NULL when good, else what is wrong. */
const char *origin_check_list(const char *value);

#endif
