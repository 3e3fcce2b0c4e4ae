/* eio_query.c - the query string of an Engine.IO request */
#include "gateway-svc/socketio/eio_query.h"
#include "shared/hex.h"
#include <string.h>

/* Cuts one decoded character off *rest.  A '%' that is no escape stands for itself. */
static char next_char(struct slice *rest)
{
    char c = rest->ptr[0];
    int high = c == '%' && rest->len > 2 ? hex_digit(rest->ptr[1]) : -1;
    int low = high >= 0 ? hex_digit(rest->ptr[2]) : -1;
    if (low >= 0) {
        *rest = slice_tail(*rest, 3);
        return (char)(high * 16 + low);
    }
    *rest = slice_tail(*rest, 1);
    if (c == '+') {
        return ' ';
    }
    return c;
}

/* Decodes into out[size], NUL-terminated.  False when it does not fit or holds a NUL. */
static bool decode(struct slice raw, char *out, size_t size)
{
    size_t n = 0;
    while (raw.len > 0) {
        char c = next_char(&raw);
        if (c == '\0' || n + 1 >= size) {
            return false;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

static enum eio_transport transport_named(const char *name)
{
    if (strcmp(name, "websocket") == 0) {
        return EIO_WEBSOCKET;
    }
    return strcmp(name, "polling") == 0 ? EIO_POLLING : EIO_TRANSPORT_UNKNOWN;
}

static void take_argument(struct slice raw, struct eio_query *out)
{
    struct slice key = slice_cut(&raw, '=');
    char name[16];
    char value[EIO_SID_MAX + 1];
    if (!decode(key, name, sizeof name)) {
        return;
    }
    if (!decode(raw, value, sizeof value)) {
        value[0] = '\0';
    }
    if (strcmp(name, "EIO") == 0) {
        out->version_4 = strcmp(value, "4") == 0;
    } else if (strcmp(name, "transport") == 0) {
        out->transport = transport_named(value);
    } else if (strcmp(name, "sid") == 0) {
        out->has_sid = raw.len > 0; /* "sid=" is none, as the official server has it */
        memcpy(out->sid, value, sizeof value);
    } else if (strcmp(name, "j") == 0) {
        out->jsonp = true;
    }
}

void eio_query_parse(struct slice raw, struct eio_query *out)
{
    *out = (struct eio_query){0};
    while (raw.len > 0) {
        take_argument(slice_cut(&raw, '&'), out);
    }
}

static const struct {
    unsigned status;
    const char *text;
} refusals[] = {
    [EIO_UNKNOWN_TRANSPORT] = {400, "Transport unknown"           },
    [EIO_UNKNOWN_SID] = {400, "Session ID unknown"          },
    [EIO_BAD_METHOD] = {400, "Bad handshake method"        },
    [EIO_BAD_REQUEST] = {400, "Bad request"                 },
    [EIO_FORBIDDEN] = {403, "Forbidden"                   },
    [EIO_UNSUPPORTED_VERSION] = {400, "Unsupported protocol version"},
    [EIO_ACCEPTABLE] = {200, "OK"                          },
};

const char *eio_refusal_text(enum eio_refusal refusal)
{
    return refusals[refusal].text;
}

unsigned eio_refusal_status(enum eio_refusal refusal)
{
    return refusals[refusal].status;
}

static bool is_served(const struct eio_request *req)
{
    return (req->query->transport == EIO_POLLING && req->polling) ||
           (req->query->transport == EIO_WEBSOCKET && req->websocket);
}

/* JSONP is not served: no client that is still maintained asks for it. */
static bool is_jsonp(const struct eio_request *req)
{
    return req->query->jsonp && req->query->transport == EIO_POLLING;
}

/* For a connection that is there already: a poll, or the WebSocket that is to take over. */
static enum eio_refusal check_known(const struct eio_request *req)
{
    if (!req->known) {
        return EIO_UNKNOWN_SID;
    }
    bool upgrade = req->query->transport == EIO_WEBSOCKET;
    bool fits = req->polls && req->upgrade == upgrade && req->query->version_4 && !is_jsonp(req);
    return fits ? EIO_ACCEPTABLE : EIO_BAD_REQUEST;
}

enum eio_refusal eio_request_check(const struct eio_request *req)
{
    if (!is_served(req)) {
        return EIO_UNKNOWN_TRANSPORT;
    }
    if (req->query->has_sid) {
        return check_known(req);
    }
    if (req->method != HTTP_GET) {
        return EIO_BAD_METHOD;
    }
    if (is_jsonp(req)) {
        return EIO_BAD_REQUEST;
    }
    return req->upgrade == (req->query->transport == EIO_WEBSOCKET) ? EIO_ACCEPTABLE
                                                                    : EIO_BAD_REQUEST;
}
