/* listener.h - a socket that listens on a TCP port */
#ifndef PARLEY_LISTENER_H
#define PARLEY_LISTENER_H

#include "shared/resolver_ev.h"

struct listener_config {
    const char *host; /* an address, or a name: it is looked up with the caller waiting */
    uint16_t port;
    int backlog;                /* how many may wait to be accepted */
    resolver_lookup_fn *lookup; /* NULL: getaddrinfo */
};

/* Listens at the first of the name's addresses that can be had, but at none behind one whose port
 * is taken: non-blocking, SO_REUSEADDR.  The descriptor, the caller's; or -1, and `why` and errno
 * say why of the last address, or of the name (then EADDRNOTAVAIL).  `why` is a text of the C
 * library's. */
int listener_open(const struct listener_config *config, const char **why);

#endif
