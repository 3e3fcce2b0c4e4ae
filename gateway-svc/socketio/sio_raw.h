/* sio_raw.h - raw Engine.IO on a path of its own; see sio.h */
#ifndef PARLEY_SIO_RAW_H
#define PARLEY_SIO_RAW_H

#include "gateway-svc/socketio/eio_engine.h"

struct sio_raw {
    struct sio_raw *next;
    struct eio_endpoint endpoint;
    const struct sio_raw_handler *handler;
    void *app;
};

/* Adds it to the engine.  Memory running out ends the program: this is part of the start. */
struct sio_raw *sio_raw_new(struct eio_engine *engine, const char *path,
                            const struct sio_raw_handler *handler, void *app);
void sio_raws_free(struct sio_raw *first); /* the whole list */

#endif
