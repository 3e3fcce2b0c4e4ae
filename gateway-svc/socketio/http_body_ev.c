/* http_body_ev.c - the bodies of requests */
#include "gateway-svc/socketio/http_conn_state_ev.h"
#include "shared/clock.h"
#include <sys/socket.h>

static void refuse_too_large(struct http_conn *c)
{
    http_conn_note_refusal(c, 413, "body too large");
    http_conn_reply(c, &(struct eio_answer){.status = 413,
                                            .type = "application/json",
                                            .body = SLICE("{\"message\":\"Body too large\"}")});
}

bool http_body_expect(struct eio_exchange *x, size_t max)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_conn *c = http_conn_of(x);
    if (!c->has_length && !c->chunked) {
        http_conn_note_refusal(c, 411, "a body without its length");
        http_conn_answer_text(c, 411, "Content-Length is needed\n");
        return false;
    }
    if (c->length > max) {
        refuse_too_large(c);
        return false;
    }
    if (c->expects_continue && c->in.len - c->head_size < c->length + (c->chunked ? 1 : 0)) {
        (void)send(c->io.fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL); /* it need not wait for it */
    }
    c->chunks = (struct eio_chunked){0};
    buf_init(&c->body, max);
    c->in.max = HTTP_HEAD_MAX + 1 + (size_t)c->length;
    http_conn_enter(c, BODY);
    return true;
}

/* The body has come whole. */
static void hand_body(struct http_conn *c, struct slice body)
{
    c->body_due = false;
    http_conn_enter(c, WAIT);
    if (c->x.taker) {
        c->x.taker->body(&c->x, body, clock_mono_us());
    } else {
        eio_exchange_refuse(&c->x, EIO_BAD_REQUEST);
    }
}

static bool read_chunks(struct http_conn *c)
{
    enum eio_chunked_result result = eio_chunked_read(&c->chunks, buf_slice(&c->in), &c->body);
    buf_clear(&c->in);
    if (result == EIO_CHUNKED_MORE) {
        return false;
    }
    c->keep_alive = false; /* where exactly the body ended is not known here */
    if (result == EIO_CHUNKED_DONE) {
        hand_body(c, buf_slice(&c->body));
        return true;
    }
    http_conn_tell_gone(c); /* a body that is none is refused here */
    if (result == EIO_CHUNKED_TOO_LARGE) {
        refuse_too_large(c);
    } else {
        http_conn_note_refusal(c, 400, "bad chunks");
        eio_exchange_refuse(&c->x, EIO_BAD_REQUEST);
    }
    return true;
}

bool http_body_read(struct http_conn *c)
{
    if (c->chunked) {
        return read_chunks(c);
    }
    if (c->in.len < c->length) {
        return false;
    }
    size_t length = (size_t)c->length;
    hand_body(c, slice_head(buf_slice(&c->in), length));
    buf_consume(&c->in, length);
    return true;
}
