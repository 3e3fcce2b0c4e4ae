/* eio_http.h - plain HTTP answers as bytes; pure */
#ifndef PARLEY_EIO_HTTP_H
#define PARLEY_EIO_HTTP_H

#include "gateway-svc/socketio/eio_query.h"

struct eio_answer {
    unsigned status;
    const char *type;   /* of the content */
    struct slice body;  /* borrowed */
    const char *header; /* one more header line without its end, or NULL */
    bool close;         /* the connection ends after it */
};
#define EIO_ANSWER_MAX 2048

/* Appends the whole answer, head and body. */
bool eio_answer_print(const struct eio_answer *answer, struct buf *out);

/* The body of a refusal: {"code":4,"message":"Forbidden"}; `text` NULL: the code's own. */
bool eio_refusal_print(enum eio_refusal refusal, const char *text, struct buf *out);

#endif
