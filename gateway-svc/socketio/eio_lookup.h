/* eio_lookup.h - the question where a node is, while it waits for its answer; see sio.h */
#ifndef PARLEY_EIO_LOOKUP_H
#define PARLEY_EIO_LOOKUP_H

#include "gateway-svc/socketio/sio.h"

struct sio_lookup {
    /* The answer; `host` NULL: there is no such node. */
    void (*done)(struct sio_lookup *lookup, const char *host, uint16_t port);
};

#endif
