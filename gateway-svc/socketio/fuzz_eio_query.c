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

/* What may pass, whoever asks in which way: the rules once more, by what they let through. */
static bool may_pass(const struct eio_request *req)
{
    const struct eio_query *q = req->query;
    bool known = q->transport == EIO_WEBSOCKET ? req->websocket
                                               : q->transport == EIO_POLLING && req->polling;
    bool form = q->transport == EIO_WEBSOCKET ? req->upgrade : !req->upgrade;
    if (!known) {
        return false;
    }
    if (!q->has_sid) {
        return form && req->method == HTTP_GET;
    }
    return req->known && req->polls && form && q->version_4;
}

static void check_refusals(const struct eio_query *query)
{
    for (unsigned i = 0; i < 32 * (HTTP_OTHER_METHOD + 1); i++) {
        struct eio_request req = {.query = query,
                                  .method = (enum http_method)(i / 32),
                                  .upgrade = i & 1,
                                  .polling = i & 2,
                                  .websocket = i & 4,
                                  .known = i & 8,
                                  .polls = i & 16};
        enum eio_refusal refusal = eio_request_check(&req);
        HOLDS(refusal != EIO_ACCEPTABLE || may_pass(&req));
        HOLDS(refusal == EIO_ACCEPTABLE || eio_refusal_status(refusal) >= 400);
        HOLDS(refusal == EIO_ACCEPTABLE || eio_refusal_text(refusal));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct eio_query query;

    eio_query_parse(in, &query);
    check_plain(in, &query);
    check_refusals(&query);
    return 0;
}
