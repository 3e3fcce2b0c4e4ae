/* eio_payload.c - what polling puts into bodies */
#include "gateway-svc/socketio/eio_payload.h"
#include <string.h>

#define SEPARATOR '\x1e'

struct eio_payload eio_payload_of(struct slice body)
{
    return (struct eio_payload){.rest = body};
}

bool eio_payload_next(struct eio_payload *payload, struct slice *record)
{
    if (payload->done) {
        return false;
    }
    struct slice rest = payload->rest;
    const char *end = rest.len > 0 ? memchr(rest.ptr, SEPARATOR, rest.len) : NULL;
    if (!end) {
        *record = rest;
        payload->done = true;
        return true;
    }
    *record = slice_head(rest, (size_t)(end - rest.ptr));
    payload->rest = slice_tail(rest, record->len + 1);
    return true;
}

bool eio_payload_add(struct buf *body, const struct sio_frame *frame)
{
    if (body->len > 0) {
        buf_byte(body, SEPARATOR);
    }
    struct slice packet = sio_frame_payload(frame);
    if (!sio_frame_is_binary(frame)) {
        return buf_append(body, packet);
    }
    buf_byte(body, 'b');
    return base64_append(body, packet);
}

size_t eio_payload_size(const struct sio_frame *frame)
{
    size_t len = sio_frame_payload(frame).len;
    return sio_frame_is_binary(frame) ? 2 + (len + 2) / 3 * 4 : 1 + len;
}

/* ---- Base64 ---------------------------------------------------------------------------------- */

#define NOTHING 64 /* white space */
#define WRONG 65

/* The six bits that a character stands for. */
static unsigned bits_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    switch (c) {
    case '+':
    case '-': return 62;
    case '/':
    case '_': return 63;
    case '\r':
    case '\n':
    case '\t':
    case ' ': return NOTHING;
    default: return WRONG;
    }
}

/* Is nothing but padding and white space there? */
static bool is_padding(struct slice rest)
{
    unsigned marks = 0;
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] == '=') {
            marks++;
        } else if (bits_of(rest.ptr[i]) != NOTHING) {
            return false;
        }
    }
    return marks <= 2;
}

bool base64_decode(struct slice text, struct buf *out)
{
    unsigned held = 0; /* bits read and not yet written, the last `count` of them */
    unsigned count = 0;
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned bits = bits_of(text.ptr[i]);
        if (bits == WRONG) {
            return digits % 4 != 1 && is_padding(slice_tail(text, i)) && !out->failed;
        }
        if (bits == NOTHING) {
            continue;
        }
        digits++;
        held = (held << 6 | bits) & 0xfff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_byte(out, (char)(held >> count & 0xff));
        }
    }
    return digits % 4 != 1 && !out->failed;
}

bool base64_append(struct buf *out, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        unsigned char in[3] = {0};
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        memcpy(in, bytes.ptr + i, n);
        char group[4] = {digits[in[0] >> 2], digits[(in[0] & 3) << 4 | in[1] >> 4],
                         digits[(in[1] & 15) << 2 | in[2] >> 6], digits[in[2] & 63]};
        memset(group + n + 1, '=', 3 - n);
        buf_append(out, (struct slice){group, sizeof group});
    }
    return !out->failed;
}
