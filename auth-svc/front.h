/* front.h - between the HTTP server and the desk */
#ifndef PARLEY_AUTH_FRONT_H
#define PARLEY_AUTH_FRONT_H

#include "auth-svc/request.h"
#include "shared/http_mhd.h"

/* A handler for the HTTP server; its ctx is the desk. */
void front_handle(void *ctx, struct mhd_request *http);

#endif
