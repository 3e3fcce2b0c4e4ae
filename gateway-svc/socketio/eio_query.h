/* eio_query.h - the query string of an Engine.IO request, and what is wrong with the request; pure
 */
#ifndef PARLEY_EIO_QUERY_H
#define PARLEY_EIO_QUERY_H

#include "shared/buf.h"

enum eio_transport { EIO_TRANSPORT_UNKNOWN = 0, EIO_POLLING, EIO_WEBSOCKET };

#define EIO_SID_MAX 64 /* a longer one cannot be ours */

struct eio_query {
    enum eio_transport transport;
    bool version_4; /* EIO is exactly "4" */
    bool has_sid;
    char sid[EIO_SID_MAX + 1]; /* decoded; empty when it is longer than ours ever are */
};

/* Reads `raw` (percent-encoded, without '?').  Of a key given twice the last one wins.  Other keys
 * are the application's.  Linear in the length of `raw`. */
void eio_query_parse(struct slice raw, struct eio_query *out);

/* Appends one decoded "key=value" so that it can stand in a raw query again. */
bool eio_query_append(struct buf *raw, struct slice argument);

/* The codes that Engine.IO sends in the body of a refusal. */
enum eio_refusal {
    EIO_UNKNOWN_TRANSPORT = 0,
    EIO_UNKNOWN_SID,
    EIO_BAD_METHOD,
    EIO_BAD_REQUEST,
    EIO_FORBIDDEN,
    EIO_UNSUPPORTED_VERSION,
    EIO_ACCEPTABLE /* no refusal */
};
const char *eio_refusal_text(enum eio_refusal refusal);
unsigned eio_refusal_status(enum eio_refusal refusal); /* of HTTP */

struct eio_request {
    const struct eio_query *query;
    bool get;     /* the method */
    bool upgrade; /* asks to become a WebSocket */
};
/* The first thing that is wrong with a request, in the order in which the official server looks.
 * The protocol's version is not looked at: the application's own check comes before it. */
enum eio_refusal eio_request_check(const struct eio_request *req);

#endif
