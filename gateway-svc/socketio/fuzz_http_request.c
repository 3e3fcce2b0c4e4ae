/* fuzz_http_request.c - what was said of the first bytes holds whatever comes behind them; what
 * passes keeps the rules, and says the same when it is written down again */
#include "gateway-svc/socketio/http_request.h"
#include "tests/support/fuzz.h"

struct verdict {
    unsigned status;
    const char *why;
    size_t size;
};

static struct verdict judge(struct slice bytes)
{
    struct http_request req;
    struct verdict v = {.why = NULL};
    struct slice copy = exact_copy(bytes);
    v.status = http_request_read(copy, &req, &v.why);
    v.size = v.status == 200 ? req.size : 0;
    exact_free(copy);
    return v;
}

static void check_grown(struct verdict before, struct verdict after)
{
    bool same =
        before.status == after.status && before.why == after.why && before.size == after.size;
    HOLDS(before.status == 0 || same);
}

/* All prefixes of a short input, some of a long one. */
static void check_prefixes(struct slice in)
{
    size_t step = 1 + in.len / 64;
    struct verdict last = {0}, now;
    for (size_t n = 0; n < in.len; n += step) {
        now = judge(slice_head(in, n));
        check_grown(last, now);
        last = now;
    }
    now = judge(in);
    check_grown(last, now);

    struct buf longer;
    buf_init(&longer, SIZE_MAX);
    buf_append(&longer, in);
    buf_append(&longer, SLICE("x: y\r\n\r\nGET / HTTP/1.1\r\n\r\n"));
    check_grown(now, judge(buf_slice(&longer)));
    if (now.status == 200) {
        HOLDS(judge(slice_head(in, now.size)).status == 200);
        HOLDS(judge(slice_head(in, now.size - 1)).status == 0);
    }
    buf_deinit(&longer);
}

/* Do all bytes lie between those two, or are they the third? */
static bool lies_between(struct slice s, unsigned low, unsigned high, char other)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned byte = (unsigned char)s.ptr[i];
        if ((byte < low || byte > high || byte == 0x7f) && s.ptr[i] != other) {
            return false;
        }
    }
    return true;
}

static void check_slices(struct slice head, const struct http_request *req)
{
    HOLDS(fuzz_inside(req->path, head) && fuzz_inside(req->query, head));
    HOLDS(req->path.len > 0 && (req->path.ptr[0] == '/' || slice_equal(req->path, SLICE("*"))));
    HOLDS(lies_between(req->path, '!', '~', '!') && lies_between(req->query, '!', '~', '!'));
    HOLDS(!memchr(req->path.ptr, '?', req->path.len));
    HOLDS(req->field_count <= HTTP_FIELDS_MAX);
    for (size_t i = 0; i < req->field_count; i++) {
        const struct http_field *field = &req->fields[i];
        HOLDS(fuzz_inside(field->name, head) && fuzz_inside(field->value, head));
        HOLDS(field->name.len > 0 && lies_between(field->name, '!', '~', '!'));
        HOLDS(lies_between(field->value, ' ', 0xff, '\t'));
        HOLDS(slice_equal(slice_trim(field->value), field->value));
    }
}

static size_t count(const struct http_request *req, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < req->field_count; i++) {
        n += slice_equal_nocase(req->fields[i].name, slice_text(name));
    }
    return n;
}

static bool connection_lists(const struct http_request *req, struct slice word)
{
    bool lists = false;
    for (size_t i = 0; i < req->field_count; i++) {
        lists = lists || (slice_equal_nocase(req->fields[i].name, SLICE("connection")) &&
                          http_list_has(req->fields[i].value, word));
    }
    return lists;
}

static void check_once(const struct http_request *req)
{
    static const char *const once[] = {"host",
                                       "content-length",
                                       "transfer-encoding",
                                       "origin",
                                       "upgrade",
                                       "sec-websocket-key",
                                       "sec-websocket-version",
                                       "x-parley-carried",
                                       "x-forwarded-proto",
                                       "authorization",
                                       "expect",
                                       "content-type"};
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
        HOLDS(count(req, once[i]) <= 1);
    }
}

