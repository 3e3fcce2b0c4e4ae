/* eio_request.c - a request as the application sees it */
#include "gateway-svc/socketio/eio_request.h"
#include "shared/forwarded.h"
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

struct slice sio_request_header(struct sio_request *req, const char *name)
{
    return http_request_field(req->http, slice_text(name));
}

/* What the proxy in front says; empty without one. */
static struct slice forwarded(const struct sio_request *req, struct slice name)
{
    return req->trusted ? http_request_field(req->http, name) : SLICE("");
}

struct slice sio_request_scheme(struct sio_request *req)
{
    return forwarded_scheme(forwarded(req, SLICE("x-forwarded-proto")));
}

struct slice eio_request_address(struct sio_request *req)
{
    return forwarded_address(forwarded(req, SLICE("x-forwarded-for")), sio_request_peer(req));
}

struct slice sio_request_query(struct sio_request *req)
{
    return req->http->query;
}

struct slice sio_request_peer(struct sio_request *req)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct slice mapped = SLICE("::ffff:"); /* IPv4, come to a port of both */
    if (req->peer[0] == '\0' && (getpeername(req->fd, (struct sockaddr *)&address, &size) != 0 ||
                                 getnameinfo((struct sockaddr *)&address, size, req->peer,
                                             sizeof req->peer, NULL, 0, NI_NUMERICHOST) != 0)) {
        req->peer[0] = '\0';
    }
    struct slice peer = slice_text(req->peer);
    bool is_mapped = slice_starts(peer, mapped) && strchr(req->peer, '.');
    return is_mapped ? slice_tail(peer, mapped.len) : peer;
}
