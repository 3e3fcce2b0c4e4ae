/* sio_frame.c - encoded packets, shared by reference */
#include "gateway-svc/socketio/sio_frame.h"
#include "shared/log.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WS_FIN 0x80
#define WS_OPCODE 0x0f
#define WS_LEN_16 126
#define WS_LEN_64 127

uint8_t ws_header_write(unsigned char out[WS_HEADER_MAX], enum ws_opcode opcode, size_t len)
{
    out[0] = (unsigned char)(WS_FIN | (unsigned)opcode);
    if (len < WS_LEN_16) {
        out[1] = (unsigned char)len;
        return 2;
    }
    uint8_t bytes = len > UINT16_MAX ? 8 : 2;
    out[1] = len > UINT16_MAX ? WS_LEN_64 : WS_LEN_16;
    for (uint8_t i = 0; i < bytes; i++) {
        out[2 + i] = (unsigned char)((uint64_t)len >> (8 * (bytes - 1 - i)));
    }
    return (uint8_t)(2 + bytes);
}

static struct sio_frame *allocate(size_t len)
{
    struct sio_frame *frame =
        len <= UINT32_MAX - WS_HEADER_MAX ? malloc(sizeof *frame + WS_HEADER_MAX + len) : NULL;
    if (!frame) {
        log_error("out of memory: frame bytes=%zu", len);
        abort();
    }
    return frame;
}

struct sio_frame *sio_frame_new(enum ws_opcode opcode, const struct slice *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += parts[i].len;
    }
    struct sio_frame *frame = allocate(len);
    frame->refs = 1;
    frame->next = NULL;
    frame->payload_at = ws_header_write(frame->ws, opcode, len);
    frame->len = frame->payload_at;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0) {
            memcpy(frame->ws + frame->len, parts[i].ptr, parts[i].len);
            frame->len += (uint32_t)parts[i].len;
        }
    }
    return frame;
}

struct sio_frame *sio_frame_close(uint16_t code)
{
    char bytes[2] = {(char)(code >> 8), (char)(code & 0xff)};
    struct slice payload = {bytes, code > 0 ? sizeof bytes : 0};
    return sio_frame_new(WS_CLOSE, &payload, 1);
}

void sio_frame_follow(struct sio_frame *frame, struct sio_frame *next)
{
    assert(frame->refs == 1 && !frame->next);
    frame->next = next;
}

struct slice sio_frame_payload(const struct sio_frame *frame)
{
    return (struct slice){(const char *)frame->ws + frame->payload_at,
                          frame->len - frame->payload_at};
}

bool sio_frame_is_binary(const struct sio_frame *frame)
{
    return (frame->ws[0] & WS_OPCODE) == WS_BINARY;
}

struct sio_frame *sio_frame_ref(struct sio_frame *frame)
{
    frame->refs++;
    return frame;
}

void sio_frame_unref(struct sio_frame *frame)
{
    while (frame) {
        struct sio_frame *next = frame->next;
        assert(frame->refs > 0);
        if (--frame->refs > 0) {
            return;
        }
        free(frame);
        frame = next;
    }
}

size_t sio_frame_size(const struct sio_frame *frame)
{
    size_t size = 0;
    for (; frame; frame = frame->next) {
        size += frame->len;
    }
    return size;
}
