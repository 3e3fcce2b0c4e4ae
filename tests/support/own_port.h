/* own_port.h - a port that is free, and that nobody else gets while this program runs */
#ifndef PARLEY_TESTS_OWN_PORT_H
#define PARLEY_TESTS_OWN_PORT_H

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Of every IPv4 address.  A server that sets SO_REUSEADDR, as ours do, can listen there, as often
 * as it likes; while none does, connecting is refused.
 *
 * It is held by a socket that is bound and never listens: the kernel gives such a port to nobody
 * else, neither to bind(0) nor to connect().  It must be one of all addresses, because what is free
 * at 127.0.0.1 may be in use at 127.0.0.2, if only by a connection that ended a minute ago, and
 * then no server can have it at 0.0.0.0. */
static inline uint16_t own_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t size = sizeof at;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&at, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        abort();
    }
    return ntohs(at.sin_port);
}

#endif
