/* http_request.c - the head of an HTTP/1.1 request, read as strictly as it may be */
#include "gateway-svc/socketio/http_request.h"

#include <string.h>

#define NEEDS_MORE 0
#define FINE 200
#define METHOD_MAX 32        /* bytes */
#define LENGTH_DIGITS_MAX 18 /* what always fits into 64 bits, in any reader's arithmetic */

struct reader {
    struct slice rest; /* not read yet; ends at HTTP_HEAD_MAX */
    struct http_request *req;
    const char *why;
    unsigned seen;        /* bit i: known[i] was there */
    bool is_1_1;          /* the version */
    bool close, upgrades; /* the words in Connection */
};

static unsigned refuse(struct reader *r, unsigned status, const char *why)
{
    r->why = why;
    return status;
}

static bool is_alnum(char c) /* isalnum would ask the locale */
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_tchar(char c) /* RFC 9110, 5.6.2 */
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_host_char(char c)
{
    return is_alnum(c) || (c != '\0' && strchr(".-_:[]%", c));
}

static bool is_target_char(char c)
{
    return c > 0x20 && c < 0x7f && c != '#';
}

/* What may stand in a line at all: no control characters but the tab, which only a value may hold.
 */
static bool is_line_char(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

static bool is_made_of(struct slice s, bool (*is_good)(char))
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_good(s.ptr[i])) {
            return false;
        }
    }
    return s.len > 0;
}

/* Cuts a line off the rest, without its CRLF.  A byte that no line may hold is refused here, before
 * the line is whole: so it is the same fault however much of the line has come. */
static unsigned next_line(struct reader *r, struct slice *line)
{
    struct slice s = r->rest;
    size_t n = 0;

    while (n < s.len && is_line_char(s.ptr[n])) {
        n++;
    }
    if (n == s.len || (s.ptr[n] == '\r' && n + 1 == s.len)) {
        return NEEDS_MORE;
    }
    if (s.ptr[n] == '\n') {
        return refuse(r, 400, "a line ends in LF without CR");
    }
    if (s.ptr[n] != '\r') {
        return refuse(r, 400, "a control character");
    }
    if (s.ptr[n + 1] != '\n') {
        return refuse(r, 400, "a CR without LF");
    }
    *line = slice_head(s, n);
    r->rest = slice_tail(s, n + 2);
    return FINE;
}

/* The request line ------------------------------------------------------------------------- */

static enum http_method method_named(struct slice name)
{
    static const struct slice names[] = {
        [HTTP_GET] = SLICE_INIT("GET"),
        [HTTP_POST] = SLICE_INIT("POST"),
        [HTTP_OPTIONS] = SLICE_INIT("OPTIONS"),
        [HTTP_HEAD] = SLICE_INIT("HEAD"),
    };
    unsigned i = 0;
    while (i < HTTP_OTHER_METHOD && !slice_equal(name, names[i])) {
        i++;
    }
    return (enum http_method)i;
}

static unsigned take_method(struct reader *r, struct slice name)
{
    if (name.len > METHOD_MAX || !is_made_of(name, is_tchar)) {
        return refuse(r, 400, "no method");
    }
    if (slice_equal(name, SLICE("CONNECT"))) {
        return refuse(r, 400, "CONNECT asks for a proxy");
    }
    r->req->method = method_named(name);
    return FINE;
}

/* "http://authority/path?query": leaves "/path?query".  Where the path is empty it is "/", for
 * which the last slash of "http://" stands. */
static unsigned take_absolute(struct reader *r, struct slice target)
{
    struct slice scheme = slice_head(target, 7);
    struct slice rest = slice_tail(target, 7);
    size_t n = 0;

    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?') {
        n++;
    }
    if (!slice_equal_nocase(scheme, SLICE("http://")) || n == 0) {
        return refuse(r, 400, "the target is neither a path nor an http:// address");
    }
    rest = slice_tail(rest, n);
    r->req->path = slice_cut(&rest, '?');
    r->req->query = rest;
    if (r->req->path.len == 0) {
        r->req->path = slice_tail(scheme, 6);
    }
    return FINE;
}

static unsigned take_target(struct reader *r, struct slice target)
{
    if (!is_made_of(target, is_target_char)) {
        return refuse(r, 400, "no target, or one with bytes that must be escaped");
    }
    if (slice_equal(target, SLICE("*")) && r->req->method == HTTP_OPTIONS) {
        r->req->path = target;
        return FINE;
    }
    if (target.ptr[0] != '/') {
        return take_absolute(r, target);
    }
    r->req->path = slice_cut(&target, '?');
    r->req->query = target;
    return FINE;
}

