/* dialect.h - what clients and servers of each kind say to each other; pure
 *
 * One row per kind of server.  All do the same work (see tests/bench/README.md); they differ in
 * words alone, so nothing else here knows with whom it speaks. */
#ifndef PARLEY_BENCH_DIALECT_H
#define PARLEY_BENCH_DIALECT_H

#include "shared/buf.h"

/* What a packet of a server is; found by how it begins. */
enum said_kind {
    SAID_OTHER = 0,
    SAID_OPEN,    /* the transport is there: say hello */
    SAID_ONLINE,  /* hello was taken */
    SAID_REFUSED, /* it was not */
    SAID_PING,    /* to be answered with `pong` */
    SAID_MESSAGE, /* somebody's message; .number is ours of it */
    SAID_ACK,     /* .number, .good */
    SAID_ERROR,   /* a message without an ack was not accepted */
    SAID_LIST     /* the users; .good: the last or only part */
};

struct said {
    enum said_kind kind;
    uint32_t number;
    bool good;
};

#define DIALECT_SIGNS 8
struct dialect {
    const char *name;
    const char *path;    /* of the WebSocket */
    const char *polling; /* path of long-polling; NULL: there is none */
    bool has_login;      /* by HTTP, which gives a token; else the name is enough for `hello` */
    bool opens;          /* the server speaks first (SAID_OPEN); else say hello at once */
    const char *hello, *pong, *group, *direct; /* templates, see dialect_write */
    struct {
        const char *prefix;
        enum said_kind kind;
    } signs[DIALECT_SIGNS]; /* the first that fits; prefix NULL ends them */
};

/* NULL when there is no such dialect. */
const struct dialect *dialect_named(const char *name);

struct said dialect_read(const struct dialect *d, struct slice packet);

/* Appends a template; each % in it stands for the next of `words`. */
void dialect_write(struct buf *out, const char *template, const struct slice *words);

/* Appends the text of message `number`, `bytes` long (at least DIALECT_TEXT_MIN): digits by which
 * dialect_read knows it again, wherever it stands in what a server makes of it. */
#define DIALECT_TEXT_MIN 14
void dialect_text(struct buf *out, uint32_t number, size_t bytes);

#endif
