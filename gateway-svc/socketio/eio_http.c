/* eio_http.c - plain HTTP answers as bytes */
#include "gateway-svc/socketio/eio_http.h"
#include "shared/json.h"

static const char *phrase_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"                 },
        {400, "Bad Request"        },
        {403, "Forbidden"          },
        {404, "Not Found"          },
        {405, "Method Not Allowed" },
        {426, "Upgrade Required"   },
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Status";
}

bool eio_answer_print(const struct eio_answer *answer, struct buf *out)
{
    buf_printf(out, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", answer->status,
               phrase_of(answer->status), answer->type, answer->body.len);
    buf_append(out, SLICE("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"));
    if (answer->header) {
        buf_printf(out, "%s\r\n", answer->header);
    }
    buf_printf(out, "Connection: %s\r\n\r\n", answer->close ? "close" : "keep-alive");
    buf_append(out, answer->body);
    return !out->failed;
}

bool eio_refusal_print(enum eio_refusal refusal, const char *text, struct buf *out)
{
    buf_append(out, SLICE("{\"code\":"));
    buf_u64(out, refusal);
    buf_append(out, SLICE(",\"message\":"));
    json_append_string(out, slice_text(text ? text : eio_refusal_text(refusal)));
    buf_byte(out, '}');
    return !out->failed;
}
