/* sio_partial.h - a packet that waits for its binary attachments; pure
 *
 * Socket.IO protocol 5, "binary events and acks": the packet's text says how many messages follow,
 * and holds {"_placeholder":true,"num":n} where the n-th belongs. */
#ifndef PARLEY_SIO_PARTIAL_H
#define PARLEY_SIO_PARTIAL_H

#include "gateway-svc/socketio/sio_packet.h"

struct sio_partial;

/* Keeps a copy of `text`, which sio_packet_decode has accepted as a binary type.  Text and
 * attachments together may have `max_bytes`.  NULL when that is exceeded or memory runs out. */
struct sio_partial *sio_partial_new(struct slice text, size_t max_bytes);
/* Adds the next attachment, copied; false as above.  Not when it is whole. */
bool sio_partial_add(struct sio_partial *partial, struct slice data);
bool sio_partial_is_whole(const struct sio_partial *partial);
/* The packet, with its attachments when it is whole. */
const struct sio_packet *sio_partial_packet(const struct sio_partial *partial);
void sio_partial_free(struct sio_partial *partial); /* NULL is allowed */

#endif
