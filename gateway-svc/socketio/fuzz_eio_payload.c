/* fuzz_eio_payload.c - a body is cut where its separators are; packets that are joined come apart
 * again as they were; base64 is read as a plain reader reads it, and what is written is read back
 *
 * Input: a body; and the same bytes as packets, in which byte 1 at the front marks a binary one. */
#include "gateway-svc/socketio/eio_payload.h"
#include "tests/support/fuzz.h"

#define RS '\x1e'

/* ---- Cutting --------------------------------------------------------------------------------- */

static void check_cut(struct slice body)
{
    struct eio_payload payload = eio_payload_of(body);
    struct slice record;
    size_t at = 0, count = 0;
    while (eio_payload_next(&payload, &record)) {
        if (count++ > 0) {
            HOLDS(body.ptr[at++] == RS);
        }
        HOLDS(record.len <= body.len - at);
        HOLDS(record.len == 0 || record.ptr == body.ptr + at);
        HOLDS(record.len == 0 || !memchr(record.ptr, RS, record.len));
        at += record.len;
    }
    HOLDS(at == body.len && count > 0); /* nothing was left out; an empty body is one record */
    HOLDS(!eio_payload_next(&payload, &record));
}

/* ---- Base64 ---------------------------------------------------------------------------------- */

/* White space off, and the digits of URLs as the others. */
static void append_plain(struct buf *all, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '-') {
            c = '+';
        } else if (c == '_') {
            c = '/';
        }
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            buf_byte(all, c);
        }
    }
}

/* White space off, then padding off the end, then only digits, by a table, bit by bit. */
static bool read_plainly(struct slice text, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf all;
    unsigned byte = 0;
    size_t bits = 0, marks = 0;
    bool good = true;
    buf_init(&all, SIZE_MAX);
    append_plain(&all, text);
    struct slice rest = buf_slice(&all);
    while (rest.len > 0 && rest.ptr[rest.len - 1] == '=') {
        rest.len--;
        marks++;
    }
    for (size_t i = 0; i < rest.len && good; i++) {
        const char *digit = rest.ptr[i] ? strchr(digits, rest.ptr[i]) : NULL;
        good = digit != NULL;
        for (int bit = 5; good && bit >= 0; bit--) {
            byte = (byte << 1 | ((unsigned)(digit - digits) >> bit & 1)) & 0xff;
            if (++bits % 8 == 0) {
                buf_byte(out, (char)byte);
            }
        }
    }
    good = good && marks <= 2 && rest.len % 4 != 1;
    buf_deinit(&all);
    return good;
}

static void check_base64(struct slice text)
{
    struct buf a, b;
    buf_init(&a, text.len);
    buf_init(&b, SIZE_MAX);
    bool good = base64_decode(text, &a);
    HOLDS(good == read_plainly(text, &b));
    HOLDS(!good || slice_equal(buf_slice(&a), buf_slice(&b)));
    buf_deinit(&a);
    if (good && b.len > 0) { /* one byte too few is no crash, and no success */
        buf_init(&a, b.len - 1);
        HOLDS(!base64_decode(text, &a));
        buf_deinit(&a);
    }
    buf_deinit(&b);
}

/* ---- Joining --------------------------------------------------------------------------------- */

static void check_same(struct slice record, struct slice packet, bool binary)
{
    struct buf bytes;
    if (!binary) {
        HOLDS(slice_equal(record, packet));
        return;
    }
    buf_init(&bytes, packet.len);
    HOLDS(slice_starts(record, SLICE("b")) && record.len % 4 == 1);
    HOLDS(base64_decode(slice_tail(record, 1), &bytes));
    HOLDS(slice_equal(buf_slice(&bytes), packet));
    buf_deinit(&bytes);
}

/* The next packet of the input: a text holds no separator, as none in JSON does. */
static struct slice next_packet(struct slice *in, bool *binary)
{
    struct slice packet = slice_cut(in, RS);
    *binary = slice_starts(packet, SLICE("\x01"));
    return *binary ? slice_tail(packet, 1) : packet;
}

static void check_joined(struct slice in)
{
    struct buf body;
    struct slice rest = in, record;
    bool binary, first = true;
    buf_init(&body, SIZE_MAX);
    while (rest.len > 0) {
        struct slice packet = next_packet(&rest, &binary);
        if (first && packet.len == 0 && !binary) {
            continue; /* no packet is empty */
        }
        struct sio_frame *frame = sio_frame_new(binary ? WS_BINARY : WS_TEXT, &packet, 1);
        size_t before = body.len;
        HOLDS(eio_payload_add(&body, frame));
        HOLDS(body.len - before <= eio_payload_size(frame));
        sio_frame_unref(frame);
        first = false;
    }
    struct eio_payload payload = eio_payload_of(buf_slice(&body));
    for (rest = in, first = true; rest.len > 0;) {
        struct slice packet = next_packet(&rest, &binary);
        if (first && packet.len == 0 && !binary) {
            continue;
        }
        HOLDS(eio_payload_next(&payload, &record));
        check_same(record, packet, binary);
        first = false;
    }
    HOLDS(first || !eio_payload_next(&payload, &record));
    buf_deinit(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);

    check_cut(in);
    check_base64(in);
    check_joined(in);
    return 0;
}
