/* listener.c - a socket that listens on a TCP port */
#include "shared/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Or -1, and errno. */
static int listen_at(const struct addrinfo *at, int backlog)
{
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, backlog) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int listener_open(const struct listener_config *config, const char **why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    resolver_lookup_fn *lookup = config->lookup ? config->lookup : getaddrinfo;
    struct addrinfo *found = NULL;
    char service[8];
    int fd = -1, error = 0;

    (void)snprintf(service, sizeof service, "%u", (unsigned)config->port);
    int fault = lookup(config->host, service, &hints, &found);
    if (fault != 0) {
        *why = gai_strerror(fault);
        errno = EADDRNOTAVAIL;
        return -1;
    }
    /* Where somebody else has the port, another address of the name would be a second server of
     * what people take for one. */
    for (const struct addrinfo *at = found; at && fd < 0 && error != EADDRINUSE; at = at->ai_next) {
        fd = listen_at(at, config->backlog);
        error = errno;
    }
    *why = strerror(error);
    freeaddrinfo(found);
    errno = error;
    return fd;
}
