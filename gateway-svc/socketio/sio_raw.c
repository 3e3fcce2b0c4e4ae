/* sio_raw.c - raw Engine.IO on a path of its own */
#include "gateway-svc/socketio/sio_raw.h"
#include <stdlib.h>

static struct sio_raw *raw_of(const struct eio_conn *conn)
{
    return conn->endpoint->ctx;
}

static void on_open(struct eio_conn *conn)
{
    raw_of(conn)->handler->open(raw_of(conn)->app, conn);
}

static void on_text(struct eio_conn *conn, struct slice data)
{
    raw_of(conn)->handler->message(raw_of(conn)->app, conn, data, false);
}

static void on_binary(struct eio_conn *conn, struct slice data)
{
    raw_of(conn)->handler->message(raw_of(conn)->app, conn, data, true);
}

static void on_ended(struct eio_conn *conn, enum sio_reason reason)
{
    raw_of(conn)->handler->closed(raw_of(conn)->app, conn, reason);
}

struct sio_raw *sio_raw_new(struct eio_engine *engine, const char *path,
                            const struct sio_raw_handler *handler, void *app)
{
    struct sio_raw *raw = calloc(1, sizeof *raw);
    if (!raw) {
        log_error("out of memory: path=%s", path);
        abort();
    }
    raw->handler = handler;
    raw->app = app;
    raw->endpoint = (struct eio_endpoint){.path = path,
                                          .open = on_open,
                                          .text = on_text,
                                          .binary = on_binary,
                                          .ended = on_ended,
                                          .ctx = raw};
    eio_engine_add(engine, &raw->endpoint);
    return raw;
}

void sio_raws_free(struct sio_raw *first)
{
    while (first) {
        struct sio_raw *next = first->next;
        free(first);
        first = next;
    }
}

void sio_raw_send(struct eio_conn *conn, struct slice data, bool binary)
{
    const struct slice parts[] = {binary ? SLICE("") : SLICE("4"), data};
    struct sio_frame *frame = sio_frame_new(binary ? WS_BINARY : WS_TEXT, parts, 2);
    eio_conn_send(conn, frame);
    sio_frame_unref(frame);
}
