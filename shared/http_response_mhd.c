/* http_response_mhd.c - answers, ours and libmicrohttpd's */
#include "shared/http_response_mhd.h"

#include "shared/http_mhd.h"
#include "shared/log.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX_BYTES (1U << 20)
#define HEADERS_MAX_BYTES 4096

void http_response_init(struct http_response *res, unsigned status)
{
    res->status = status;
    res->content_type = "application/json";
    buf_init(&res->body, BODY_MAX_BYTES);
    buf_init(&res->headers, HEADERS_MAX_BYTES);
}

void http_response_deinit(struct http_response *res)
{
    buf_deinit(&res->body);
    buf_deinit(&res->headers);
}

void http_response_header(struct http_response *res, const char *name, struct slice value)
{
    size_t need = strlen(name) + value.len + 3;
    bool bad = strpbrk(name, "\r\n") || need > res->headers.max - res->headers.len;
    for (size_t i = 0; i < value.len && !bad; i++) {
        bad = value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0';
    }
    if (bad) {
        log_error("header left out of an answer name=%s", log_escape(slice_text(name)));
        return;
    }
    buf_append(&res->headers, slice_text(name));
    buf_append(&res->headers, SLICE(": "));
    buf_append(&res->headers, value);
    buf_byte(&res->headers, '\n');
}

static bool add_header(struct MHD_Response *out, const char *name, const char *value)
{
    return MHD_add_response_header(out, name, value) == MHD_YES;
}

/* One "Name: value" line; libmicrohttpd wants both NUL-terminated. */
static bool add_line(struct MHD_Response *out, struct slice line)
{
    char text[HEADERS_MAX_BYTES + 1];
    if (line.len >= sizeof text) {
        return false;
    }
    memcpy(text, line.ptr, line.len);
    text[line.len] = '\0';
    char *colon = strstr(text, ": ");
    if (!colon) {
        return false;
    }
    *colon = '\0';
    return add_header(out, text, colon + 2);
}

static bool add_headers(struct MHD_Response *out, const struct http_response *res)
{
    struct slice lines = buf_slice(&res->headers);
    bool ok = add_header(out, "Cache-Control", "no-store") &&
              add_header(out, "X-Content-Type-Options", "nosniff") &&
              add_header(out, "Referrer-Policy", "no-referrer") &&
              add_header(out, "Connection", "close");
    if (res->content_type) {
        ok = ok && add_header(out, "Content-Type", res->content_type);
    }
    while (ok && lines.len > 0) {
        ok = add_line(out, slice_cut(&lines, '\n'));
    }
    return ok;
}

struct MHD_Response *http_response_mhd(const struct http_response *res)
{
    char empty[] = "";
    struct MHD_Response *out = MHD_create_response_from_buffer(
        res->body.len, res->body.ptr ? res->body.ptr : empty, MHD_RESPMEM_MUST_COPY);
    if (!out || !add_headers(out, res)) {
        log_error("no memory for an answer, or a header that is none");
        exit(EXIT_FAILURE);
    }
    return out;
}
