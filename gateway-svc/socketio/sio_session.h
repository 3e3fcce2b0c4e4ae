/* sio_session.h - what a client's Socket.IO packets do to its connection: the Socket.IO endpoint */
#ifndef PARLEY_SIO_SESSION_H
#define PARLEY_SIO_SESSION_H

#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/sio_namespace.h"

struct sio_sessions {
    struct eio_endpoint endpoint;
    struct sio_namespace *namespaces;
    uint32_t namespace_count;
    struct sio_acks acks;
};

/* Adds the endpoint to the engine, under the path of its configuration. */
void sio_sessions_init(struct sio_sessions *sessions, struct eio_engine *engine);
void sio_sessions_deinit(struct sio_sessions *sessions); /* frees the namespaces */

struct sio_namespace *sio_sessions_open(struct sio_sessions *sessions, const char *name,
                                        const struct sio_namespace_handler *handler, void *app);

#endif
