/* cookie.c - the session cookie */
#include "shared/cookie.h"

static bool is_https(struct slice scheme)
{
    return slice_equal_nocase(scheme, SLICE("https"));
}

static struct slice cookie_name(struct slice scheme)
{
    return is_https(scheme) ? SLICE("__Host-session") : SLICE("session");
}

struct slice cookie_find(struct slice header, struct slice scheme)
{
    struct slice name = cookie_name(scheme);
    struct slice rest = header;
    while (rest.len > 0) {
        struct slice value = slice_cut(&rest, ';');
        bool ours = slice_equal(slice_trim(slice_cut(&value, '=')), name);
        value = slice_trim(value);
        if (ours && value.len > 0) {
            return value;
        }
    }
    return (struct slice){NULL, 0};
}

bool cookie_make(struct buf *out, struct slice token, struct slice scheme)
{
    return buf_append(out, cookie_name(scheme)) && buf_byte(out, '=') && buf_append(out, token) &&
           buf_append(out, SLICE("; Path=/; HttpOnly; SameSite=Lax")) &&
           buf_append(out, is_https(scheme) ? SLICE("; Secure") : SLICE("")) &&
           buf_append(out, token.len == 0 ? SLICE("; Max-Age=0") : SLICE(""));
}
