/* redis_url.c - the address of a Redis, as REDIS_URL gives it */
#include "shared/redis_url.h"
#include "shared/hex.h"
#include "shared/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define HOST_WORDS_MAX 128 /* cut behind that, in a line of the log */
#define USER_WORDS_MAX 64
#define WORDS_MAX (HOST_WORDS_MAX + USER_WORDS_MAX + 48)
#define DEFAULT_PORT 6379
#define PATH_MAX_BYTES (sizeof((struct sockaddr_un *)0)->sun_path - 1)

static const struct slice local_scheme = SLICE_INIT("unix://");
static const struct slice tcp_scheme = SLICE_INIT("redis://");

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
    *out = (struct redis_url){.local = slice_starts(text, local_scheme)};
    struct slice scheme = out->local ? local_scheme : tcp_scheme;
    if (!slice_starts(text, scheme)) {
        return false;
    }
    text = slice_tail(text, scheme.len);
    if (!take_credentials(&text, out)) {
        return false;
    }
    if (out->local) {
        return slice_starts(text, SLICE("/")) &&
               percent_decode(text, out->host, PATH_MAX_BYTES + 1);
    }
    return parse_host(text, out);
}

const char *redis_url_words(const struct redis_url *url, const struct redis_url *as)
{
    static char words[WORDS_MAX];
    char host[HOST_WORDS_MAX], user[USER_WORDS_MAX];
    bool bare = url->local || url->host[0] == '\0';
    const char *bracket = !bare && strchr(url->host, ':') ? "[" : "";
    char port[sizeof ":-2147483648"] = "";
    log_print(host, sizeof host, slice_text(url->host));
    log_print(user, sizeof user, slice_text(as->user));
    if (!bare) {
        (void)snprintf(port, sizeof port, ":%d", url->port);
    }
    (void)snprintf(words, sizeof words, "address=\"%s%s%s%s\" user=\"%s\"", bracket, host,
                   bracket[0] ? "]" : "", port, user);
    return words;
}

/* Each byte as %XX: no character of a password is taken for a part of the address. */
static void percent_encode(const char *text, size_t len, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        *out++ = '%';
        *out++ = hex[c >> 4];
        *out++ = hex[c & 15];
    }
    *out = '\0';
}

bool redis_url_put_password(struct slice text, const char *password, char *out, size_t size)
{
    struct slice scheme = slice_starts(text, local_scheme) ? local_scheme : tcp_scheme;
    struct slice host = slice_tail(text, scheme.len);
    struct slice behind = host;
    struct slice authority = slice_cut(&behind, '/');
    struct slice rest = authority;
    struct slice user = slice_cut(&rest, '@');
    char encoded[3 * sizeof((struct redis_url *)0)->password];
    size_t len = strlen(password);
    if (len >= sizeof((struct redis_url *)0)->password) {
        return false;
    }
    if (user.len == authority.len) { /* no '@': the default user */
        user = SLICE("");
    } else {
        host = slice_tail(host, user.len + 1);
        user = slice_cut(&user, ':');
    }
    percent_encode(password, len, encoded);
    int n = snprintf(out, size, "%.*s%.*s:%s@%.*s", (int)scheme.len, scheme.ptr, (int)user.len,
                     user.ptr, encoded, (int)host.len, host.ptr);
    explicit_bzero(encoded, sizeof encoded);
    return n >= 0 && (size_t)n < size;
}
