/* http_client.h - a raw HTTP client on the test's own loop: sends bytes, keeps what comes back */
#ifndef PARLEY_TESTS_HTTP_CLIENT_H
#define PARLEY_TESTS_HTTP_CLIENT_H

#include "shared/buf.h"
#include "tests/support/loop.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct http_client {
    struct ev_loop *loop;
    ev_io io;
    int fd;
    bool closed; /* by the server */
    struct buf got;
};

static inline void http_client_on_read(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct http_client *client = watcher->data;
    char bytes[4096];
    ssize_t n = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    (void)events;
    if (n > 0) {
        buf_append(&client->got, (struct slice){bytes, (size_t)n});
        return;
    }
    client->closed = true;
    ev_io_stop(loop, watcher);
}

static inline void http_client_connect(struct http_client *client, struct ev_loop *loop,
                                       uint16_t port)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *client = (struct http_client){.loop = loop, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    buf_init(&client->got, 1U << 20);
    if (connect(client->fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        abort();
    }
    ev_init(&client->io, http_client_on_read);
    ev_io_set(&client->io, client->fd, EV_READ);
    client->io.data = client;
    ev_io_start(loop, &client->io);
}

/* False when the server has closed already. */
static inline bool http_client_send(struct http_client *client, const char *bytes, size_t n)
{
    return send(client->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static inline void http_client_close(struct http_client *client)
{
    ev_io_stop(client->loop, &client->io);
    close(client->fd);
    buf_deinit(&client->got);
}

#endif
