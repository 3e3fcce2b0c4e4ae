/* eio_sids.h - the connections that requests can name: sid -> connection; pure
 *
 * Only connections that began with polling are in it: nobody has a use for the sid of one that was
 * born as a WebSocket, which therefore costs nothing.  A sid is "<node>.<24 random characters>",
 * without the node when the server is alone; the random part (144 bits) alone finds the connection,
 * the node tells other servers whose it is.  It is a secret: who knows it speaks for the client. */
#ifndef PARLEY_EIO_SIDS_H
#define PARLEY_EIO_SIDS_H

#include "shared/slice.h"

#define EIO_SID_RANDOM 24
#define EIO_NODE_MAX 48
#define EIO_SID_MAX (EIO_NODE_MAX + 1 + EIO_SID_RANDOM)

struct eio_conn;

struct eio_sid { /* allocated for a connection that is in the table */
    struct eio_sid *next;
    struct eio_conn *conn;
    char random[EIO_SID_RANDOM];
};

struct eio_sids {
    struct eio_sid **buckets; /* a power of two of them; NULL while it is empty */
    size_t size, count;
};

/* A new entry with a random sid for that connection; NULL when memory runs out. */
struct eio_sid *eio_sids_add(struct eio_sids *sids, struct eio_conn *conn);
void eio_sids_remove(struct eio_sids *sids, struct eio_sid *sid); /* frees it; NULL is allowed */
/* `text` is a whole sid, node included or not; NULL when there is none. */
struct eio_conn *eio_sids_find(const struct eio_sids *sids, struct slice text);
void eio_sids_deinit(struct eio_sids *sids); /* is empty */

/* Can a server be called that: 1 to EIO_NODE_MAX of [A-Za-z0-9._-]? */
bool eio_node_is_name(struct slice text);
/* The node that a sid names; empty when it names none, or what can be none. */
struct slice eio_sid_node(struct slice text);

#endif
