/* username.c - the names that users may have */
#include "shared/username.h"

/* Receivers with a meaning of their own, words that look like the system speaking, words that
 * scripts take for nothing, and first parts of our own addresses. */
static const struct slice reserved[] = {
    SLICE_INIT("group"),     SLICE_INIT("all"),     SLICE_INIT("everyone"),
    SLICE_INIT("here"),      SLICE_INIT("admin"),   SLICE_INIT("root"),
    SLICE_INIT("system"),    SLICE_INIT("server"),  SLICE_INIT("null"),
    SLICE_INIT("undefined"), SLICE_INIT("me"),      SLICE_INIT("anonymous"),
    SLICE_INIT("__proto__"), SLICE_INIT("login"),   SLICE_INIT("logout"),
    SLICE_INIT("oidc"),      SLICE_INIT("metrics"), SLICE_INIT("health"),
};

static bool is_reserved(struct slice name)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (slice_equal_nocase(name, reserved[i])) {
            return true;
        }
    }
    return false;
}

static bool has_shape(struct slice name)
{
    return name.len <= USERNAME_MAX && slice_is_word(slice_head(name, 1), "") &&
           slice_made_of(name, "._-");
}

enum username_err username_check(struct slice name)
{
    if (is_reserved(name)) {
        return USERNAME_E_RESERVED; /* first: __proto__ has not even the shape */
    }
    return has_shape(name) ? USERNAME_OK : USERNAME_E_SHAPE;
}

void username_fold(struct slice name, char out[USERNAME_MAX + 1])
{
    size_t n = slice_head(name, USERNAME_MAX).len;

    for (size_t i = 0; i < n; i++) {
        char c = name.ptr[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    out[n] = '\0';
}
