/* http_lws.c - one request over HTTP */
#include "client/terminal/net_lws.h"
#include <stdio.h>
#include <string.h>

#define READ_BYTES 4096

/* Tells the answer, once. */
static void tell(struct net *net, unsigned status, struct slice body)
{
    struct net_http *http = &net->http;
    net_answer_fn *fn = http->fn;
    const struct net_answer answer = {status, slice_text(http->retry_after), body};
    if (http->wsi) {
        lws_set_opaque_user_data(http->wsi, NULL);
        http->wsi = NULL;
    }
    http->fn = NULL;
    if (fn) {
        fn(http->ctx, &answer);
    }
}

void net_get(struct net *net, const char *path, const char *token, net_answer_fn *fn, void *ctx)
{
    struct net_http *http = &net->http;
    if (http->wsi) {
        net_hang_up(http->wsi);
    }
    http->wsi = NULL;
    http->fn = fn;
    http->ctx = ctx;
    http->status = 0;
    http->retry_after[0] = '\0';
    buf_clear(&http->body);
    (void)snprintf(http->token, sizeof http->token, "%s", token ? token : "");
    if (!net_connect(net, path, "GET", &http->wsi)) {
        http->wsi = NULL;
        tell(net, 0, SLICE("")); /* unless it has been told already */
    }
}

static int on_head_to_send(const struct net_http *http, struct lws *wsi, void *in, size_t len)
{
    unsigned char **at = in, *end = *at + len;
    char value[NET_TOKEN_MAX + 8];
    if (http->token[0] == '\0') {
        return 0;
    }
    int n = snprintf(value, sizeof value, "Bearer %s", http->token);
    return lws_add_http_header_by_name(
        wsi, (const unsigned char *)"authorization:", (const unsigned char *)value, n, at, end);
}

static void on_head(struct net_http *http, struct lws *wsi)
{
    http->status = lws_http_client_http_response(wsi);
    if (lws_hdr_copy(wsi, http->retry_after, sizeof http->retry_after, WSI_TOKEN_HTTP_RETRY_AFTER) <
        0) {
        http->retry_after[0] = '\0';
    }
}

static int read_body(struct lws *wsi)
{
    char bytes[LWS_PRE + READ_BYTES];
    char *at = bytes + LWS_PRE;
    int len = READ_BYTES;
    return lws_http_client_read(wsi, &at, &len) < 0 ? -1 : 0; /* comes with ..._READ */
}

static int on_answer(struct net *net, struct lws *wsi, enum lws_callback_reasons why,
                     struct slice in)
{
    struct net_http *http = &net->http;
    switch ((int)why) {
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP: on_head(http, wsi); break;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: return read_body(wsi);
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ: buf_append(&http->body, in); break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: tell(net, 0, net_fault(net, in)); break;
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        tell(net, http->status, buf_slice(&http->body));
        return -1;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY: tell(net, http->status, buf_slice(&http->body)); break;
    default: break;
    }
    return 0;
}

int net_on_http(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
    struct net *net = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    (void)user;
    if (!net) {
        return 0;
    }
    if (why == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER) {
        return on_head_to_send(&net->http, wsi, in, len);
    }
    return on_answer(net, wsi, why, (struct slice){in, len});
}
