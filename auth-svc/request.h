/* request.h - what auth-svc looks at in a request: plain slices, no HTTP library */
#ifndef PARLEY_AUTH_REQUEST_H
#define PARLEY_AUTH_REQUEST_H

#include "shared/slice.h"

/* Everything comes from the peer and nothing is checked yet, except scheme and address, which the
 * door sets.  Absent headers are empty.  Borrowed until the request is answered. */
struct request {
    struct slice method;
    struct slice path;    /* raw */
    struct slice scheme;  /* "http" or "https", as the client used it */
    struct slice address; /* of the client */
    struct slice host;
    struct slice origin;
    struct slice fetch_site;    /* Sec-Fetch-Site */
    struct slice purpose;       /* Sec-Purpose */
    struct slice older_purpose; /* Purpose */
    struct slice cookie;
    struct slice authorization;
};

#endif
