/* tcp_peer.h - the other end of a connection: listens on a port of loopback, takes one at a time */
#ifndef PARLEY_TESTS_TCP_PEER_H
#define PARLEY_TESTS_TCP_PEER_H

#include "shared/buf.h"
#include "tests/support/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PEER_GOT_MAX ((size_t)64 << 20)
#define PEER_RECEIVE_BUFFER 65536 /* so that a peer that does not read soon makes others wait */

struct tcp_peer {
    struct ev_loop *loop;
    ev_io listening, reading; /* stop `reading` to take nothing */
    uint16_t port;
    unsigned accepted; /* connections so far */
    size_t read_bytes; /* at most that many at a time; 0: 64 KiB */
    struct buf got;    /* from the last one */
    bool ended;        /* it has closed, or reset */
};

static inline void peer_on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    static char bytes[65536];
    struct tcp_peer *peer = io->data;
    (void)events;
    size_t most = peer->read_bytes > 0 ? peer->read_bytes : sizeof bytes;
    ssize_t n = recv(io->fd, bytes, most, 0);
    if (n > 0) {
        if (!buf_append(&peer->got, (struct slice){bytes, (size_t)n})) {
            abort();
        }
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        peer->ended = true;
        ev_io_stop(loop, io);
    }
}

static inline void peer_hang_up(struct tcp_peer *peer)
{
    if (peer->reading.fd >= 0) {
        ev_io_stop(peer->loop, &peer->reading);
        close(peer->reading.fd);
        ev_io_set(&peer->reading, -1, EV_READ);
    }
}

static inline void peer_on_connection(struct ev_loop *loop, ev_io *io, int events)
{
    struct tcp_peer *peer = io->data;
    (void)events;
    int fd = accept(io->fd, NULL, NULL);
    if (fd < 0) {
        abort();
    }
    peer_hang_up(peer);
    buf_clear(&peer->got);
    peer->ended = false;
    peer->accepted++;
    ev_io_set(&peer->reading, fd, EV_READ);
    ev_io_start(loop, &peer->reading);
}

/* `family` AF_INET or AF_INET6.  False when this machine has no such address. */
static inline bool peer_listen(struct tcp_peer *peer, struct ev_loop *loop, int family)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address =
        family == AF_INET6 ? (struct sockaddr *)(void *)&six : (struct sockaddr *)(void *)&four;
    socklen_t size = family == AF_INET6 ? sizeof six : sizeof four;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int little = PEER_RECEIVE_BUFFER;
    *peer = (struct tcp_peer){.loop = loop};
    buf_init(&peer->got, PEER_GOT_MAX);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little) != 0 ||
        bind(fd, address, size) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, address, &size) != 0) {
        return false;
    }
    peer->port = ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port);
    ev_io_init(&peer->listening, peer_on_connection, fd, EV_READ);
    ev_io_init(&peer->reading, peer_on_readable, -1, EV_READ);
    peer->listening.data = peer->reading.data = peer;
    ev_io_start(loop, &peer->listening);
    return true;
}

/* From here on connections to its port are refused. */
static inline void peer_stop_listening(struct tcp_peer *peer)
{
    if (peer->listening.fd >= 0) {
        ev_io_stop(peer->loop, &peer->listening);
        close(peer->listening.fd);
        ev_io_set(&peer->listening, -1, EV_READ);
    }
}

static inline void peer_end(struct tcp_peer *peer)
{
    peer_hang_up(peer);
    peer_stop_listening(peer);
    buf_deinit(&peer->got);
}

/* For as much as the kernel takes at once. */
static inline void peer_say(struct tcp_peer *peer, const char *text)
{
    size_t len = strlen(text);
    if (send(peer->reading.fd, text, len, MSG_NOSIGNAL) != (ssize_t)len) {
        abort();
    }
}

static inline bool peer_has(const struct tcp_peer *peer, const char *text)
{
    return slice_equal(buf_slice(&peer->got), slice_text(text));
}

#endif
