/* fake_wire.h - a transport that writes down what is sent, for tests without a network
 *
 * The log holds the payload of each frame in brackets: "[0{...}][2]", closes as "<close 4008>",
 * hang-ups as "<kill>".  `room` is how many bytes the kernel still takes. */
#ifndef PARLEY_FAKE_WIRE_H
#define PARLEY_FAKE_WIRE_H

#include "gateway-svc/socketio/eio_engine.h"

#include <assert.h>
#include <stdio.h>

static struct {
    struct buf log;
    size_t room;
} fake_wire;

/* Whole frames only: cutting them is the real transport's business. */
static void fake_flush_one(struct eio_conn *conn)
{
    struct iovec iov[1];
    while (eio_outbox_iov(conn->outbox, iov, 1) == 1 && iov[0].iov_len <= fake_wire.room) {
        const unsigned char *ws = iov[0].iov_base;
        size_t at = ws[1] < 126 ? 2 : ws[1] == 126 ? 4 : 10;
        if (ws[0] == 0x88) {
            unsigned code = ws[1] >= 2 ? (unsigned)ws[2] << 8 | ws[3] : 0;
            buf_printf(&fake_wire.log, "<close %u>", code);
        } else {
            buf_byte(&fake_wire.log, '[');
            buf_append(&fake_wire.log, (struct slice){(const char *)ws + at, iov[0].iov_len - at});
            buf_byte(&fake_wire.log, ']');
        }
        fake_wire.room -= iov[0].iov_len;
        (void)eio_conn_sent(conn, iov[0].iov_len);
    }
}

static void fake_flush(struct eio_conn *const *conns, size_t count)
{
    assert(count >= 1 && count <= EIO_SENDS_MAX);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            assert(conns[k] != conns[i]); /* it would be sent its frames twice */
        }
        fake_flush_one(conns[i]);
    }
}

static void fake_close(struct eio_conn *conn, uint16_t code, uint64_t now_us)
{
    (void)now_us;
    struct sio_frame *frame = sio_frame_close(code);
    eio_conn_queue(conn, frame);
    sio_frame_unref(frame);
}

static void fake_kill(struct eio_conn *conn)
{
    (void)conn;
    buf_append(&fake_wire.log, SLICE("<kill>"));
}

static const struct eio_transport_ops fake_ops = {
    .flush = fake_flush, .close = fake_close, .kill = fake_kill};

static inline void fake_wire_start(void)
{
    buf_init(&fake_wire.log, 1 << 22);
    fake_wire.room = SIZE_MAX;
}

static inline void fake_wire_end(void)
{
    buf_deinit(&fake_wire.log);
}

/* What was sent since the last call; valid until the next one, and the caller's to change. */
static inline char *fake_wire_take(void)
{
    static char taken[1 << 16];
    size_t n = fake_wire.log.len < sizeof taken - 1 ? fake_wire.log.len : sizeof taken - 1;
    if (n > 0) {
        memcpy(taken, fake_wire.log.ptr, n);
    }
    taken[n] = '\0';
    buf_clear(&fake_wire.log);
    return taken;
}

#endif
