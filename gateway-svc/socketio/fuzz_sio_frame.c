/* fuzz_sio_frame.c - what is framed in any number of parts is the WebSocket frame of their sum; and
 * whatever the kernel takes of a queue of frames, the peer gets every byte once, in order
 *
 * Input: a byte for the opcode, then lines, each a part; then sizes of what the kernel takes. */
#include "gateway-svc/socketio/eio_outbox.h"
#include "tests/support/fuzz.h"

#define PARTS 8

/* RFC 6455 section 5.2, read by hand. */
static void check_header(const struct sio_frame *frame, unsigned opcode, size_t len)
{
    const unsigned char *ws = frame->ws;
    uint64_t announced = ws[1];
    size_t at = 2;
    HOLDS(ws[0] == (0x80 | opcode) && ws[1] < 128);
    if (ws[1] >= 126) {
        size_t bytes = ws[1] == 126 ? 2 : 8;
        announced = 0;
        for (; at < 2 + bytes; at++) {
            announced = announced << 8 | ws[at];
        }
        HOLDS(announced > (bytes == 2 ? 125 : 65535)); /* the shortest form */
    }
    HOLDS(announced == len && frame->payload_at == at && frame->len == at + len);
}

/* Two frames in a queue; each step takes as many bytes as the input says. */
static void check_queue(struct sio_frame *frame, struct slice steps)
{
    struct eio_outbox *box = NULL;
    size_t total = 2 * (size_t)frame->len, taken = 0;
    HOLDS(eio_outbox_push(&box, frame) && eio_outbox_push(&box, frame));
    HOLDS(eio_outbox_bytes(box) == total && eio_outbox_count(box) == 2);
    while (taken < total && steps.len > 0) {
        struct iovec iov[2];
        size_t n = eio_outbox_iov(box, iov, 2), step = (size_t)fuzz_byte(&steps) * 7;
        HOLDS(n >= 1 && iov[0].iov_base == frame->ws && iov[0].iov_len == frame->len);
        step = step < eio_outbox_bytes(box) ? step : eio_outbox_bytes(box);
        struct eio_outbox_sent sent = eio_outbox_advance(&box, step);
        size_t covered = sent.frames * frame->len + (sent.cut ? sent.cut_at : 0);
        HOLDS(covered == step && (!sent.cut || (sent.cut == frame && sent.cut_at < frame->len)));
        taken += (sent.frames + (sent.cut ? 1 : 0)) * frame->len; /* the rest is the transport's */
        HOLDS(eio_outbox_bytes(box) == total - taken);
        sio_frame_unref(sent.cut);
    }
    eio_outbox_clear(&box);
    HOLDS(!box && frame->refs == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum ws_opcode opcodes[] = {WS_TEXT, WS_BINARY, WS_CLOSE};
    struct slice in = fuzz_input(data, size), parts[PARTS];
    enum ws_opcode opcode = opcodes[fuzz_byte(&in) % 3];
    size_t count = 0, at = 0;

    while (count < PARTS && in.len > 0) {
        parts[count++] = fuzz_line(&in);
    }
    struct sio_frame *frame = sio_frame_new(opcode, parts, count);
    struct slice payload = sio_frame_payload(frame);
    for (size_t i = 0; i < count; i++) {
        HOLDS(slice_starts(slice_tail(payload, at), parts[i]));
        at += parts[i].len;
    }
    check_header(frame, opcode, at);
    check_queue(frame, count > 0 ? parts[count - 1] : in);
    sio_frame_unref(frame);
    for (size_t i = 0; i < count; i++) {
        exact_free(parts[i]);
    }
    return 0;
}
