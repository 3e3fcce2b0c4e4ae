/* http_strict_mhd.c - refusing requests that libmicrohttpd would let through */
#include "shared/http_strict_mhd.h"

#include "shared/buf.h"
#include "shared/http_mhd.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>

#define REFUSAL_MAX 1024
#define DISCARD_PIECES 16
#define DISCARD_MAX 4096

const struct http_refusal http_refusal_too_large = {"413 Payload Too Large", "too_large",
                                                    "the body is too large"};

const struct http_refusal http_refusal_many_arguments = {"400 Bad Request", "bad_request",
                                                         "the query has too many arguments"};

static const struct http_refusal bad_target = {"400 Bad Request", "bad_request",
                                               "the path holds a character that is not allowed"};
static const struct http_refusal bad_header = {"400 Bad Request", "bad_request",
                                               "a header is not well-formed"};
static const struct http_refusal bad_length = {"400 Bad Request", "bad_request",
                                               "the length of the body is given twice"};
static const struct http_refusal bad_host = {"400 Bad Request", "bad_request",
                                             "there is more than one Host header"};
static const struct http_refusal bad_repeat = {"400 Bad Request", "bad_request",
                                               "a header is there twice"};
static const struct http_refusal bad_coding = {"400 Bad Request", "bad_request",
                                               "the transfer encoding is not supported"};

struct seen {
    unsigned hosts, lengths, codings;
    unsigned once; /* bit i: once[i] was there */
    bool malformed, odd_coding, too_long, repeated;
    size_t bytes; /* of the header lines in their usual form */
};

/* What decides who asks.  Of two, a proxy and we might each look at another one. */
static const struct slice once[] = {
    SLICE_INIT("Origin"),
    SLICE_INIT("Sec-Fetch-Site"),
    SLICE_INIT("Authorization"),
};

static void look_for_repeat(struct slice name, struct seen *seen)
{
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        if (slice_equal_nocase(name, once[i])) {
            seen->repeated |= (seen->once >> i & 1U) != 0;
            seen->once |= 1U << i;
        }
    }
}

static bool is_token_char(char c)
{
    return c > ' ' && c <= '~' && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static bool is_token(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_token_char(name.ptr[i])) {
            return false;
        }
    }
    return name.len > 0;
}

static bool has_control(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

/* NOLINTNEXTLINE(readability-function-size): the shape is libmicrohttpd's */
static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                      size_t key_size, const char *text, size_t text_size)
{
    struct seen *seen = cls;
    struct slice name = {key, key_size};
    struct slice value = {text, text ? text_size : 0};
    uint64_t length;
    (void)kind;
    seen->bytes += name.len + value.len + strlen(": \r\n");
    seen->malformed |= !is_token(name) || has_control(value);
    look_for_repeat(name, seen);
    if (slice_equal_nocase(name, SLICE("Host"))) {
        seen->hosts++;
    } else if (slice_equal_nocase(name, SLICE("Content-Length"))) {
        seen->lengths++;
        seen->too_long |= !slice_u64(value, HTTP_BODY_MAX, &length);
    } else if (slice_equal_nocase(name, SLICE("Transfer-Encoding"))) {
        seen->codings++;
        seen->odd_coding |= !slice_equal_nocase(value, SLICE("chunked"));
    }
    return MHD_YES;
}

/* Is anything in the head that we were not shown?  Old releases end a line at a bare LF, join
 * folded lines and cut values at a NUL, and tell nobody, but they know how long the head was.  So
 * every header must have the form that proxies and clients write, "Name: value" CRLF. */
static bool hides_something(struct MHD_Connection *connection, const struct http_line *line,
                            const struct seen *seen)
{
#if MHD_VERSION < 0x01000000
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t expected = line->method.len + line->uri.len + line->version.len + strlen("  \r\n") +
                      seen->bytes + strlen("\r\n");
    return info && info->header_size != expected;
#else
    (void)connection;
    (void)line;
    (void)seen;
    return false; /* refused by libmicrohttpd itself */
#endif
}

bool http_has_many_arguments(struct slice uri)
{
    size_t count = 1;
    struct slice query = uri;
    (void)slice_cut(&query, '?');
    for (size_t i = 0; i < query.len; i++) {
        count += query.ptr[i] == '&' ? 1 : 0;
    }
    return count > HTTP_ARGUMENTS_MAX;
}

/* No controls or bytes above ASCII, and no %00 in the path.  Nobody looks at what libmicrohttpd
 * makes of the path: 1.0 decodes it by halves when one of its escapes is broken. */
static bool target_is_bad(struct slice uri)
{
    struct slice rest = uri;
    struct slice path = slice_cut(&rest, '?');
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.ptr[i] <= ' ' || uri.ptr[i] > '~') {
            return true;
        }
    }
    for (size_t i = 0; i < path.len; i++) {
        if (slice_starts(slice_tail(path, i), SLICE("%00"))) {
            return true;
        }
    }
    return false;
}

const struct http_refusal *http_check_mhd(struct MHD_Connection *connection,
                                          const struct http_line *line)
{
    struct seen seen = {0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look_at_header, &seen);
    bool bad_headers = seen.malformed || hides_something(connection, line, &seen);
    const struct {
        bool bad;
        const struct http_refusal *why;
    } checks[] = {
        {target_is_bad(line->uri),                                               &bad_target            },
        {seen.hosts > 1,                                                         &bad_host              },
        {seen.lengths > 1 || seen.codings > 1 || (seen.lengths && seen.codings), &bad_length            },
        {seen.repeated,                                                          &bad_repeat            },
        {seen.odd_coding,                                                        &bad_coding            },
        {bad_headers,                                                            &bad_header            },
        {seen.too_long,                                                          &http_refusal_too_large},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (checks[i].bad) {
            return checks[i].why;
        }
    }
    return NULL;
}

void http_refuse_mhd(int fd, const struct http_refusal *why, bool head)
{
    char discarded[DISCARD_MAX];
    struct buf json;
    struct buf out;
    buf_init(&json, 256);
    buf_init(&out, REFUSAL_MAX);
    buf_printf(&json, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", why->code, why->message);
    buf_printf(&out,
               "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
               "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
               "Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
               why->status, json.len);
    if (!head) {
        buf_append(&out, buf_slice(&json));
    }
    /* What has arrived already is taken away: closing a socket with unread bytes resets the
     * connection, and with some systems the client loses the answer. */
    for (int i = 0; i < DISCARD_PIECES; i++) {
        if (recv(fd, discarded, sizeof discarded, MSG_DONTWAIT) <= 0) {
            break;
        }
    }
    (void)send(fd, out.ptr, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    buf_deinit(&json);
    buf_deinit(&out);
}
