/* fuzz_redis_url.c - an address that was taken, written down with everything escaped, is the same
 * address; a password that is put into it comes out again, and nothing else changes
 *
 * Input: the address, and in a second line a password. */
#include "shared/buf.h"
#include "shared/redis_url.h"
#include "tests/support/fuzz.h"

static void put_escaped(struct buf *out, const char *text, bool path)
{
    for (; *text; text++) {
        if (path && *text == '/') {
            buf_byte(out, '/');
        } else {
            buf_printf(out, "%%%02x", (unsigned char)*text);
        }
    }
}

static void check_same_place(const struct redis_url *a, const struct redis_url *b)
{
    HOLDS(a->local == b->local && a->port == b->port);
    HOLDS(strcmp(a->user, b->user) == 0 && strcmp(a->host, b->host) == 0);
}

static void check_again(const struct redis_url *url)
{
    struct redis_url again;
    struct buf text;
    buf_init(&text, SIZE_MAX);
    buf_append(&text, url->local ? SLICE("unix://") : SLICE("redis://"));
    if (url->secured) {
        put_escaped(&text, url->user, false);
        buf_byte(&text, ':');
        put_escaped(&text, url->password, false);
        buf_byte(&text, '@');
    }
    put_escaped(&text, url->host, url->local);
    if (!url->local) {
        buf_printf(&text, ":%d", url->port);
    }
    struct slice copy = exact_copy(buf_slice(&text));
    HOLDS(redis_url_parse(copy, &again));
    check_same_place(&again, url);
    HOLDS(again.secured == url->secured && strcmp(again.password, url->password) == 0);
    exact_free(copy);
    buf_deinit(&text);
}

static void check_password(struct slice text, const struct redis_url *url, struct slice line)
{
    struct redis_url with;
    char out[4096];
    char *password = strndup(line.len > 0 ? line.ptr : "", line.len);
    HOLDS(password);
    if (redis_url_put_password(text, password, out, sizeof out)) {
        HOLDS(redis_url_parse(slice_text(out), &with));
        check_same_place(&with, url);
        HOLDS(with.secured && strcmp(with.password, password) == 0);
    } else {
        HOLDS(strlen(password) >= sizeof with.password || text.len > 2048);
    }
    free(password);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct slice text = fuzz_line(&in);
    struct redis_url url;

    if (redis_url_parse(text, &url)) {
        HOLDS(url.host[0] != '\0' && (!url.local || url.host[0] == '/'));
        HOLDS(url.local || (url.port > 0 && url.port <= 65535));
        HOLDS(url.secured || (url.user[0] == '\0' && url.password[0] == '\0'));
        check_again(&url);
        if (url.password[0] == '\0') {
            check_password(text, &url, in);
        }
    }
    exact_free(text);
    return 0;
}
