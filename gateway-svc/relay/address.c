/* address.c - where a gateway can be reached, as gateways tell each other */
#include "gateway-svc/relay/address.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

union any {
    struct in_addr v4;
    struct in6_addr v6;
};

/* AF_INET, AF_INET6, or AF_UNSPEC when it is neither. */
static int family_of(const char *host, union any *bits)
{
    if (inet_pton(AF_INET, host, &bits->v4) == 1) {
        return AF_INET;
    }
    return inet_pton(AF_INET6, host, &bits->v6) == 1 ? AF_INET6 : AF_UNSPEC;
}

static size_t find(struct slice text, char wanted)
{
    const char *at = text.len > 0 ? memchr(text.ptr, wanted, text.len) : NULL;
    return at ? (size_t)(at - text.ptr) : text.len;
}

/* Where the host ends: what follows is empty or ":port". */
static struct slice cut_host(struct slice text, struct slice *rest)
{
    if (slice_starts(text, SLICE("["))) {
        size_t end = find(text, ']');
        *rest = slice_tail(text, end < text.len ? end + 1 : end);
        return end < text.len ? slice_tail(slice_head(text, end), 1) : SLICE("");
    }
    size_t colon = find(text, ':');
    bool one = colon < text.len && find(slice_tail(text, colon + 1), ':') == text.len - colon - 1;
    size_t end = one ? colon : text.len; /* several colons: IPv6 alone */
    *rest = slice_tail(text, end);
    return slice_head(text, end);
}

static bool read_port(struct slice rest, uint16_t *port)
{
    uint64_t number = 0;
    if (rest.len == 0) {
        return true;
    }
    bool good = rest.ptr[0] == ':' && slice_u64(slice_tail(rest, 1), UINT16_MAX, &number);
    *port = (uint16_t)number;
    return good && number > 0;
}

bool address_parse(struct slice text, struct address *out)
{
    struct address parsed = {"", 0};
    struct slice rest = SLICE("");
    union any bits;
    struct slice host = cut_host(text, &rest);
    *out = parsed;
    if (host.len == 0 || host.len > ADDRESS_HOST_MAX || memchr(host.ptr, '\0', host.len)) {
        return false;
    }
    memcpy(parsed.host, host.ptr, host.len);
    int family = family_of(parsed.host, &bits);
    bool brackets = text.ptr[0] == '[';
    if (family == AF_UNSPEC || (brackets && family != AF_INET6) || !read_port(rest, &parsed.port)) {
        return false;
    }
    *out = parsed;
    return true;
}

bool address_is_wildcard(const char *host)
{
    union any bits;
    switch (family_of(host, &bits)) {
    case AF_INET: return bits.v4.s_addr == 0;
    case AF_INET6: return IN6_IS_ADDR_UNSPECIFIED(&bits.v6);
    default: return false;
    }
}

void address_print(const char *host, uint16_t port, char out[ADDRESS_TEXT_MAX + 1])
{
    bool v6 = strchr(host, ':') != NULL;
    (void)snprintf(out, ADDRESS_TEXT_MAX + 1, v6 ? "[%.*s]:%u" : "%.*s:%u", ADDRESS_HOST_MAX, host,
                   (unsigned)port);
}
