/* http_strict_mhd.h - refusing requests that libmicrohttpd would let through
 *
 * Part of http_mhd.c.  libmicrohttpd takes the first of two Content-Length headers, two Hosts, a
 * length beside a transfer encoding, and cuts paths at %00; its old releases take bare LF and NUL
 * in headers too.  Every one of these is a way to make two servers read one request differently. */
#ifndef PARLEY_HTTP_STRICT_MHD_H
#define PARLEY_HTTP_STRICT_MHD_H

#include "shared/slice.h"

struct MHD_Connection;

struct http_refusal {
    const char *status; /* "400 Bad Request" */
    const char *code;
    const char *message;
};
extern const struct http_refusal http_refusal_too_large;
extern const struct http_refusal http_refusal_many_arguments;

#define HTTP_ARGUMENTS_MAX 100
/* Has this URI a query of more than HTTP_ARGUMENTS_MAX arguments? */
bool http_has_many_arguments(struct slice uri);

/* The request line. */
struct http_line {
    struct slice method, uri, version; /* as sent */
};

/* NULL when the headers may be trusted. */
const struct http_refusal *http_check_mhd(struct MHD_Connection *connection,
                                          const struct http_line *line);

/* Writes a complete answer straight to the socket, on which nothing was written yet; the caller has
 * libmicrohttpd close the connection then.  (libmicrohttpd itself can't answer in the middle of a
 * body.)  `head`: without a body. */
void http_refuse_mhd(int fd, const struct http_refusal *why, bool head);

#endif
