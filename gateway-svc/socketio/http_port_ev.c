/* http_port_ev.c - a TCP port on which HTTP is spoken */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*) */
#define _GNU_SOURCE /* accept4 */
#include "gateway-svc/socketio/http_port_ev.h"
#include "gateway-svc/socketio/file_limit.h"
#include "gateway-svc/socketio/tcp_options.h"
#include "shared/clock.h"
#include "shared/listener.h"
#include "shared/log.h"
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_PER_TURN 16 /* then the others have their turn */
#define PAUSE_S 0.1         /* when the process has no file descriptor left */

struct http_port {
    struct http_server *server;
    ev_io readable;
    ev_timer pause;
    struct log_limit log_limit;
    bool strangers;
};

/* Could not accept: is there any use in going on in this turn? */
static bool is_of_one(int error)
{
    return error == ECONNABORTED || error == EINTR;
}

static void take_a_break(struct http_port *port, int error)
{
    if (error == EAGAIN || error == EWOULDBLOCK) {
        return;
    }
    if (log_limit_ok(&port->log_limit, 1, clock_mono_ms())) {
        log_warn("cannot accept, connections wait: %s suppressed=%llu", strerror(error),
                 (unsigned long long)port->log_limit.suppressed);
    }
    ev_io_stop(port->server->loop, &port->readable);
    ev_timer_set(&port->pause, PAUSE_S, 0.0);
    ev_timer_start(port->server->loop, &port->pause);
}

/* Would it get one of the spare files?  It gets the lowest number that is free. */
static bool must_wait(const struct http_port *port)
{
    if (!port->strangers) {
        return false;
    }
    int next = fcntl(port->readable.fd, F_DUPFD_CLOEXEC, 0);
    if (next >= 0) {
        close(next);
    }
    return next < 0 || file_limit_is_spare(next);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    struct http_port *port = io->data;
    (void)loop;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        if (must_wait(port)) {
            take_a_break(port, EMFILE);
            return;
        }
        int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            http_conn_open(port->server, fd);
        } else if (!is_of_one(errno)) {
            take_a_break(port, errno);
            return;
        }
    }
}

static void on_pause_over(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct http_port *port = timer->data;
    (void)events;
    ev_io_start(loop, &port->readable);
}

/* A listening socket, or -1 and a line in the log. */
static int listen_at(const char *host, uint16_t port)
{
    const char *why;
    const struct listener_config config = {host, port, BACKLOG, NULL};
    int fd = listener_open(&config, &why);
    if (fd < 0) {
        log_error("cannot listen host=%s port=%u error=\"%s\"", host, port, why);
        return -1;
    }
    tcp_options_set(fd);
    return fd;
}

struct http_port *http_port_open(struct http_server *server, const char *host, uint16_t port,
                                 bool strangers)
{
    int fd = listen_at(host, port);
    struct http_port *p = fd >= 0 ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    p->server = server;
    p->strangers = strangers;
    ev_io_init(&p->readable, on_readable, fd, EV_READ);
    ev_timer_init(&p->pause, on_pause_over, PAUSE_S, 0.0);
    p->readable.data = p->pause.data = p;
    ev_io_start(server->loop, &p->readable);
    return p;
}

void http_port_close(struct http_port *port)
{
    if (port) {
        ev_io_stop(port->server->loop, &port->readable);
        ev_timer_stop(port->server->loop, &port->pause);
        close(port->readable.fd);
        free(port);
    }
}
