/* sio_namespace.h - a namespace, and the packets that go out in its name
 *
 * sio_namespace_open and sio_event_frame of sio.h are here too. */
#ifndef PARLEY_SIO_NAMESPACE_H
#define PARLEY_SIO_NAMESPACE_H

#include "gateway-svc/socketio/sio_acks.h"
#include "gateway-svc/socketio/sio_frame.h"
#include "gateway-svc/socketio/sio_packet.h"

#define SIO_NAMESPACES_MAX 32 /* of one server: a connection keeps a bit for each */

struct sio_namespace {
    struct sio_namespace *next;
    struct slice name;
    struct slice prefix; /* in packets: "" for "/", else "/name," */
    uint32_t bit;        /* its bit in a set of namespaces */
    const struct sio_namespace_handler *handler;
    void *app;
    struct sio_acks *acks; /* the server's */
    char text[];           /* "/name," */
};

/* `name` is "/" or starts with it and holds no comma (checked by assert). */
struct sio_namespace *sio_namespace_new(const char *name, uint32_t index,
                                        const struct sio_namespace_handler *handler, void *app);
void sio_namespace_free(struct sio_namespace *nsp);
/* In a list of namespaces; NULL when there is none of that name. */
struct sio_namespace *sio_namespace_find(struct sio_namespace *first, struct slice name);

/* A packet of this namespace whose body is the concatenated parts, at most SIO_BODY_PARTS. */
#define SIO_BODY_PARTS 6
struct sio_frame *sio_namespace_packet(const struct sio_namespace *nsp, enum sio_packet_type type,
                                       const struct slice *body, size_t count);

/* An event or an ack. */
struct sio_message {
    enum sio_packet_type type; /* SIO_PACKET_EVENT or SIO_PACKET_ACK; with data, the binary one */
    struct slice head;         /* the ack id, or empty */
    struct slice name;         /* of an event */
    struct slice args;
    const struct slice *data;
    size_t data_count;
};
struct sio_frame *sio_namespace_message(const struct sio_namespace *nsp,
                                        const struct sio_message *message);

#endif
