/* eio_request_lws.c - an HTTP request as libwebsockets holds it */
#include "gateway-svc/socketio/eio_request_lws.h"
#include "gateway-svc/socketio/eio_query.h"
#include <string.h>

struct sio_request *eio_request_begin(struct sio_request *req, struct lws *wsi)
{
    req->wsi = wsi;
    return req;
}

bool eio_request_is_get(struct sio_request *req)
{
    return lws_hdr_total_length(req->wsi, WSI_TOKEN_GET_URI) > 0;
}

struct slice eio_request_path(struct sio_request *req)
{
    char *path = NULL;
    int len = 0;
    if (lws_http_get_uri_and_method(req->wsi, &path, &len) < 0 || len < 0) {
        return SLICE("");
    }
    return (struct slice){path, (size_t)len};
}

/* Of the headers that libwebsockets has an index for; else -1. */
static int known_header(const char *name)
{
    for (int token = 0;; token++) {
        const char *known = (const char *)lws_token_to_string((enum lws_token_indexes)token);
        if (!known) {
            return -1;
        }
        if (strcmp(known, name) == 0) {
            return token;
        }
    }
}

struct slice sio_request_header(struct sio_request *req, const char *name)
{
    int token = known_header(name);
    int size = (int)sizeof req->header;
    int n = token >= 0 ? lws_hdr_copy(req->wsi, req->header, size, (enum lws_token_indexes)token)
                       : lws_hdr_custom_copy(req->wsi, req->header, size, name, (int)strlen(name));
    return n > 0 ? (struct slice){req->header, (size_t)n} : SLICE("");
}

/* libwebsockets has cut the query at '&' and decoded the pieces; this puts it together again. */
struct slice sio_request_query(struct sio_request *req)
{
    struct buf raw;
    size_t len = 0;
    buf_init(&raw, sizeof req->query - 1);
    for (int i = 0;; i++) {
        int n = lws_hdr_copy_fragment(req->wsi, req->header, (int)sizeof req->header,
                                      WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n < 0 || !eio_query_append(&raw, (struct slice){req->header, (size_t)n})) {
            break;
        }
    }
    if (raw.len > 0) {
        len = raw.len;
        memcpy(req->query, raw.ptr, len);
    }
    buf_deinit(&raw);
    return (struct slice){req->query, len};
}

struct slice sio_request_peer(struct sio_request *req)
{
    req->peer[0] = '\0';
    lws_get_peer_simple(req->wsi, req->peer, sizeof req->peer);
    return slice_text(req->peer);
}

void eio_request_choose_subprotocol(struct sio_request *req, char out[EIO_SUBPROTOCOL_MAX + 1])
{
    struct slice offered = sio_request_header(req, "sec-websocket-protocol:");
    struct slice first = slice_trim(slice_cut(&offered, ','));
    size_t n = first.len <= EIO_SUBPROTOCOL_MAX ? first.len : 0;
    if (n > 0) {
        memcpy(out, first.ptr, n);
    }
    out[n] = '\0';
}
