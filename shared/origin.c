/* origin.c - may a page of that origin use us? (RFC 6454) */
#include "shared/origin.h"

#define PORT_MAX 65535

struct authority {
    struct slice host;
    uint64_t port; /* 0: none written, and the scheme has no default */
};

struct origin {
    struct slice scheme;
    struct authority at;
};

static const struct {
    struct slice scheme;
    uint64_t port;
} default_ports[] = {
    {SLICE_INIT("http"),  80 },
    {SLICE_INIT("https"), 443},
};

static uint64_t default_port(struct slice scheme)
{
    for (size_t i = 0; i < sizeof default_ports / sizeof *default_ports; i++) {
        if (slice_equal_nocase(scheme, default_ports[i].scheme)) {
            return default_ports[i].port;
        }
    }
    return 0;
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool port_parse(struct slice s, uint64_t *out)
{
    return s.len > 0 && s.ptr[0] != '0' && slice_u64(s, PORT_MAX, out);
}

/* Where the host ends: behind the bracket of an IPv6 address, else at the first colon. */
static size_t host_length(struct slice s)
{
    char end = s.len > 0 && s.ptr[0] == '[' ? ']' : ':';
    size_t n = 0;
    while (n < s.len && s.ptr[n] != end) {
        n++;
    }
    return end == ']' && n < s.len ? n + 1 : n;
}

static bool host_is_valid(struct slice host)
{
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        return slice_is_word(slice_head(slice_tail(host, 1), host.len - 2), ":.");
    }
    return slice_is_word(host, ".-_");
}

static bool authority_parse(struct slice s, struct slice scheme, struct authority *out)
{
    out->host = slice_head(s, host_length(s));
    out->port = default_port(scheme);
    if (!host_is_valid(out->host)) {
        return false;
    }
    struct slice rest = slice_tail(s, out->host.len);
    if (rest.len == 0) {
        return true;
    }
    return rest.ptr[0] == ':' && port_parse(slice_tail(rest, 1), &out->port);
}

static bool origin_parse(struct slice s, struct origin *out)
{
    struct slice rest = s;
    out->scheme = slice_cut(&rest, ':');
    if (!slice_is_word(out->scheme, "+-.") || !is_alpha(out->scheme.ptr[0]) ||
        !slice_starts(rest, SLICE("//"))) {
        return false;
    }
    return authority_parse(slice_tail(rest, 2), out->scheme, &out->at);
}

static bool authority_equal(const struct authority *a, const struct authority *b)
{
    return a->port == b->port && slice_equal_nocase(a->host, b->host);
}

static bool is_null(struct slice s)
{
    return slice_equal(s, SLICE("null"));
}

static bool same_origin(struct slice entry, struct slice origin)
{
    struct origin a, b;
    if (is_null(entry) || is_null(origin)) {
        return slice_equal(entry, origin);
    }
    return origin_parse(entry, &a) && origin_parse(origin, &b) &&
           slice_equal_nocase(a.scheme, b.scheme) && authority_equal(&a.at, &b.at);
}

static bool is_own(struct slice scheme, struct slice host, struct slice origin)
{
    struct origin page;
    struct authority own;
    return origin_parse(origin, &page) && slice_equal_nocase(page.scheme, scheme) &&
           authority_parse(host, scheme, &own) && authority_equal(&page.at, &own);
}

static bool is_listed(struct slice origin, const char *allowed)
{
    struct slice rest = slice_text(allowed);
    while (rest.len > 0) {
        if (same_origin(slice_trim(slice_cut(&rest, ',')), origin)) {
            return true;
        }
    }
    return false;
}

enum origin_verdict origin_judge(struct slice scheme, struct slice host, struct slice origin,
                                 const char *allowed)
{
    if (origin.len == 0) {
        return ORIGIN_ABSENT;
    }
    if (is_own(scheme, host, origin)) {
        return ORIGIN_OWN;
    }
    return is_listed(origin, allowed) ? ORIGIN_LISTED : ORIGIN_FOREIGN;
}

bool origin_passes(enum origin_verdict verdict)
{
    return verdict != ORIGIN_FOREIGN;
}

const char *origin_check_list(const char *value)
{
    struct slice rest = slice_text(value);
    struct origin parsed;
    while (rest.len > 0) {
        struct slice entry = slice_trim(slice_cut(&rest, ','));
        if (!is_null(entry) && !origin_parse(entry, &parsed)) {
            return "must be origins like https://chat.example:8443, separated by commas";
        }
    }
    return NULL;
}
