/* redis_url.c - the address of a Redis, as REDIS_URL gives it */
#include "shared/redis_url.h"

#include <string.h>

#define DEFAULT_PORT 6379

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    int value = at ? (int)(at - digits) : -1;
    return value < 16 ? value : value - 6;
}

static bool percent_decode(struct slice in, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '%') {
            int high = in.len - i > 2 ? hex_digit(in.ptr[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_digit(in.ptr[i + 2]);
            c = (char)(low < 0 ? 0 : high * 16 + low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size) {
            return false;
        }
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

/* Takes "user:password@" off the front, if it is there; neither holds a bare '@' or '/'. */
static bool take_credentials(struct slice *rest, struct redis_url *out)
{
    struct slice behind = *rest;
    struct slice authority = slice_cut(&behind, '/');
    struct slice left = authority;
    struct slice password = slice_cut(&left, '@');
    if (password.len == authority.len) {
        return true;
    }
    *rest = slice_tail(*rest, password.len + 1);
    struct slice user = slice_cut(&password, ':');
    out->secured = true;
    return percent_decode(user, out->user, sizeof out->user) &&
           percent_decode(password, out->password, sizeof out->password);
}

/* Cuts "host" or "[host]" off *rest; what is left is empty or ":port". */
static struct slice take_host(struct slice *rest)
{
    if (slice_starts(*rest, SLICE("["))) {
        struct slice inside = slice_tail(*rest, 1);
        size_t before = inside.len;
        struct slice host = slice_cut(&inside, ']');
        *rest = slice_tail(*rest, host.len + 2);
        return host.len < before ? host : SLICE(""); /* unclosed: no host */
    }
    struct slice behind = *rest;
    struct slice host = slice_cut(&behind, ':');
    *rest = slice_tail(*rest, host.len);
    return host;
}

static bool parse_host(struct slice rest, struct redis_url *out)
{
    struct slice host = take_host(&rest);
    uint64_t port = DEFAULT_PORT;
    if (rest.len > 0 && (!slice_starts(rest, SLICE(":")) ||
                         !slice_u64(slice_tail(rest, 1), UINT16_MAX, &port) || port == 0)) {
        return false;
    }
    out->port = (int)port;
    return host.len > 0 && !memchr(host.ptr, '/', host.len) &&
           percent_decode(host, out->host, sizeof out->host);
}

bool redis_url_parse(struct slice text, struct redis_url *out)
{
    *out = (struct redis_url){.local = slice_starts(text, SLICE("unix://"))};
    if (!out->local && !slice_starts(text, SLICE("redis://"))) {
        return false;
    }
    text = slice_tail(text, out->local ? strlen("unix://") : strlen("redis://"));
    if (!take_credentials(&text, out)) {
        return false;
    }
    if (out->local) {
        return slice_starts(text, SLICE("/")) && percent_decode(text, out->host, sizeof out->host);
    }
    return parse_host(text, out);
}
