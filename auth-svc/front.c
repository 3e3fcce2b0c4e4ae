/* front.c - between the HTTP server and the desk */
#include "auth-svc/front.h"

#include "auth-svc/desk.h"
#include "shared/clock.h"
#include "shared/forwarded.h"

static void answered(void *arg, const struct http_response *res)
{
    mhd_request_answer(arg, res);
}

void front_handle(void *ctx, struct mhd_request *http)
{
    const struct request req = {
        .method = mhd_request_method(http),
        .path = mhd_request_path(http),
        .scheme = forwarded_scheme(mhd_request_header(http, "X-Forwarded-Proto")),
        .address =
            forwarded_address(mhd_request_header(http, "X-Forwarded-For"), mhd_request_peer(http)),
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
