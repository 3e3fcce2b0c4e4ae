/* eio_upstream_ev.c - a TCP connection that we make */
#include "gateway-svc/socketio/eio_upstream_ev.h"
#include "gateway-svc/socketio/file_limit.h"
#include "gateway-svc/socketio/tcp_options.h"
#include "shared/buf.h"
#include <errno.h>
#include <ev.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_S 2.0
#define READ_BYTES 65536

struct eio_upstream {
    struct ev_loop *loop;
    const struct eio_upstream_handler *handler;
    void *ctx;
    ev_io readable, writable;
    ev_timer connecting, finishing;
    ev_cleanup loop_ends; /* while it finishes: nobody else would close it */
    struct buf out;       /* waits to be sent */
    bool connected;
    bool paused;
    bool deaf; /* the peer takes nothing any more */
};

static void stop(struct eio_upstream *up)
{
    ev_io_stop(up->loop, &up->readable);
    ev_io_stop(up->loop, &up->writable);
    ev_timer_stop(up->loop, &up->connecting);
    ev_timer_stop(up->loop, &up->finishing);
    ev_cleanup_stop(up->loop, &up->loop_ends);
}

void eio_upstream_close(struct eio_upstream *up)
{
    if (!up) {
        return;
    }
    stop(up);
    close(up->readable.fd);
    buf_deinit(&up->out);
    free(up);
}

static void fail(struct eio_upstream *up)
{
    const struct eio_upstream_handler *handler = up->handler;
    void *ctx = up->ctx;
    eio_upstream_close(up);
    handler->closed(ctx);
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    fail(timer->data);
}

static void on_loop_end(struct ev_loop *loop, ev_cleanup *cleanup, int events)
{
    (void)loop;
    (void)events;
    eio_upstream_close(cleanup->data);
}

static void watch(struct eio_upstream *up)
{
    if (!up->paused && up->connected) {
        ev_io_start(up->loop, &up->readable);
    } else {
        ev_io_stop(up->loop, &up->readable);
    }
    if (up->out.len > 0 || !up->connected) {
        ev_io_start(up->loop, &up->writable);
    } else {
        ev_io_stop(up->loop, &up->writable);
    }
}

static bool is_temporary(int error)
{
    return error == EAGAIN || error == EINTR;
}

/* Gives the kernel what it takes.  After an error the stream is at its end, for both sides: what
 * has come can still be read, and behind it the end is found in any case. */
static void flush(struct eio_upstream *up)
{
    if (up->out.len == 0) {
        return;
    }
    ssize_t n = send(up->writable.fd, up->out.ptr, up->out.len, MSG_NOSIGNAL);
    if (n < 0 && !is_temporary(errno)) {
        up->deaf = true;
        (void)shutdown(up->writable.fd, SHUT_RDWR);
        buf_clear(&up->out);
    }
    buf_consume(&up->out, n > 0 ? (size_t)n : 0);
    if (up->out.len == 0) {
        buf_deinit(&up->out); /* it may be idle for long */
    }
}

static bool has_connected(struct eio_upstream *up)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(up->writable.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        return false;
    }
    up->connected = true;
    ev_timer_stop(up->loop, &up->connecting);
    return true;
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
    struct eio_upstream *up = io->data;
    (void)loop;
    (void)events;
    if (!up->connected && !has_connected(up)) {
        fail(up);
        return;
    }
    flush(up);
    watch(up);
    if (up->out.len == 0 && up->handler->drained) {
        up->handler->drained(up->ctx);
    }
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    static char bytes[READ_BYTES]; /* one loop, one thread */
    struct eio_upstream *up = io->data;
    (void)loop;
    (void)events;
    ssize_t n = recv(io->fd, bytes, sizeof bytes, 0);
    if (n > 0) {
        up->handler->data(up->ctx, (struct slice){bytes, (size_t)n});
    } else if (n == 0 || !is_temporary(errno)) {
        fail(up);
    }
}

/* A socket that is being connected, or -1. */
static int begin(const char *host, uint16_t port)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    (void)snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && file_limit_is_spare(fd)) {
        close(fd);
        fd = -1;
    }
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) {
        close(fd);
        fd = -1;
    }
    if (fd >= 0) {
        tcp_options_set(fd);
    }
    freeaddrinfo(found);
    return fd;
}

static void init_io(struct eio_upstream *up, int fd)
{
    ev_io_init(&up->readable, on_readable, fd, EV_READ);
    ev_io_init(&up->writable, on_writable, fd, EV_WRITE);
    up->readable.data = up->writable.data = up;
}

static void init_ends(struct eio_upstream *up)
{
    ev_timer_init(&up->connecting, on_late, CONNECT_S, 0.0);
    ev_timer_init(&up->finishing, on_late, 0.0, 0.0);
    ev_cleanup_init(&up->loop_ends, on_loop_end);
    up->connecting.data = up->finishing.data = up->loop_ends.data = up;
}

struct eio_upstream *eio_upstream_open(struct ev_loop *loop,
                                       const struct eio_upstream_target *target,
                                       const struct eio_upstream_handler *handler, void *ctx)
{
    int fd = begin(target->host, target->port);
    struct eio_upstream *up = fd >= 0 ? calloc(1, sizeof *up) : NULL;
    if (!up) {
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    up->loop = loop;
    up->handler = handler;
    up->ctx = ctx;
    buf_init(&up->out, target->max_waiting);
    init_io(up, fd);
    init_ends(up);
    ev_timer_start(loop, &up->connecting);
    watch(up);
    return up;
}

bool eio_upstream_write(struct eio_upstream *up, struct slice bytes)
{
    bool kept = up->deaf || buf_append(&up->out, bytes);
    watch(up);
    return kept;
}

size_t eio_upstream_waiting(const struct eio_upstream *up)
{
    return up->out.len;
}

void eio_upstream_pause(struct eio_upstream *up, bool paused)
{
    up->paused = paused;
    watch(up);
}

void eio_upstream_hand_over(struct eio_upstream *up, const struct eio_upstream_handler *handler,
                            void *ctx)
{
    up->handler = handler;
    up->ctx = ctx;
}

/* ---- Finishing ------------------------------------------------------------------------------- */

static void ignore_data(void *ctx, struct slice bytes)
{
    (void)ctx;
    (void)bytes;
}

static void ignore_closed(void *ctx)
{
    (void)ctx;
}

static void end_stream(void *ctx)
{
    const struct eio_upstream *up = ctx;
    (void)shutdown(up->writable.fd, SHUT_WR); /* an error: then the peer is gone, which is read */
}

void eio_upstream_finish(struct eio_upstream *up, double limit_s)
{
    static const struct eio_upstream_handler nobody = {
        .data = ignore_data, .closed = ignore_closed, .drained = end_stream};
    if (!up) {
        return;
    }
    eio_upstream_hand_over(up, &nobody, up);
    ev_timer_set(&up->finishing, limit_s, 0.0);
    ev_timer_start(up->loop, &up->finishing);
    ev_cleanup_start(up->loop, &up->loop_ends);
    if (up->connected) {
        flush(up); /* now: the loop may not run any more */
    }
    eio_upstream_pause(up, false);
    if (up->connected && up->out.len == 0) {
        end_stream(up);
    }
}
