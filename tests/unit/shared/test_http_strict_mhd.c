/* test_http_strict_mhd.c - requests that two servers might read differently are refused */
#include "shared/http_mhd.h"
#include "shared/log.h"
#include "tests/support/http_client.h"
#include "tests/support/own_port.h"

#include <microhttpd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* after the others */
#include <cmocka.h>

struct world {
    struct ev_loop *loop;
    struct mhd_server *server;
    struct http_client client;
    uint16_t port;
    unsigned requests;
};

static void on_request(void *ctx, struct mhd_request *req)
{
    struct world *w = ctx;
    struct http_response res;
    w->requests++;
    http_response_init(&res, 200);
    mhd_request_answer(req, &res);
    http_response_deinit(&res);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->loop = test_loop();
    w->port = own_port();
    const struct mhd_server_config config = {
        .host = "127.0.0.1", .port = w->port, .timeout_s = 30, .max_connections = 20};
    w->server = mhd_server_new(w->loop, &config, on_request, w);
    assert_non_null(w->server);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    mhd_server_free(w->server);
    ev_loop_destroy(w->loop);
    free(w);
    return 0;
}

/* What comes back for these bytes until the server closes; valid until the next call. */
static const char *exchange(struct world *w, struct slice bytes)
{
    static char text[4096];
    http_client_connect(&w->client, w->loop, w->port);
    assert_true(http_client_send(&w->client, bytes.ptr, bytes.len));
    UNTIL(w->loop, w->client.closed);
    struct slice got = buf_slice(&w->client.got);
    snprintf(text, sizeof text, "%.*s", (int)got.len, got.len > 0 ? got.ptr : "");
    http_client_close(&w->client);
    return text;
}

#define BAD "HTTP/1.1 400 "
#define LARGE "HTTP/1.1 413 "
#define GOOD "HTTP/1.1 200 "
#define CLOSED "" /* with or without an answer */

/* What libmicrohttpd refuses by itself has no code of ours; since 1.0 that is more. */
#if MHD_VERSION < 0x01000000
#define OLD(text) text
#else
#define OLD(text) ""
#endif

