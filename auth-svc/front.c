/* front.c - between the HTTP server and the desk */
#include "auth-svc/front.h"

#include "auth-svc/desk.h"
#include "shared/clock.h"

struct slice front_address(struct slice forwarded_for, struct slice peer)
{
    struct slice last = {NULL, 0};
    struct slice rest = forwarded_for;

    while (rest.len > 0) {
        last = slice_trim(slice_cut(&rest, ','));
    }
    return last.len > 0 ? last : peer;
}

struct slice front_scheme(struct slice forwarded_proto)
{
    return slice_equal_nocase(slice_trim(forwarded_proto), SLICE("https")) ? SLICE("https")
                                                                           : SLICE("http");
}

static void answered(void *arg, const struct http_response *res)
{
    mhd_request_answer(arg, res);
}

void front_handle(void *ctx, struct mhd_request *http)
{
    const struct request req = {
        .method = mhd_request_method(http),
        .path = mhd_request_path(http),
        .scheme = front_scheme(mhd_request_header(http, "X-Forwarded-Proto")),
        .address =
            front_address(mhd_request_header(http, "X-Forwarded-For"), mhd_request_peer(http)),
        .host = mhd_request_header(http, "Host"),
        .origin = mhd_request_header(http, "Origin"),
        .fetch_site = mhd_request_header(http, "Sec-Fetch-Site"),
        .purpose = mhd_request_header(http, "Sec-Purpose"),
        .older_purpose = mhd_request_header(http, "Purpose"),
        .cookie = mhd_request_header(http, "Cookie"),
        .authorization = mhd_request_header(http, "Authorization"),
    };

    desk_handle(ctx, &req, clock_mono_ms(), answered, http);
}
