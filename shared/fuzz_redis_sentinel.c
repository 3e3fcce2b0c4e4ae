/* fuzz_redis_sentinel.c - what was taken for sentinels, written down with every port, is the same
 * again; an address that was taken from a sentinel can be looked up and nothing else
 *
 * Input: REDIS_SENTINELS; in a second and third line host and port as a sentinel answers them. */
#include "shared/buf.h"
#include "shared/redis_sentinel.h"
#include "tests/support/fuzz.h"

static void check_again(const struct redis_sentinels *s)
{
    static struct redis_sentinels again;
    struct buf text;
    buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < s->count; i++) {
        bool six = strchr(s->at[i].host, ':') != NULL;
        buf_printf(&text, "%s%s%s%s:%d", i > 0 ? "," : "", six ? "[" : "", s->at[i].host,
                   six ? "]" : "", s->at[i].port);
    }
    if (!memchr(text.ptr, '%', text.len)) { /* would be decoded twice */
        struct slice copy = exact_copy(buf_slice(&text));
        HOLDS(redis_sentinels_parse(copy, &again) && again.count == s->count);
        exact_free(copy);
    }
    buf_deinit(&text);
}

static bool is_plain(const char *host)
{
    for (; *host; host++) {
        if ((unsigned char)*host <= ' ' || *host == '/' || *host == '@' || *host == ',') {
            return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct redis_sentinels s;
    struct slice in = fuzz_input(data, size);
    struct slice text = fuzz_line(&in);
    struct slice host = fuzz_line(&in);
    struct slice port = exact_copy(in);
    struct redis_url url = {.port = 0};
    bool safe = !memchr(text.ptr ? text.ptr : "", '%', text.len) &&
                !memchr(text.ptr ? text.ptr : "", '\0', text.len);

    if (redis_sentinels_parse(text, &s)) {
        HOLDS(s.count > 0 && s.count <= SENTINELS_MAX);
        for (size_t i = 0; i < s.count; i++) {
            HOLDS(s.at[i].host[0] != '\0' && s.at[i].port > 0 && !s.at[i].local);
            HOLDS(!s.at[i].secured);
        }
        if (safe && !memchr(text.ptr, '[', text.len)) {
            check_again(&s);
        }
    }
    if (redis_sentinel_address(host, port, &url)) {
        HOLDS(url.port > 0 && url.port <= 65535 && url.host[0] != '\0' && is_plain(url.host));
        HOLDS(strlen(url.host) == host.len);
    }
    exact_free(port);
    exact_free(host);
    exact_free(text);
    return 0;
}