static unsigned take_version(struct reader *r, struct slice version)
{
    struct slice digits = slice_tail(version, 5);
    uint64_t unused;

    if (version.len != 8 || !slice_starts(version, SLICE("HTTP/")) || digits.ptr[1] != '.' ||
        !slice_u64(slice_head(digits, 1), 9, &unused) ||
        !slice_u64(slice_tail(digits, 2), 9, &unused)) {
        return refuse(r, 400, "no version behind the target");
    }
    r->is_1_1 = slice_equal(digits, SLICE("1.1"));
    if (!r->is_1_1 && !slice_equal(digits, SLICE("1.0"))) {
        return refuse(r, 505, "not HTTP/1.1");
    }
    return FINE;
}

static unsigned take_request_line(struct reader *r, struct slice line)
{
    if (slice_equal(line, SLICE("PRI * HTTP/2.0"))) { /* RFC 9113, 3.4: who sends it must learn */
        return refuse(r, 505, "the preface of HTTP/2");
    }
    unsigned status = take_method(r, slice_cut(&line, ' '));
    if (status == FINE) {
        status = take_target(r, slice_cut(&line, ' '));
    }
    return status == FINE ? take_version(r, line) : status;
}

/* Fields ----------------------------------------------------------------------------------- */

enum known_field {
    FIELD_HOST = 0,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_EXPECT,
    FIELD_CONNECTION,
    FIELD_UPGRADE,
    FIELD_ORIGIN,
    FIELD_WS_KEY,
    FIELD_WS_VERSION,
    FIELD_CARRIED,
    FIELD_PROTO,
    FIELD_AUTHORIZATION,
    FIELD_CONTENT_TYPE,
    FIELDS_KNOWN
};

static bool has_seen(const struct reader *r, enum known_field field)
{
    return r->seen & 1U << field;
}

static bool may_have_body(const struct reader *r)
{
    return r->req->method != HTTP_GET && r->req->method != HTTP_HEAD;
}

static unsigned take_host(struct reader *r, struct slice value)
{
    return is_made_of(value, is_host_char) ? FINE : refuse(r, 400, "Host is not a host");
}

static unsigned take_content_length(struct reader *r, struct slice value)
{
    struct http_request *req = r->req;

    if (has_seen(r, FIELD_TRANSFER_ENCODING)) {
        return refuse(r, 400, "Content-Length beside Transfer-Encoding");
    }
    if (value.len > LENGTH_DIGITS_MAX || !slice_u64(value, UINT64_MAX, &req->length)) {
        return refuse(r, 400, "Content-Length is not a length");
    }
    if (req->length > 0 && !may_have_body(r)) {
        return refuse(r, 400, "a body of GET or HEAD");
    }
    req->has_length = true;
    return FINE;
}

static unsigned take_transfer_encoding(struct reader *r, struct slice value)
{
    if (!r->is_1_1) { /* who does not know it would read on in the body: RFC 9112, 6.1 */
        return refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
    }
    if (has_seen(r, FIELD_CONTENT_LENGTH)) {
        return refuse(r, 400, "Content-Length beside Transfer-Encoding");
    }
    if (!slice_equal_nocase(value, SLICE("chunked"))) {
        return refuse(r, 501, "a transfer coding other than chunked");
    }
    if (!may_have_body(r)) {
        return refuse(r, 400, "a body of GET or HEAD");
    }
    r->req->chunked = true;
    return FINE;
}

static unsigned take_expect(struct reader *r, struct slice value)
{
    if (!slice_equal_nocase(value, SLICE("100-continue"))) {
        return refuse(r, 417, "an expectation other than 100-continue");
    }
    r->req->expects_continue = r->is_1_1;
    return FINE;
}

static unsigned take_connection(struct reader *r, struct slice value)
{
    r->close = r->close || http_list_has(value, SLICE("close"));
    r->upgrades = r->upgrades || http_list_has(value, SLICE("upgrade"));
    return FINE;
}

static unsigned take_upgrade(struct reader *r, struct slice value)
{
    r->req->upgrade = r->is_1_1 && value.len > 0; /* if Connection says so too: see `finish` */
    return FINE;
}

