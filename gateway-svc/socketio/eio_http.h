/* eio_http.h - plain HTTP answers as bytes; pure */
#ifndef PARLEY_EIO_HTTP_H
#define PARLEY_EIO_HTTP_H

#include "gateway-svc/socketio/eio_query.h"
#include "shared/buf.h"

struct eio_answer {
    unsigned status;
    const char *type;   /* of the content */
    struct slice body;  /* borrowed */
    const char *header; /* one more header line without its end, or NULL */
    struct slice lines; /* further header lines, each with its end */
    const char *cache;  /* Cache-Control; NULL: no-store */
    bool no_body;       /* the head alone: of HEAD, or of 304 */
    bool lasts;         /* the body outlives the connection: it is sent from where it lies */
    bool close;         /* the connection ends after it */
};

/* Appends the whole answer, head and body; the head alone when the body lasts. */
bool eio_answer_print(const struct eio_answer *answer, struct buf *out);

/* Bytes of an HTTP message's head, the empty line at its end included; 0 while it is not whole. */
size_t eio_head_size(struct slice bytes);

/* The body of a refusal: {"code":4,"message":"Forbidden"}; `text` NULL: the code's own. */
bool eio_refusal_print(enum eio_refusal refusal, const char *text, struct buf *out);

#endif
