/* http_request.h - the head of an HTTP/1.1 request, read as strictly as it may be; pure
 *
 * RFC 9112, sections 2 to 7, and RFC 9110, 5 to 10.  Whatever two servers could read differently is
 * refused, because one of them may stand in front of us: lines that end in a bare LF, folded
 * fields, spaces before a colon, control characters, a length that is given twice or beside a
 * transfer coding, a body of a GET. */
#ifndef PARLEY_HTTP_REQUEST_H
#define PARLEY_HTTP_REQUEST_H

#include "shared/slice.h"

#define HTTP_HEAD_MAX 16384 /* bytes: request line, all fields, the empty line */
#define HTTP_FIELDS_MAX 64

enum http_method { HTTP_GET = 0, HTTP_POST, HTTP_OPTIONS, HTTP_HEAD, HTTP_OTHER_METHOD };

struct http_field {
    struct slice name;  /* as sent: compare without regard to case */
    struct slice value; /* without spaces and tabs around it; may be empty */
};

struct http_request { /* slices borrow from the bytes that were read */
    enum http_method method;
    struct slice path;  /* of the target, as sent: nothing is decoded; begins with '/', or is "*".
                         * Of "http://authority/path", the authority is not looked at: Host is. */
    struct slice query; /* behind the first '?', as sent */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    size_t size;           /* of the head, the empty line included: the body begins there */
    bool keep_alive;       /* may another request follow? */
    bool upgrade;          /* names a protocol in Upgrade, and "upgrade" in Connection */
    bool expects_continue; /* waits for "100 Continue" before it sends its body */
    bool chunked;          /* its body comes in chunks; else it is `length` bytes long */
    bool has_length;       /* Content-Length was given */
    uint64_t length;
};

/* Reads the head at the start of `bytes`, which may go on behind it; one empty line before it is
 * skipped (RFC 9112, 2.2).  Returns 0 while more bytes are needed, 200 when *out is filled, else
 * the status to refuse with, after which the connection is to be closed, and sets *why to a literal
 * that says what is wrong:
 *
 *     400  not a request, or one that is not clear; CONNECT
 *     417  an expectation other than 100-continue (which itself means nothing in HTTP/1.0)
 *     431  more than HTTP_HEAD_MAX bytes or HTTP_FIELDS_MAX fields
 *     501  a transfer coding other than chunked
 *     505  a version other than 1.0 and 1.1 (also the preface of HTTP/2)
 *
 * A fault is told as soon as the line that has it is whole, a byte that no line may hold at once;
 * of several the first counts.  So what was once answered stays, whatever comes behind it.  Never
 * returns 0 for HTTP_HEAD_MAX bytes.  Reads from the start each time: linear in the length of
 * `bytes`, never beyond HTTP_HEAD_MAX. */
unsigned http_request_read(struct slice bytes, struct http_request *out, const char **why);

/* The value of a field, by its name without regard to case; empty when it is absent.  Of a field
 * that stands there more than once the last one counts: proxies add theirs at the end.  (Those of
 * which two would contradict each other were refused: Host, Content-Length, Transfer-Encoding,
 * Content-Type, Expect, Upgrade, Origin, Authorization, Sec-WebSocket-Key, Sec-WebSocket-Version,
 * X-Forwarded-Proto, X-Parley-Carried.) */
struct slice http_request_field(const struct http_request *req, struct slice name);

/* Does a list with commas hold that word?  Without regard to case (RFC 9110, 5.6.1); an empty word
 * is in no list. */
bool http_list_has(struct slice list, struct slice word);

#endif
