/* url.h - the server's address as people write it; pure */
#ifndef PARLEY_TERMINAL_URL_H
#define PARLEY_TERMINAL_URL_H

#include "shared/slice.h"

#define URL_HOST_MAX 253

struct url {
    bool tls;
    char host[URL_HOST_MAX + 1]; /* a name or an address; IPv6 without brackets */
    uint16_t port;
};

/* http://host[:port][/] or https://...; without a scheme it is http.  The port is 80 or 443 if
 * there is none.  NULL when it is one, else what is wrong with it, in words. */
const char *url_parse(struct slice text, struct url *out);

/* What stands in Host: the port only where it is not the scheme's own. */
#define URL_AUTHORITY_MAX (URL_HOST_MAX + 8)
void url_authority(const struct url *url, char out[URL_AUTHORITY_MAX + 1]);

#endif
