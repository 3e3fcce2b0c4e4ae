/* fuzz_eio_client.h - the client of fuzz_eio_poll.c: looks at every packet that it gets
 *
 * Messages are numbers and padding, "12:xxx": they come whole, once and in order, behind the open
 * packet and before the last one. */
#ifndef PARLEY_FUZZ_EIO_CLIENT_H
#define PARLEY_FUZZ_EIO_CLIENT_H

#include "gateway-svc/socketio/eio_payload.h"
#include "gateway-svc/socketio/eio_poll.h"
#include "tests/support/fuzz.h"

struct fuzz_client {
    uint64_t queued, heard; /* messages that the endpoint has sent, that the client has got */
    bool greeted;           /* has got the open packet */
    bool over;              /* has got the last packet */
    bool slow;              /* the queue was thrown away */
    bool in_get;            /* a second GET may be told the end before everything else */
};

/* A message is its number and padding, "12:xxx". */
static inline void client_got_message(struct fuzz_client *client, struct slice message)
{
    uint64_t n = 0;
    HOLDS(slice_u64(slice_cut(&message, ':'), UINT64_MAX, &n));
    HOLDS(n == client->heard && n < client->queued);
    for (size_t i = 0; i < message.len; i++) {
        HOLDS(message.ptr[i] == 'x');
    }
    client->heard++;
}

static inline void client_got_binary(struct fuzz_client *client, struct slice text)
{
    struct buf bytes;
    buf_init(&bytes, SIZE_MAX);
    HOLDS(base64_decode(text, &bytes));
    client_got_message(client, buf_slice(&bytes));
    buf_deinit(&bytes);
}

static inline void client_got_packet(struct fuzz_client *client, struct slice packet)
{
    HOLDS(packet.len > 0 && !client->over);
    char type = packet.ptr[0];
    HOLDS(type == '0' ? !client->greeted : client->greeted || packet.len == 1);
    switch (type) {
    case '0': client->greeted = true; break;
    case '4': client_got_message(client, slice_tail(packet, 1)); break;
    case 'b': client_got_binary(client, slice_tail(packet, 1)); break;
    case '1': client->over = !client->in_get; break;
    default: HOLDS(slice_equal(packet, SLICE("2")) || slice_equal(packet, SLICE("6"))); break;
    }
}

static inline bool client_has_last(struct slice body)
{
    return body.len > 0 && body.ptr[body.len - 1] == '1' &&
           (body.len == 1 || body.ptr[body.len - 2] == '\x1e');
}

/* The body of an answer to a GET. */
static inline void client_got_payload(struct fuzz_client *client, struct slice body)
{
    struct eio_payload payload = eio_payload_of(body);
    struct slice record;
    size_t count = 0;
    while (eio_payload_next(&payload, &record)) {
        client_got_packet(client, record);
        count++;
    }
    HOLDS(count <= EIO_POLL_PACKETS);
    /* the last packet comes behind everything */
    HOLDS(!client_has_last(body) || client->in_get || client->slow ||
          client->heard == client->queued);
}

#endif