static const struct {
    struct slice name;
    bool repeats; /* may stand there more than once */
    unsigned (*take)(struct reader *r, struct slice value);
} known[FIELDS_KNOWN] = {
    [FIELD_HOST] = {SLICE_INIT("host"),                  false, take_host             },
    [FIELD_CONTENT_LENGTH] = {SLICE_INIT("content-length"),        false, take_content_length   },
    [FIELD_TRANSFER_ENCODING] = {SLICE_INIT("transfer-encoding"),     false, take_transfer_encoding},
    [FIELD_EXPECT] = {SLICE_INIT("expect"),                false, take_expect           },
    [FIELD_CONNECTION] = {SLICE_INIT("connection"),            true,  take_connection       },
    [FIELD_UPGRADE] = {SLICE_INIT("upgrade"),               false, take_upgrade          },
    [FIELD_ORIGIN] = {SLICE_INIT("origin"),                false, NULL                  },
    [FIELD_WS_KEY] = {SLICE_INIT("sec-websocket-key"),     false, NULL                  },
    [FIELD_WS_VERSION] = {SLICE_INIT("sec-websocket-version"), false, NULL                  },
    [FIELD_CARRIED] = {SLICE_INIT("x-parley-carried"),      false, NULL                  },
    [FIELD_PROTO] = {SLICE_INIT("x-forwarded-proto"),     false, NULL                  },
    [FIELD_AUTHORIZATION] = {SLICE_INIT("authorization"),         false, NULL                  },
    [FIELD_CONTENT_TYPE] = {SLICE_INIT("content-type"),          false, NULL                  },
};

static unsigned take_known(struct reader *r, const struct http_field *field)
{
    unsigned i = 0;
    while (i < FIELDS_KNOWN && !slice_equal_nocase(field->name, known[i].name)) {
        i++;
    }
    if (i == FIELDS_KNOWN) {
        return FINE;
    }
    if (has_seen(r, (enum known_field)i) && !known[i].repeats) {
        return refuse(r, 400, "a field is given twice that may be there once");
    }
    r->seen |= 1U << i;
    return known[i].take ? known[i].take(r, field->value) : FINE;
}

static unsigned take_field(struct reader *r, struct slice line)
{
    struct slice value = line;
    struct slice name = slice_cut(&value, ':');

    if (r->req->field_count == HTTP_FIELDS_MAX) {
        return refuse(r, 431, "too many fields");
    }
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
        return refuse(r, 400, "a folded field");
    }
    if (name.len == line.len || !is_made_of(name, is_tchar)) {
        return refuse(r, 400, "a field without a name and a colon right behind it");
    }
    struct http_field *field = &r->req->fields[r->req->field_count++];
    *field = (struct http_field){name, slice_trim(value)};
    return take_known(r, field);
}

/* The whole -------------------------------------------------------------------------------- */

static unsigned finish(struct reader *r)
{
    if (r->is_1_1 && !has_seen(r, FIELD_HOST)) {
        return refuse(r, 400, "no Host");
    }
    r->req->keep_alive = r->is_1_1 && !r->close;
    r->req->upgrade = r->req->upgrade && r->upgrades;
    return FINE;
}

static unsigned read_head(struct reader *r)
{
    struct slice line;
    unsigned status = next_line(r, &line);

    if (status == FINE && line.len == 0) {
        status = next_line(r, &line);
    }
    if (status == FINE) {
        status = take_request_line(r, line);
    }
    while (status == FINE) {
        status = next_line(r, &line);
        if (status == FINE && line.len == 0) {
            return finish(r);
        }
        if (status == FINE) {
            status = take_field(r, line);
        }
    }
    return status;
}

unsigned http_request_read(struct slice bytes, struct http_request *out, const char **why)
{
    struct slice head = slice_head(bytes, HTTP_HEAD_MAX);
    struct reader r = {.rest = head, .req = out};

    *out = (struct http_request){0};
    unsigned status = read_head(&r);
    if (status == NEEDS_MORE && head.len == HTTP_HEAD_MAX) {
        status = refuse(&r, 431, "a head of too many bytes");
    }
    if (status != NEEDS_MORE && status != FINE) {
        *why = r.why;
    }
    out->size = head.len - r.rest.len;
    return status;
}

struct slice http_request_field(const struct http_request *req, struct slice name)
{
    for (size_t i = req->field_count; i > 0; i--) {
        if (slice_equal_nocase(req->fields[i - 1].name, name)) {
            return req->fields[i - 1].value;
        }
    }
    return SLICE("");
}

bool http_list_has(struct slice list, struct slice word)
{
    while (list.len > 0) {
        struct slice element = slice_trim(slice_cut(&list, ','));
        if (element.len > 0 && slice_equal_nocase(element, word)) {
            return true;
        }
    }
    return false;
}
