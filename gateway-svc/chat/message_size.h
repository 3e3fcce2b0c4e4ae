/* message_size.h - how long the packets of one message get at most; pure
 *
 * A character of a text may need six in JSON (\u0001), also where one byte was typed. */
#ifndef PARLEY_MESSAGE_SIZE_H
#define PARLEY_MESSAGE_SIZE_H

#include <stddef.h>

/* Bytes of a JSON string whose content has `len` bytes at most. */
size_t message_size_string(size_t len);
/* Bytes of a `message_out`, as a client sends it: without spaces, every character escaped. */
size_t message_size_out(size_t text_max);
/* Bytes of a `message_in` on the wire, the sender's own with its client_id. */
size_t message_size_in(size_t text_max);

#endif
