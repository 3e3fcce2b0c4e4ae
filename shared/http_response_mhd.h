/* http_response_mhd.h - turning our answers into libmicrohttpd's (part of http_mhd.c) */
#ifndef PARLEY_HTTP_RESPONSE_MHD_H
#define PARLEY_HTTP_RESPONSE_MHD_H

struct http_response;
struct MHD_Response;

/* Owned by the caller.  No memory ends the program. */
struct MHD_Response *http_response_mhd(const struct http_response *res);

#endif
