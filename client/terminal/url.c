/* url.c - the server's address as people write it */
#include "client/terminal/url.h"
#include <stdio.h>
#include <string.h>

#define HTTP_PORT 80
#define HTTPS_PORT 443

static bool cut_scheme(struct slice *rest, struct url *out)
{
    static const struct {
        struct slice text;
        bool tls;
    } schemes[] = {
        {SLICE_INIT("http://"),  false},
        {SLICE_INIT("https://"), true },
    };
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct slice text = schemes[i].text;
        if (slice_equal_nocase(slice_head(*rest, text.len), text)) {
            *rest = slice_tail(*rest, text.len);
            out->tls = schemes[i].tls;
            return true;
        }
    }
    struct slice behind = *rest;
    (void)slice_cut(&behind, ':');
    out->tls = false;
    return !slice_starts(behind, SLICE("//"));
}

/* Takes the host off the front: [IPv6], or all up to a colon. */
static bool cut_host(struct slice *rest, struct slice *host)
{
    if (slice_starts(*rest, SLICE("["))) {
        *rest = slice_tail(*rest, 1);
        bool closed = memchr(rest->ptr ? rest->ptr : "", ']', rest->len) != NULL;
        *host = slice_cut(rest, ']');
        return closed && slice_made_of(*host, ":.%");
    }
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ':') {
        n++;
    }
    *host = slice_head(*rest, n);
    *rest = slice_tail(*rest, n);
    return slice_made_of(*host, "-._");
}

static bool cut_port(struct slice rest, struct url *out)
{
    uint64_t port = out->tls ? HTTPS_PORT : HTTP_PORT;
    if (rest.len > 0 && (!slice_starts(rest, SLICE(":")) ||
                         !slice_u64(slice_tail(rest, 1), UINT16_MAX, &port) || port == 0)) {
        return false;
    }
    out->port = (uint16_t)port;
    return true;
}

const char *url_parse(struct slice text, struct url *out)
{
    struct slice rest = text, host;
    if (!cut_scheme(&rest, out)) {
        return "it begins with neither http:// nor https://";
    }
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '/') {
        rest.len--;
    }
    if (rest.len > 0 && memchr(rest.ptr, '/', rest.len)) {
        return "there is a path in it";
    }
    if (!cut_host(&rest, &host) || host.len == 0 || host.len > URL_HOST_MAX) {
        return "there is no host name in it";
    }
    if (!cut_port(rest, out)) {
        return "the port is not a number from 1 to 65535";
    }
    memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    return NULL;
}

void url_authority(const struct url *url, char out[URL_AUTHORITY_MAX + 1])
{
    bool v6 = strchr(url->host, ':') != NULL;
    int n = snprintf(out, URL_AUTHORITY_MAX + 1, v6 ? "[%s]" : "%s", url->host);
    if (url->port != (url->tls ? HTTPS_PORT : HTTP_PORT)) {
        (void)snprintf(out + n, URL_AUTHORITY_MAX + 1 - (size_t)n, ":%u", url->port);
    }
}
