/* front.h - between the HTTP server and the desk */
#ifndef PARLEY_AUTH_FRONT_H
#define PARLEY_AUTH_FRONT_H

#include "auth-svc/request.h"
#include "shared/http_mhd.h"

/* A handler for the HTTP server; its ctx is the desk. */
void front_handle(void *ctx, struct mhd_request *http);

/* The client's address: the last element of X-Forwarded-For, which the door sets and nobody else
 * can (it removes what clients send); without the header, the peer. */
struct slice front_address(struct slice forwarded_for, struct slice peer);
/* "https" when the door says so in X-Forwarded-Proto, else "http". */
struct slice front_scheme(struct slice forwarded_proto);

#endif