static void check_rules(const struct http_request *req, bool is_1_1)
{
    bool upgrade = is_1_1 && http_request_field(req, SLICE("UPGRADE")).len > 0;
    uint64_t length = 0;

    check_once(req);
    HOLDS(!is_1_1 || count(req, "Host") == 1);
    HOLDS(req->has_length == (count(req, "Content-Length") == 1));
    HOLDS(!req->has_length ||
          slice_u64(http_request_field(req, SLICE("Content-Length")), UINT64_MAX, &length));
    HOLDS(req->length == length);
    HOLDS(req->chunked == (count(req, "Transfer-Encoding") == 1));
    HOLDS(!req->chunked || (is_1_1 && !req->has_length));
    HOLDS((req->method != HTTP_GET && req->method != HTTP_HEAD) || (!req->chunked && length == 0));
    HOLDS(req->keep_alive == (is_1_1 && !connection_lists(req, SLICE("close"))));
    HOLDS(req->upgrade == (upgrade && connection_lists(req, SLICE("Upgrade"))));
    HOLDS(req->expects_continue == (is_1_1 && count(req, "Expect") == 1));
}

static void check_same(const struct http_request *a, const struct http_request *b)
{
    HOLDS(a->method == b->method && slice_equal(a->path, b->path));
    HOLDS(slice_equal(a->query, b->query) && a->field_count == b->field_count);
    for (size_t i = 0; i < a->field_count; i++) {
        HOLDS(slice_equal(a->fields[i].name, b->fields[i].name));
        HOLDS(slice_equal(a->fields[i].value, b->fields[i].value));
    }
    HOLDS(a->keep_alive == b->keep_alive && a->upgrade == b->upgrade);
    HOLDS(a->expects_continue == b->expects_continue && a->chunked == b->chunked);
    HOLDS(a->has_length == b->has_length && a->length == b->length);
}

static void print(const struct http_request *req, bool is_1_1, struct buf *out)
{
    static const char *const methods[] = {"GET", "POST", "OPTIONS", "HEAD", "X"};
    buf_append(out, slice_text(methods[req->method]));
    buf_byte(out, ' ');
    buf_append(out, req->path);
    buf_append(out, req->query.len > 0 ? SLICE("?") : SLICE(""));
    buf_append(out, req->query);
    buf_append(out, is_1_1 ? SLICE(" HTTP/1.1\r\n") : SLICE(" HTTP/1.0\r\n"));
    for (size_t i = 0; i < req->field_count; i++) {
        buf_append(out, req->fields[i].name);
        buf_byte(out, ':');
        buf_append(out, req->fields[i].value);
        buf_append(out, SLICE("\r\n"));
    }
    buf_append(out, SLICE("\r\n"));
}

/* It never becomes longer, so there is no limit that it could cross. */
static void check_printed(const struct http_request *req, bool is_1_1)
{
    struct buf text;
    struct http_request again;
    const char *why = NULL;

    buf_init(&text, SIZE_MAX);
    print(req, is_1_1, &text);
    HOLDS(text.len <= req->size);
    HOLDS(http_request_read(buf_slice(&text), &again, &why) == 200);
    HOLDS(again.size == text.len);
    check_same(req, &again);
    buf_deinit(&text);
}

/* The request line once more, read from behind. */
static bool line_ends_in_1_1(struct slice head)
{
    struct slice line = slice_cut(&head, '\n');
    if (line.len == 1) { /* the empty line before it */
        line = slice_cut(&head, '\n');
    }
    return slice_equal(slice_tail(line, line.len - 10), SLICE(" HTTP/1.1\r"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct http_request req;
    const char *why = NULL;
    unsigned status = http_request_read(in, &req, &why);

    check_prefixes(in);
    if (status != 200) {
        HOLDS(status == 0 || status == 400 || status == 417 || status == 431 || status == 501 ||
              status == 505);
        HOLDS((why != NULL) == (status != 0));
        HOLDS(status != 0 || size < HTTP_HEAD_MAX);
        return 0;
    }
    struct slice head = slice_head(in, req.size);
    HOLDS(req.size <= HTTP_HEAD_MAX && head.len == req.size && !why);
    HOLDS(slice_equal(slice_tail(head, head.len - 4), SLICE("\r\n\r\n")));
    check_slices(head, &req);
    check_rules(&req, line_ends_in_1_1(head));
    check_printed(&req, line_ends_in_1_1(head));
    return 0;
}
