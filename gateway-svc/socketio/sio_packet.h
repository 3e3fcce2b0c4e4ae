/* sio_packet.h - Socket.IO packets, which travel inside Engine.IO messages; pure
 *
 *     <type>[<attachments>-][<namespace>[,]][<ack id>][<JSON>]
 *
 * Payloads are validated as JSON and passed on as the bytes that came. */
#ifndef PARLEY_SIO_PACKET_H
#define PARLEY_SIO_PACKET_H

#include "shared/buf.h"

/* The digits on the wire. */
enum sio_packet_type {
    SIO_PACKET_CONNECT = 0,
    SIO_PACKET_DISCONNECT,
    SIO_PACKET_EVENT,
    SIO_PACKET_ACK,
    SIO_PACKET_CONNECT_ERROR,
    SIO_PACKET_BINARY_EVENT,
    SIO_PACKET_BINARY_ACK,
    SIO_PACKET_TYPES
};

enum sio_packet_err {
    SIO_PACKET_OK = 0,
    SIO_PACKET_E_TYPE,        /* no such type, or one that a client must not send */
    SIO_PACKET_E_ATTACHMENTS, /* their number is missing, 0 or above the limit; or a placeholder
                                 names none of them */
    SIO_PACKET_E_ACK_ID,      /* above 2^53-1 */
    SIO_PACKET_E_JSON,        /* not JSON, too deep, or no UTF-8 */
    SIO_PACKET_E_PAYLOAD,     /* JSON that this type must not carry, or none where it must */
    SIO_PACKET_E_NAME         /* an event whose name is missing, no string, or reserved */
};
const char *sio_packet_err_name(enum sio_packet_err err);

#define SIO_ATTACHMENTS_MAX 10
#define SIO_ACK_ID_MAX 9007199254740991u /* 2^53-1: JavaScript's largest exact integer */

struct sio_packet {
    enum sio_packet_type type;
    uint32_t attachments; /* of the binary types, 1 to SIO_ATTACHMENTS_MAX; else 0 */
    struct slice nsp;     /* "/" when the packet names none */
    bool has_ack_id;
    uint64_t ack_id;
    const struct slice *data; /* the attachments once they have come (sio_partial.h), else NULL */
    struct slice payload; /* CONNECT: the object or empty.  ACK: what stands between the brackets */
    struct slice name;    /* events: the string's content as sent, or the number */
    bool name_escaped;    /* there are escapes in it: see sio_packet_name */
    struct slice args;    /* events: what follows the name, without the comma */
};

/* Decodes what a client sent; slices of *out point into `text`, which is borrowed. */
enum sio_packet_err sio_packet_decode(struct slice text, struct sio_packet *out);

/* Names that mean something else to the programs at both ends and must not be used for events.
 * `name` is a JSON string's content, escapes as sent. */
bool sio_packet_is_reserved(struct slice name);

/* The name of an event with no more escapes than JSON demands, so that equal names are equal bytes;
 * one with half a character in it stays as it was sent.  It is written into `room` if it has to be,
 * which must take SIO_NAME_ROOM bytes. */
struct slice sio_packet_name(const struct sio_packet *packet, struct buf *room);
#define SIO_NAME_ROOM(sent) ((sent) + 2) /* no escape gets longer; and the quotes */

#endif
