/* frame.c - WebSocket frames, as a client writes and reads them; pure */
#include "tests/bench/load/frame.h"

#define FINAL 0x80u
#define MASKED 0x80u
#define LONG16 126u
#define LONG64 127u

/* The length in `bytes` bytes, the most significant first. */
static void write_length(struct buf *out, uint64_t length, unsigned bytes)
{
    while (bytes-- > 0) {
        buf_byte(out, (char)(unsigned char)(length >> (8 * bytes)));
    }
}

void frame_write(struct buf *out, enum frame_kind kind, struct slice payload)
{
    buf_byte(out, (char)(unsigned char)(FINAL | kind));
    if (payload.len < LONG16) {
        buf_byte(out, (char)(unsigned char)(MASKED | payload.len));
    } else if (payload.len <= UINT16_MAX) {
        buf_byte(out, (char)(unsigned char)(MASKED | LONG16));
        write_length(out, payload.len, 2);
    } else {
        buf_byte(out, (char)(unsigned char)(MASKED | LONG64));
        write_length(out, payload.len, 8);
    }
    buf_append(out, SLICE("\0\0\0\0"));
    buf_append(out, payload);
}

static uint64_t read_length(const char *from, unsigned bytes)
{
    uint64_t length = 0;
    for (unsigned i = 0; i < bytes; i++) {
        length = length << 8 | (unsigned char)from[i];
    }
    return length;
}

static bool is_known(unsigned char first)
{
    return first == (FINAL | FRAME_TEXT) || first == (FINAL | FRAME_CLOSE) ||
           first == (FINAL | FRAME_PING) || first == (FINAL | FRAME_PONG);
}

enum frame_result frame_read(struct slice in, enum frame_kind *kind, struct slice *payload,
                             size_t *used)
{
    if (in.len < 2) {
        return FRAME_MORE;
    }
    unsigned char first = (unsigned char)in.ptr[0], second = (unsigned char)in.ptr[1];
    if (!is_known(first) || (second & MASKED) != 0) {
        return FRAME_BAD;
    }
    unsigned more = second == LONG16 ? 2 : second == LONG64 ? 8 : 0;
    size_t head = 2 + (size_t)more;
    if (in.len < head) {
        return FRAME_MORE;
    }
    uint64_t length = more > 0 ? read_length(in.ptr + 2, more) : second;
    if (length > in.len - head) {
        return FRAME_MORE;
    }
    *kind = (enum frame_kind)(first & ~FINAL);
    *payload = (struct slice){in.ptr + head, (size_t)length};
    *used = head + (size_t)length;
    return FRAME_OK;
}
