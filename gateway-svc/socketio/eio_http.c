/* eio_http.c - plain HTTP answers as bytes */
#include "gateway-svc/socketio/eio_http.h"
#include "shared/json.h"
#include <string.h>

static const char *phrase_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"                             },
        {204, "No Content"                     },
        {304, "Not Modified"                   },
        {400, "Bad Request"                    },
        {403, "Forbidden"                      },
        {404, "Not Found"                      },
        {405, "Method Not Allowed"             },
        {408, "Request Timeout"                },
        {411, "Length Required"                },
        {413, "Content Too Large"              },
        {417, "Expectation Failed"             },
        {426, "Upgrade Required"               },
        {431, "Request Header Fields Too Large"},
        {501, "Not Implemented"                },
        {503, "Service Unavailable"            },
        {505, "HTTP Version Not Supported"     },
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
    buf_printf(out, "Cache-Control: %s\r\nX-Content-Type-Options: nosniff\r\n",
               answer->cache ? answer->cache : "no-store");
    if (answer->header) {
        buf_printf(out, "%s\r\n", answer->header);
    }
    buf_append(out, answer->lines);
    buf_printf(out, "Connection: %s\r\n\r\n", answer->close ? "close" : "keep-alive");
    if (!answer->no_body && !answer->lasts) {
        buf_append(out, answer->body);
    }
    return !out->failed;
}

size_t eio_head_size(struct slice bytes)
{
    for (size_t i = 3; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n' && memcmp(bytes.ptr + i - 3, "\r\n\r\n", 4) == 0) {
            return i + 1;
        }
    }
    return 0;
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
