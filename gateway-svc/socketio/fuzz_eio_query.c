/* fuzz_eio_query.c - says what a plain reading of the query says; the same query written down again
 * from its decoded arguments says the same */
#include "gateway-svc/socketio/eio_query.h"
#include "tests/support/fuzz.h"

#include <ctype.h>

/* Into memory that is surely long enough. */
static struct buf decoded(struct slice raw)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < raw.len; i++) {
        char digits[3] = "";
        char c = raw.ptr[i];
        if (c == '%' && raw.len - i > 2 && isxdigit((unsigned char)raw.ptr[i + 1]) &&
            isxdigit((unsigned char)raw.ptr[i + 2])) {
            memcpy(digits, raw.ptr + i + 1, 2);
            c = (char)strtoul(digits, NULL, 16);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        buf_byte(&out, c);
    }
    return out;
}

/* The value of the last `name`; false when there is none.  To be given to buf_deinit. */
static bool find(struct slice raw, const char *name, struct buf *out, bool *empty)
{
    bool found = false;
    while (raw.len > 0) {
        struct slice value = slice_cut(&raw, '&');
        struct buf key = decoded(slice_cut(&value, '='));
        if (slice_equal(buf_slice(&key), slice_text(name))) {
            buf_deinit(out);
            *out = decoded(value);
            *empty = value.len == 0;
            found = true;
        }
        buf_deinit(&key);
    }
    return found;
}

static bool is_text(const struct buf *value, const char *text)
{
    return slice_equal(buf_slice(value), slice_text(text));
}

static void check_plain(struct slice raw, const struct eio_query *query)
{
    struct buf value;
    bool empty = true;
    buf_init(&value, 0);
    HOLDS(query->version_4 == (find(raw, "EIO", &value, &empty) && is_text(&value, "4")));
    bool named = find(raw, "transport", &value, &empty);
    HOLDS((query->transport == EIO_WEBSOCKET) == (named && is_text(&value, "websocket")));
    HOLDS((query->transport == EIO_POLLING) == (named && is_text(&value, "polling")));
    bool sid = find(raw, "sid", &value, &empty);
    HOLDS(query->has_sid == (sid && !empty));
    bool fits =
        sid && value.len <= EIO_SID_MAX && !memchr(value.ptr ? value.ptr : "", 0, value.len);
    HOLDS(slice_equal(slice_text(query->sid), fits ? buf_slice(&value) : SLICE("")));
    buf_deinit(&value);
}

/* Only where '=' and '&' are what they seem: libwebsockets hands over whole arguments. */
static void check_written(struct slice raw, const struct eio_query *query)
{
    struct eio_query again;
    struct buf text;
    buf_init(&text, SIZE_MAX);
    while (raw.len > 0) {
        struct slice argument = slice_cut(&raw, '&');
        struct slice value = argument;
        struct slice key = slice_cut(&value, '=');
        struct buf plain = decoded(key), rest = decoded(value);
        bool clean = !memchr(plain.ptr ? plain.ptr : "", '=', plain.len);
        if (clean && value.len > 0) {
            buf_byte(&plain, '=');
            buf_append(&plain, buf_slice(&rest));
        }
        if (clean && plain.len > 0) {
            HOLDS(eio_query_append(&text, buf_slice(&plain)));
        }
        buf_deinit(&plain);
        buf_deinit(&rest);
    }
    eio_query_parse(buf_slice(&text), &again);
    HOLDS(again.version_4 == query->version_4 && again.transport == query->transport);
    HOLDS(again.has_sid == query->has_sid && strcmp(again.sid, query->sid) == 0);
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct eio_query query;

    eio_query_parse(in, &query);
    check_plain(in, &query);
    check_written(in, &query);
    for (unsigned i = 0; i < 4; i++) {
        struct eio_request req = {.query = &query, .get = i & 1, .upgrade = i & 2};
        enum eio_refusal refusal = eio_request_check(&req);
        HOLDS(refusal != EIO_ACCEPTABLE ||
              (i == 3 && !query.has_sid && query.transport == EIO_WEBSOCKET));
        HOLDS(eio_refusal_text(refusal) && eio_refusal_status(refusal) > 0);
    }
    return 0;
}