static const struct {
    const char *label;
    struct slice bytes;
    const char *status;
    const char *code;
} cases[] = {
    {"plain",                         SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"),                                 GOOD,     ""                },
    {"tab in a value",                SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX: a\tb\r\n\r\n"),                      GOOD,     ""                },
    {"bytes above ASCII",             SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX: \xc3\xa4\r\n\r\n"),                  GOOD,
     ""                                                                                                                                             },
    {"empty value",                   SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n"),                          GOOD,     ""                },
    {"percent",                       SLICE_INIT("GET /a%20b%zz%4?q=%00%41+ HTTP/1.1\r\nHost: h\r\n\r\n"),              GOOD,     ""                },
    {"a broken escape",               SLICE_INIT("GET /x%zz HTTP/1.1\r\nHost: h\r\n\r\n"),                              GOOD,     ""                },
    {"an escape after a broken one",  SLICE_INIT("GET /%zz%41 HTTP/1.1\r\nHost: h\r\n\r\n"),                            GOOD,
     ""                                                                                                                                             },
    {"%0 at the end",                 SLICE_INIT("GET /a%0 HTTP/1.1\r\nHost: h\r\n\r\n"),                               GOOD,     ""                },
    {"%00 in the query",              SLICE_INIT("GET /a?%00 HTTP/1.1\r\nHost: h\r\n\r\n"),                             GOOD,     ""                },
    {"a body of 1",                   SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"),          GOOD,
     ""                                                                                                                                             },
    {"two lengths",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: "
                "29\r\n\r\naGET /evil HTTP/1.1\r\nHost: h\r\n\r\n"),
     BAD,                                                                                                                         "bad_request"     },
    {"two equal lengths",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\na"),
     BAD,                                                                                                                         "bad_request"     },
    {"a list of lengths",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na"),                                        BAD,      ""                },
    {"a negative length",             SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\na"),
     BAD,                                                                                                                         ""                },
    {"two hosts",                     SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"),                      BAD,      "bad_request"     },
    {"two origins",                   SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nOrigin: a\r\nOrigin: a\r\n\r\n"),       BAD,
     "bad_request"                                                                                                                                  },
    {"two origins, far apart",
     SLICE_INIT("GET /x HTTP/1.1\r\norigin: a\r\nHost: h\r\nX: y\r\nORIGIN: b\r\n\r\n"),                                BAD,
     "bad_request"                                                                                                                                  },
    {"two sites",
     SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nSec-Fetch-Site: none\r\nSec-Fetch-Site: "
                "cross-site\r\n\r\n"),
     BAD,                                                                                                                         "bad_request"     },
    {"two authorizations",
     SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a\r\nAuthorization: Bearer "
                "b\r\n\r\n"),
     BAD,                                                                                                                         "bad_request"     },
    {"one of each",
     SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nOrigin: a\r\nSec-Fetch-Site: none\r\nAuthorization: "
                "Bearer a\r\n\r\n"),
     GOOD,                                                                                                                        ""                },
    {"no host",                       SLICE_INIT("GET /x HTTP/1.1\r\n\r\n"),                                            BAD,      ""                },
    {"length and encoding",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: "
                "chunked\r\n\r\n0\r\n\r\nG"),
     BAD,                                                                                                                         OLD("bad_request")},
    {"encoding and length",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                "6\r\n\r\n0\r\n\r\nG"),
     BAD,                                                                                                                         OLD("bad_request")},
    {"two encodings",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
                "chunked\r\n\r\n0\r\n\r\n"),
     BAD,                                                                                                                         "bad_request"     },
    {"other encoding",                SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"),
     BAD,                                                                                                                         OLD("bad_request")},
    {"listed encoding",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
     BAD,                                                                                                                         OLD("bad_request")},
    {"identity",                      SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n"),
     BAD,                                                                                                                         OLD("bad_request")},
    {"vertical tab in encoding",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0b"
                "chunked\r\n\r\n0\r\n\r\n"),
     BAD,                                                                                                                         OLD("bad_request")},
    {"space before the colon",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length : 1\r\n\r\na"),                                          BAD,      ""                },
    {"encoding before the colon",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),                         BAD,
     ""                                                                                                                                             },
    {"control in a value",
     SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX: a\x01"
                "b\r\n\r\n"),
     BAD,                                                                                                                         "bad_request"     },
    {"delete in a value",             SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n"),                     BAD,
     "bad_request"                                                                                                                                  },
    {"return in a value",             SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"),                      BAD,      ""                },
    {"nul in a value",                SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"),                      BAD,      ""                },
    {"nul in a name",                 SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX\0Y: a\r\n\r\n"),                      BAD,      ""                },
    {"bare line feed",                SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\nX: a\r\n\r\n"),                           BAD,      ""                },
    {"bare line feeds",               SLICE_INIT("GET /x HTTP/1.1\nHost: h\n\n"),                                       BAD,      ""                },
    {"bare line feed at the end",     SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\n\n"),                                   BAD,      ""                },
    {"folded line",                   SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"),                   BAD,      ""                },
    {"folded encoding",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
     BAD,                                                                                                                         ""                },
    {"%00 in the path",               SLICE_INIT("GET /login/a%00b HTTP/1.1\r\nHost: h\r\n\r\n"),                       BAD,
     "bad_request"                                                                                                                                  },
    {"%00 at the end",                SLICE_INIT("GET /login/a%00 HTTP/1.1\r\nHost: h\r\n\r\n"),                        BAD,
     "bad_request"                                                                                                                                  },
    {"%00 behind a percent",          SLICE_INIT("GET /login/%%00 HTTP/1.1\r\nHost: h\r\n\r\n"),                        BAD,
     "bad_request"                                                                                                                                  },
    {"no colon",                      SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nX\r\n\r\n"),                            BAD,      ""                },
    {"no name",                       SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n"),                          BAD,      ""                },
    {"space before the first header", SLICE_INIT("GET /x HTTP/1.1\r\n X: a\r\nHost: h\r\n\r\n"),
     BAD,                                                                                                                         ""                },
    {"tab before the colon",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length\t: 1\r\n\r\na"),                                         BAD,      ""                },
    {"hexadecimal length",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\na"),                                         BAD,      ""                },
    {"signed length",                 SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na"),         BAD,
     ""                                                                                                                                             },
    {"nul in the path",               SLICE_INIT("GET /login/a\0b HTTP/1.1\r\nHost: h\r\n\r\n"),                        OLD(BAD), ""                },
    {"space in the path",             SLICE_INIT("GET /login/a b HTTP/1.1\r\nHost: h\r\n\r\n"),                         CLOSED,   ""                },
    {"bytes in the path",             SLICE_INIT("GET /login/\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n"),                    BAD,      ""                },
    {"control in the query",          SLICE_INIT("GET /x?\x01 HTTP/1.1\r\nHost: h\r\n\r\n"),                            BAD,      ""                },
    {"large length",                  SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4097\r\n\r\n"),
     LARGE,                                                                                                                       "too_large"       },
    {"huge length",
     SLICE_INIT("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000000000000000\r\n\r\nabc"),
     LARGE,                                                                                                                       "too_large"       },
    {"large length of a GET",
     SLICE_INIT("GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4097\r\n\r\n"),                                          LARGE,    "too_large"       },
    {"large expectation",
     SLICE_INIT(
         "PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n"),
     LARGE,                                                                                                                       "too_large"       },
};

static void refuse_follows_the_table(void **state)
{
    struct world *w = *state;
    unsigned good = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = exchange(w, cases[i].bytes);
        good += strcmp(cases[i].status, GOOD) == 0 ? 1 : 0;
        if (strncmp(text, cases[i].status, strlen(cases[i].status)) != 0 ||
            !strstr(text, cases[i].code) || w->requests != good) {
            fail_msg("%s: %u of %u reached the handler, answer: %s", cases[i].label, w->requests,
                     good, text);
        }
    }
}

static void a_refusal_is_complete(void **state)
{
    static const char *const lines[] = {
        "\r\nContent-Type: application/json\r\n", "\r\nCache-Control: no-store\r\n",
        "\r\nX-Content-Type-Options: nosniff\r\n", "\r\nConnection: close\r\n",
        "\r\n\r\n{\"error\":{\"code\":\"bad_request\",\"message\":\""};
    struct world *w = *state;
    const char *text = exchange(w, SLICE("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_non_null(strstr(text, lines[i]));
    }
    const char *length = strstr(text, "Content-Length: ");
    const char *body = strstr(text, "\r\n\r\n");
    assert_non_null(length);
    assert_int_equal(strtoul(length + strlen("Content-Length: "), NULL, 10), strlen(body + 4));
    text = exchange(w, SLICE("HEAD /%00 HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
}

/* Pieces of a body that never ends: refused as soon as it is too large. */
static void an_endless_body_is_refused(void **state)
{
    static const char head[] = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char piece[] = "10\r\n0123456789abcdef\r\n";
    struct world *w = *state;
    size_t sent = 0;
    http_client_connect(&w->client, w->loop, w->port);
    assert_true(http_client_send(&w->client, head, sizeof head - 1));
    while (!w->client.closed) {
        (void)http_client_send(&w->client, piece, sizeof piece - 1);
        sent += 16;
        ev_run(w->loop, EVRUN_NOWAIT);
    }
    assert_non_null(strstr(w->client.got.ptr, "HTTP/1.1 413 "));
    assert_non_null(strstr(w->client.got.ptr, "too_large"));
    assert_in_range(sent, HTTP_BODY_MAX, HTTP_BODY_MAX + 1024);
    assert_int_equal(w->requests, 0);
    http_client_close(&w->client);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(refuse_follows_the_table),
        T(a_refusal_is_complete),
        T(an_endless_body_is_refused),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("http_strict_mhd", tests, NULL, NULL);
}
