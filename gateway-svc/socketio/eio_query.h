/* eio_query.h - the query of an Engine.IO request, and what is wrong with the request; pure */
#ifndef PARLEY_EIO_QUERY_H
#define PARLEY_EIO_QUERY_H

#include "gateway-svc/socketio/eio_sids.h"
#include "gateway-svc/socketio/http_request.h"

enum eio_transport { EIO_TRANSPORT_UNKNOWN = 0, EIO_POLLING, EIO_WEBSOCKET };

struct eio_query {
    enum eio_transport transport;
    bool version_4; /* EIO is exactly "4" */
    bool has_sid;
    bool jsonp;                /* asks for answers in the form of a script */
    char sid[EIO_SID_MAX + 1]; /* decoded; empty when it is longer than ours ever are */
};

/* Reads `raw` (percent-encoded, without '?').  Of a key given twice the last one wins.  Other keys
 * are the application's.  Linear in the length of `raw`. */
void eio_query_parse(struct slice raw, struct eio_query *out);

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
    enum http_method method;
    bool upgrade;            /* asks to become a WebSocket */
    bool polling, websocket; /* the transports that are served */
    bool known;              /* its sid is in the table ... */
    bool polls;              /* ... and that connection is still polling */
};
/* The first thing that is wrong with a request, in the order in which the official server looks.
 * Without a sid the protocol's version is not looked at: the application's own check comes before
 * it.  Methods other than GET and POST that name a connection are the caller's. */
enum eio_refusal eio_request_check(const struct eio_request *req);

#endif
