/* fuzz_cookie.c - finds the value that a plain reading finds; what was set is found again, on its
 * own scheme only
 *
 * Input: the scheme's byte, then the header. */
#include "shared/cookie.h"
#include "shared/token.h"
#include "tests/support/fuzz.h"

/* One byte after the other. */
static struct slice plain_find(struct slice header, struct slice name)
{
    for (size_t i = 0; i < header.len;) {
        size_t end = i, equals;
        while (end < header.len && header.ptr[end] != ';') {
            end++;
        }
        for (equals = i; equals < end && header.ptr[equals] != '=';) {
            equals++;
        }
        struct slice key = slice_trim((struct slice){header.ptr + i, equals - i});
        if (equals < end && slice_equal(key, name)) {
            struct slice value = {header.ptr + equals + 1, end - equals - 1};
            if (slice_trim(value).len > 0) {
                return slice_trim(value);
            }
        }
        i = end + 1;
    }
    return SLICE("");
}

static void check_made(struct slice token, struct slice scheme, struct slice other)
{
    struct buf line;
    buf_init(&line, COOKIE_LINE_MAX);
    HOLDS(cookie_make(&line, token, scheme));
    struct slice pair = buf_slice(&line);
    pair = slice_cut(&pair, ';');
    HOLDS(slice_equal(cookie_find(pair, scheme), token));
    HOLDS(cookie_find(pair, other).len == 0);
    buf_deinit(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    bool secure = fuzz_byte(&in) % 2 == 1;
    struct slice scheme = secure ? SLICE("https") : SLICE("http");
    struct slice name = secure ? SLICE("__Host-session") : SLICE("session");
    struct slice header = exact_copy(in);
    struct slice found = cookie_find(header, scheme);

    HOLDS(fuzz_inside(found, header) && slice_equal(found, plain_find(header, name)));
    HOLDS(found.len == 0 || !memchr(found.ptr, ';', found.len));
    if (token_is_wellformed(found)) {
        check_made(found, scheme, secure ? SLICE("http") : SLICE("https"));
    }
    exact_free(header);
    return 0;
}
