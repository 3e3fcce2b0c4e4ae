/* test_http_request.c - what is a request, what is not, and when that is said */
#include "gateway-svc/socketio/http_request.h"
#include "shared/buf.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n"
#define OLD "POST / HTTP/1.0\r\n"
#define H "Host: a\r\n"
#define END "\r\n\r\n"
#define M32 "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM"

/* Facts as text: the method, the path, "?" and the query when there is one, then what holds, then
 * the fields as "name=value". */
struct good_case {
    const char *label;
    struct slice bytes;
    const char *facts;
};

static const struct good_case line_cases[] = {
    {"the shortest",            SLICE_INIT("GET / HTTP/1.0" END),                  "GET /"            },
    {"1.1 needs a Host",        SLICE_INIT(GET H "\r\n"),                          "GET / keep Host=a"},
    {"an empty line before it", SLICE_INIT("\r\n" GET H "\r\n"),                   "GET / keep Host=a"},
    {"POST",                    SLICE_INIT("POST / HTTP/1.0" END),                 "POST /"           },
    {"OPTIONS",                 SLICE_INIT("OPTIONS / HTTP/1.0" END),              "OPTIONS /"        },
    {"HEAD",                    SLICE_INIT("HEAD / HTTP/1.0" END),                 "HEAD /"           },
    {"another method",          SLICE_INIT("PATCH / HTTP/1.0" END),                "other /"          },
    {"methods have a case",     SLICE_INIT("get / HTTP/1.0" END),                  "other /"          },
    {"the longest method",      SLICE_INIT(M32 " / HTTP/1.0" END),                 "other /"          },
    {"a query",                 SLICE_INIT("GET /a/b?c=d&e HTTP/1.0" END),         "GET /a/b?c=d&e"   },
    {"two question marks",      SLICE_INIT("GET /a?b?c HTTP/1.0" END),             "GET /a?b?c"       },
    {"an empty query",          SLICE_INIT("GET /a? HTTP/1.0" END),                "GET /a"           },
    {"nothing is decoded",      SLICE_INIT("GET /%2e%00?%0a HTTP/1.0" END),        "GET /%2e%00?%0a"  },
    {"nothing is tidied",       SLICE_INIT("GET //../.?/ HTTP/1.0" END),           "GET //../.?/"     },
    {"a star",                  SLICE_INIT("OPTIONS * HTTP/1.0" END),              "OPTIONS *"        },
    {"absolute",                SLICE_INIT("GET http://b:1/c?d HTTP/1.0" END),     "GET /c?d"         },
    {"absolute, no path",       SLICE_INIT("GET http://b HTTP/1.0" END),           "GET /"            },
    {"absolute, query alone",   SLICE_INIT("GET http://b?c/d HTTP/1.0" END),       "GET /?c/d"        },
    {"absolute, capitals",      SLICE_INIT("GET HTTP://b/c HTTP/1.0" END),         "GET /c"           },
    {"absolute, its host",      SLICE_INIT("GET http://b/ HTTP/1.1\r\n" H "\r\n"), "GET / keep Host=a"},
    {"absolute in a path",      SLICE_INIT("GET /http://b/c HTTP/1.0" END),        "GET /http://b/c"  },
};

static const struct good_case field_cases[] = {
    {"a value is trimmed",       SLICE_INIT(GET H "b: \t c d \t\r\n\r\n"),                                  "GET / keep Host=a b=c d"         },
    {"a value without space",    SLICE_INIT(GET H "b:c\r\n\r\n"),                                           "GET / keep Host=a b=c"           },
    {"an empty value",           SLICE_INIT(GET H "b:\r\nc: \t\r\n\r\n"),                                   "GET / keep Host=a b= c="         },
    {"colons in a value",        SLICE_INIT(GET H "b:c:d:\r\n\r\n"),                                        "GET / keep Host=a b=c:d:"        },
    {"others may repeat",        SLICE_INIT(GET H "b: 1\r\nb: 2\r\n\r\n"),                                  "GET / keep Host=a b=1 b=2"       },
    {"a host with a port",       SLICE_INIT(GET "hOST: a-b_c.D9:5000\r\n\r\n"),
     "GET / keep hOST=a-b_c.D9:5000"                                                                                                          },
    {"a host of IPv6",           SLICE_INIT(GET "Host: [::1%25lo]:80\r\n\r\n"),
     "GET / keep Host=[::1%25lo]:80"                                                                                                          },
    {"1.0 may have one too",     SLICE_INIT(OLD H "\r\n"),                                                  "POST / Host=a"                   },
    {"close",                    SLICE_INIT(GET H "connection: x, CLOSE\r\n\r\n"),                          "GET / Host=a connection=x, CLOSE"},
    {"close, in the second",
     SLICE_INIT(GET H "Connection: x\r\nConnection: close\r\nConnection: y\r\n\r\n"),
     "GET / Host=a Connection=x Connection=close Connection=y"                                                                                },
    {"closed is not close",      SLICE_INIT(GET H "Connection: closed\r\n\r\n"),
     "GET / keep Host=a Connection=closed"                                                                                                    },
    {"1.0 never stays",          SLICE_INIT(OLD "Connection: keep-alive\r\n\r\n"),
     "POST / Connection=keep-alive"                                                                                                           },
    {"an upgrade",               SLICE_INIT(GET H "Upgrade: w\r\nConnection: keep-alive, Upgrade\r\n\r\n"),
     "GET / keep upgrade Host=a Upgrade=w Connection=keep-alive, Upgrade"                                                                     },
    {"an upgrade, in two lines",
     SLICE_INIT(GET H "Connection: upgrade\r\nConnection: x\r\nUpgrade: w\r\n\r\n"),
     "GET / keep upgrade Host=a Connection=upgrade Connection=x Upgrade=w"                                                                    },
    {"Upgrade alone",            SLICE_INIT(GET H "Upgrade: w\r\n\r\n"),                                    "GET / keep Host=a Upgrade=w"     },
    {"Connection alone",         SLICE_INIT(GET H "Connection: upgrade\r\n\r\n"),
     "GET / keep Host=a Connection=upgrade"                                                                                                   },
    {"an upgrade to nothing",    SLICE_INIT(GET H "Connection: upgrade\r\nUpgrade:\r\n\r\n"),
     "GET / keep Host=a Connection=upgrade Upgrade="                                                                                          },
    {"1.0 does not upgrade",     SLICE_INIT(OLD "Connection: upgrade\r\nUpgrade: w\r\n\r\n"),
     "POST / Connection=upgrade Upgrade=w"                                                                                                    },
    {"expects",                  SLICE_INIT(POST H "Expect: 100-Continue\r\n\r\n"),
     "POST / keep expects Host=a Expect=100-Continue"                                                                                         },
    {"1.0 cannot expect",        SLICE_INIT(OLD "Expect: 100-continue\r\n\r\n"),
     "POST / Expect=100-continue"                                                                                                             },
};

static const struct good_case body_cases[] = {
    {"a length",            SLICE_INIT(POST H "Content-Length: 12\r\n\r\n"),
     "POST / keep length=12 Host=a Content-Length=12"                    },
    {"a length, 1.0",       SLICE_INIT(OLD "content-length:\t7\r\n\r\n"),
     "POST / length=7 content-length=7"                                  },
    {"a length of 0",       SLICE_INIT(POST H "Content-Length: 0\r\n\r\n"),
     "POST / keep length=0 Host=a Content-Length=0"                      },
    {"zeros before it",     SLICE_INIT(OLD "Content-Length: 000000000000000005\r\n\r\n"),
     "POST / length=5 Content-Length=000000000000000005"                 },
    {"the longest",         SLICE_INIT(OLD "Content-Length: 999999999999999999\r\n\r\n"),
     "POST / length=999999999999999999 Content-Length=999999999999999999"},
    {"GET with none",       SLICE_INIT("GET / HTTP/1.0\r\nContent-Length: 0\r\n\r\n"),
     "GET / length=0 Content-Length=0"                                   },
    {"HEAD with none",      SLICE_INIT("HEAD / HTTP/1.0\r\nContent-Length: 0\r\n\r\n"),
     "HEAD / length=0 Content-Length=0"                                  },
    {"chunked",             SLICE_INIT(POST H "Transfer-Encoding: Chunked\r\n\r\n"),
     "POST / keep chunked Host=a Transfer-Encoding=Chunked"              },
    {"another with a body", SLICE_INIT("PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\n"),
     "other / length=3 Content-Length=3"                                 },
    {"OPTIONS with a body", SLICE_INIT("OPTIONS / HTTP/1.0\r\nContent-Length: 3\r\n\r\n"),
     "OPTIONS / length=3 Content-Length=3"                               },
};

/* Each ends with the byte at which it must be refused. */
struct bad_case {
    const char *label;
    struct slice bytes;
    unsigned status;
    const char *why; /* a part of what is said */
};

static const struct bad_case bad_lines[] = {
    {"two empty lines before it", SLICE_INIT("\r\n\r\n"),                    400, "no method"   },
    {"nothing but a LF",          SLICE_INIT("\n"),                          400, "without CR"  },
    {"a line that ends in LF",    SLICE_INIT("GET / HTTP/1.1\n"),            400, "without CR"  },
    {"CR without LF",             SLICE_INIT("GET / HTTP/1.1\rX"),           400, "CR without"  },
    {"two CR",                    SLICE_INIT("GET / HTTP/1.1\r\r"),          400, "CR without"  },
    {"a TLS hello",               SLICE_INIT("\x16"),                        400, "control"     },
    {"NUL in the target",         SLICE_INIT("GET /\0"),                     400, "control"     },
    {"control before version",    SLICE_INIT("GET / HTTP/2.0\x01"),          400, "control"     },
    {"a folded first line",       SLICE_INIT(" GET / HTTP/1.1\r\n"),         400, "no method"   },
    {"a tab first",               SLICE_INIT("\tGET / HTTP/1.1\r\n"),        400, "no method"   },
    {"too long a method",         SLICE_INIT(M32 "M / HTTP/1.1\r\n"),        400, "no method"   },
    {"a method with a colon",     SLICE_INIT("G:T / HTTP/1.1\r\n"),          400, "no method"   },
    {"a method of 0x80",          SLICE_INIT("G\x80T / HTTP/1.1\r\n"),       400, "no method"   },
    {"CONNECT",                   SLICE_INIT("CONNECT a:443 HTTP/1.1\r\n"),  400, "CONNECT"     },
    {"CONNECT to a path",         SLICE_INIT("CONNECT /a HTTP/1.1\r\n"),     400, "CONNECT"     },
    {"another to an authority",   SLICE_INIT("GET a:443 HTTP/1.1\r\n"),      400, "neither"     },
    {"a method alone",            SLICE_INIT("GET\r\n"),                     400, "no target"   },
    {"HTTP/0.9",                  SLICE_INIT("GET /\r\n"),                   400, "no version"  },
    {"a space behind",            SLICE_INIT("GET / \r\n"),                  400, "no version"  },
    {"two spaces",                SLICE_INIT("GET  / HTTP/1.1\r\n"),         400, "no target"   },
    {"two spaces, second",        SLICE_INIT("GET /  HTTP/1.1\r\n"),         400, "no version"  },
    {"a space at the end",        SLICE_INIT("GET / HTTP/1.1 \r\n"),         400, "no version"  },
    {"a tab for a space",         SLICE_INIT("GET\t/ HTTP/1.1\r\n"),         400, "no method"   },
    {"a tab for the second",      SLICE_INIT("GET /\tHTTP/1.1\r\n"),         400, "no target"   },
    {"a fragment",                SLICE_INIT("GET /#a HTTP/1.1\r\n"),        400, "no target"   },
    {"a target of 0x80",          SLICE_INIT("GET /\x80 HTTP/1.1\r\n"),      400, "no target"   },
    {"no slash first",            SLICE_INIT("GET a HTTP/1.1\r\n"),          400, "neither"     },
    {"a query alone",             SLICE_INIT("GET ?a HTTP/1.1\r\n"),         400, "neither"     },
    {"a star of GET",             SLICE_INIT("GET * HTTP/1.1\r\n"),          400, "neither"     },
    {"a star with a query",       SLICE_INIT("OPTIONS *?a HTTP/1.1\r\n"),    400, "neither"     },
    {"two stars",                 SLICE_INIT("OPTIONS ** HTTP/1.1\r\n"),     400, "neither"     },
    {"absolute, no host",         SLICE_INIT("GET http:///a HTTP/1.1\r\n"),  400, "neither"     },
    {"absolute, query for host",  SLICE_INIT("GET http://?a HTTP/1.1\r\n"),  400, "neither"     },
    {"absolute, nothing",         SLICE_INIT("GET http:// HTTP/1.1\r\n"),    400, "neither"     },
    {"absolute, one slash",       SLICE_INIT("GET http:/a/b HTTP/1.1\r\n"),  400, "neither"     },
    {"another scheme",            SLICE_INIT("GET ftpx://a/b HTTP/1.1\r\n"), 400, "neither"     },
    {"lower case",                SLICE_INIT("GET / http/1.1\r\n"),          400, "no version"  },
    {"version of one digit",      SLICE_INIT("GET / HTTP/1\r\n"),            400, "no version"  },
    {"version of three",          SLICE_INIT("GET / HTTP/1.10\r\n"),         400, "no version"  },
    {"a zero in the version",     SLICE_INIT("GET / HTTP/1.01\r\n"),         400, "no version"  },
    {"version with a comma",      SLICE_INIT("GET / HTTP/1,1\r\n"),          400, "no version"  },
    {"version of letters",        SLICE_INIT("GET / HTTP/x.1\r\n"),          400, "no version"  },
    {"version of letters, 2",     SLICE_INIT("GET / HTTP/1.x\r\n"),          400, "no version"  },
    {"another protocol",          SLICE_INIT("GET / RTSP/1.0\r\n"),          400, "no version"  },
    {"HTTP/1.2",                  SLICE_INIT("GET / HTTP/1.2\r\n"),          505, "not HTTP/1.1"},
    {"HTTP/0.9, said",            SLICE_INIT("GET / HTTP/0.9\r\n"),          505, "not HTTP/1.1"},
    {"HTTP/2.0",                  SLICE_INIT("GET / HTTP/2.0\r\n"),          505, "not HTTP/1.1"},
    {"HTTP/9.9",                  SLICE_INIT("GET / HTTP/9.9\r\n"),          505, "not HTTP/1.1"},
    {"the preface of HTTP/2",     SLICE_INIT("PRI * HTTP/2.0\r\n"),          505, "preface"     },
    {"the target comes first",    SLICE_INIT("GET * HTTP/2.0\r\n"),          400, "neither"     },
    {"PRI of 1.1",                SLICE_INIT("PRI * HTTP/1.1\r\n"),          400, "neither"     },
};

static const struct bad_case bad_fields[] = {
    {"no Host",              SLICE_INIT(GET "b: c\r\n\r\n"),                                         400, "no Host"       },
    {"an empty Host",        SLICE_INIT(GET "Host:\r\n"),                                            400, "not a host"    },
    {"two Hosts, 1.0",       SLICE_INIT(OLD H "hOSt: a\r\n"),                                        400, "twice"         },
    {"an empty Host, 1.0",   SLICE_INIT(OLD "Host: \r\n"),                                           400, "not a host"    },
    {"two in a Host",        SLICE_INIT(GET "Host: a, b\r\n"),                                       400, "not a host"    },
    {"a Host with a user",   SLICE_INIT(GET "Host: u@a\r\n"),                                        400, "not a host"    },
    {"a Host with a path",   SLICE_INIT(GET "Host: a/b\r\n"),                                        400, "not a host"    },
    {"a folded field",       SLICE_INIT(GET H " b: c\r\n"),                                          400, "folded"        },
    {"folded by a tab",      SLICE_INIT(GET H "\tb: c\r\n"),                                         400, "folded"        },
    {"folded at once",       SLICE_INIT(GET " b: c\r\n"),                                            400, "folded"        },
    {"a line of one space",  SLICE_INIT(GET H " \r\n"),                                              400, "folded"        },
    {"no colon",             SLICE_INIT(GET H "b\r\n"),                                              400, "without a name"},
    {"no name",              SLICE_INIT(GET H ": b\r\n"),                                            400, "without a name"},
    {"a space before it",    SLICE_INIT(GET H "b : c\r\n"),                                          400, "without a name"},
    {"a tab before it",      SLICE_INIT(GET H "b\t: c\r\n"),                                         400, "without a name"},
    {"a name with a space",  SLICE_INIT(GET H "b c: d\r\n"),                                         400, "without a name"},
    {"a name of 0x80",       SLICE_INIT(GET H "b\x80: c\r\n"),                                       400, "without a name"},
    {"LF in the fields",     SLICE_INIT(GET H "b: c\n"),                                             400, "without CR"    },
    {"LF for the last line", SLICE_INIT(GET H "\n"),                                                 400, "without CR"    },
    {"CR in a value",        SLICE_INIT(GET H "b: c\rd"),                                            400, "CR without"    },
    {"NUL in a value",       SLICE_INIT(GET H "b: c\0"),                                             400, "control"       },
    {"DEL in a value",       SLICE_INIT(GET H "b: c\x7f"),                                           400, "control"       },
    {"an empty length",      SLICE_INIT(POST H "Content-Length:\r\n"),                               400, "not a length"  },
    {"a length of 19",       SLICE_INIT(POST "Content-Length: 1000000000000000000\r\n"),             400,
     "not a length"                                                                                                       },
    {"19, but zeros",        SLICE_INIT(POST "Content-Length: 0000000000000000001\r\n"),             400,
     "not a length"                                                                                                       },
    {"a length with a sign", SLICE_INIT(POST "Content-Length: +1\r\n"),                              400, "not a length"  },
    {"below zero",           SLICE_INIT(POST "Content-Length: -1\r\n"),                              400, "not a length"  },
    {"a length in hex",      SLICE_INIT(POST "Content-Length: 0x1\r\n"),                             400, "not a length"  },
    {"a list of lengths",    SLICE_INIT(POST "Content-Length: 1, 1\r\n"),                            400, "not a length"  },
    {"a length and a space", SLICE_INIT(POST "Content-Length: 1 1\r\n"),                             400, "not a length"  },
    {"a body of GET",        SLICE_INIT(GET "Content-Length: 1\r\n"),                                400, "body of GET"   },
    {"a body of HEAD",       SLICE_INIT("HEAD / HTTP/1.1\r\nContent-Length: 1\r\n"),                 400, "body of GET"   },
    {"chunks of GET",        SLICE_INIT(GET "Transfer-Encoding: chunked\r\n"),                       400, "body of GET"   },
    {"chunks of HEAD",       SLICE_INIT("HEAD / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"),        400,
     "body of GET"                                                                                                        },
    {"chunks in 1.0",        SLICE_INIT(OLD "Transfer-Encoding: chunked\r\n"),                       400, "in HTTP/1.0"   },
    {"gzip in 1.0",          SLICE_INIT(OLD "Transfer-Encoding: gzip\r\n"),                          400, "in HTTP/1.0"   },
    {"length, then chunks",  SLICE_INIT(POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
     400,                                                                                                 "beside"        },
    {"chunks, then length",  SLICE_INIT(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
     400,                                                                                                 "beside"        },
    {"another coding",       SLICE_INIT(POST "Transfer-Encoding: gzip\r\n"),                         501, "coding"        },
    {"two codings",          SLICE_INIT(POST "Transfer-Encoding: gzip, chunked\r\n"),                501, "coding"        },
    {"identity",             SLICE_INIT(POST "Transfer-Encoding: identity\r\n"),                     501, "coding"        },
    {"chunks of something",  SLICE_INIT(POST "Transfer-Encoding: chunked;a=b\r\n"),                  501, "coding"        },
    {"xchunked",             SLICE_INIT(POST "Transfer-Encoding: xchunked\r\n"),                     501, "coding"        },
    {"an empty coding",      SLICE_INIT(POST "Transfer-Encoding:\r\n"),                              501, "coding"        },
    {"another expectation",  SLICE_INIT(POST "Expect: 200-ok\r\n"),                                  417, "expectation"   },
    {"an empty one",         SLICE_INIT(POST "Expect:\r\n"),                                         417, "expectation"   },
    {"another, 1.0",         SLICE_INIT(OLD "Expect: 200-ok\r\n"),                                   417, "expectation"   },
};

/* What may stand there once only, and a value that is good for it. */
static const char *const once[][2] = {
    {"Host",                  "a"           },
    {"Content-Length",        "0"           },
    {"Transfer-Encoding",     "chunked"     },
    {"Origin",                "http://a"    },
    {"Upgrade",               "websocket"   },
    {"Sec-WebSocket-Key",     "a"           },
    {"Sec-WebSocket-Version", "13"          },
    {"X-Parley-Carried",      "a"           },
    {"X-Forwarded-Proto",     "http"        },
    {"Authorization",         "a"           },
    {"Expect",                "100-continue"},
    {"Content-Type",          "text/plain"  },
};

static unsigned read_copy(struct slice bytes, size_t *size, const char **why)
{
    struct http_request req;
    struct slice copy = exact_copy(bytes);
    *why = NULL;
    unsigned status = http_request_read(copy, &req, why);
    *size = req.size;
    exact_free(copy);
    return status;
}

/* Every prefix needs more; the whole gives that status, whatever comes behind it. */
static void expect_told_at_the_end(const char *label, struct slice bytes, unsigned status)
{
    static const struct slice behind[] = {SLICE_INIT("x"), SLICE_INIT("\r\n\r\n"), SLICE_INIT("\0"),
                                          SLICE_INIT(GET H "\r\n"), SLICE_INIT("b: c\r\n\r\n")};
    const char *why = NULL;
    size_t size = 0;

    for (size_t n = 0; n < bytes.len; n++) {
        unsigned early = read_copy(slice_head(bytes, n), &size, &why);
        if (early != 0 || why) {
            fail_msg("%s: %u after %zu of %zu bytes", label, early, n, bytes.len);
        }
    }
    for (size_t i = 0; i < ROWS(behind); i++) {
        struct buf longer;
        buf_init(&longer, SIZE_MAX);
        buf_append(&longer, bytes);
        buf_append(&longer, behind[i]);
        unsigned late = read_copy(buf_slice(&longer), &size, &why);
        buf_deinit(&longer);
        if (late != status || (status == 200 && size != bytes.len)) {
            fail_msg("%s: %u, size %zu with more behind it", label, late, size);
        }
    }
}

static void append_text(struct buf *out, const char *text)
{
    buf_append(out, slice_text(text));
}

static void print_facts(const struct http_request *req, struct buf *out)
{
    static const char *const methods[] = {"GET", "POST", "OPTIONS", "HEAD", "other"};
    char length[32];

    append_text(out, methods[req->method]);
    append_text(out, " ");
    buf_append(out, req->path);
    append_text(out, req->query.len > 0 ? "?" : "");
    buf_append(out, req->query);
    append_text(out, req->keep_alive ? " keep" : "");
    append_text(out, req->upgrade ? " upgrade" : "");
    append_text(out, req->expects_continue ? " expects" : "");
    append_text(out, req->chunked ? " chunked" : "");
    (void)snprintf(length, sizeof length, " length=%llu", (unsigned long long)req->length);
    append_text(out, req->has_length || req->length > 0 ? length : "");
    for (size_t i = 0; i < req->field_count; i++) {
        append_text(out, " ");
        buf_append(out, req->fields[i].name);
        append_text(out, "=");
        buf_append(out, req->fields[i].value);
    }
}

static void expect_facts(const struct good_case *row)
{
    struct http_request req;
    struct buf facts;
    const char *why = NULL;
    struct slice copy = exact_copy(row->bytes);
    unsigned status = http_request_read(copy, &req, &why);

    if (status != 200 || req.size != copy.len || why) {
        fail_msg("%s: %u (%s), size %zu", row->label, status, why ? why : "", req.size);
    }
    buf_init(&facts, SIZE_MAX);
    print_facts(&req, &facts);
    if (!slice_equal(buf_slice(&facts), slice_text(row->facts))) {
        fail_msg("%s: %.*s", row->label, (int)facts.len, facts.ptr);
    }
    buf_deinit(&facts);
    exact_free(copy);
    expect_told_at_the_end(row->label, row->bytes, 200);
}

static void good_requests_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(line_cases); i++) {
        expect_facts(&line_cases[i]);
    }
    for (size_t i = 0; i < ROWS(field_cases); i++) {
        expect_facts(&field_cases[i]);
    }
    for (size_t i = 0; i < ROWS(body_cases); i++) {
        expect_facts(&body_cases[i]);
    }
}

static void expect_refusal(const char *label, struct slice bytes, unsigned status, const char *part)
{
    const char *why = NULL;
    size_t size = 0;
    unsigned got = read_copy(bytes, &size, &why);
    if (got != status || !why || !strstr(why, part)) {
        fail_msg("%s: %u (%s)", label, got, why ? why : "");
    }
    expect_told_at_the_end(label, bytes, status);
}

static void bad_ones_are_refused_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(bad_lines); i++) {
        const struct bad_case *row = &bad_lines[i];
        expect_refusal(row->label, row->bytes, row->status, row->why);
    }
    for (size_t i = 0; i < ROWS(bad_fields); i++) {
        const struct bad_case *row = &bad_fields[i];
        expect_refusal(row->label, row->bytes, row->status, row->why);
    }
}

static void append_field(struct buf *out, const char *name, const char *value)
{
    append_text(out, name);
    append_text(out, ": ");
    append_text(out, value);
    append_text(out, "\r\n");
}

static void some_fields_may_be_there_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(once); i++) {
        struct buf text;
        char other[32];
        buf_init(&text, SIZE_MAX);
        append_text(&text, POST "X: 1\r\n");
        append_field(&text, once[i][0], once[i][1]);
        append_text(&text, "Y: 1\r\n");
        for (size_t n = 0; n <= strlen(once[i][0]); n++) { /* of another case */
            char c = once[i][0][n];
            other[n] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        }
        append_field(&text, other, once[i][1]);
        expect_refusal(once[i][0], buf_slice(&text), 400, "twice");
        buf_deinit(&text);
    }
}

/* A head of exactly `size` bytes: in its target, or in a field. */
static struct buf head_of(size_t size, const char *before, const char *behind)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    append_text(&text, before);
    while (text.len + strlen(behind) < size) {
        buf_byte(&text, 'x');
    }
    append_text(&text, behind);
    return text;
}

static void a_head_has_a_largest_size(void **state)
{
    static const char *const around[][2] = {
        {"GET /",           " HTTP/1.1\r\n" H "\r\n"},
        {GET H "b: ",       "\r\n\r\n"              },
        {"\r\n" GET H "b:", "\r\n\r\n"              },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(around); i++) {
        struct buf text = head_of(HTTP_HEAD_MAX, around[i][0], around[i][1]);
        const char *why = NULL;
        size_t size = 0;
        buf_append(&text, SLICE("its body"));
        assert_int_equal(read_copy(buf_slice(&text), &size, &why), 200);
        assert_int_equal(size, HTTP_HEAD_MAX);
        assert_int_equal(read_copy(slice_head(buf_slice(&text), HTTP_HEAD_MAX - 1), &size, &why),
                         0);
        buf_deinit(&text);

        text = head_of(HTTP_HEAD_MAX + 1, around[i][0], around[i][1]);
        assert_int_equal(read_copy(slice_head(buf_slice(&text), HTTP_HEAD_MAX - 1), &size, &why),
                         0);
        assert_int_equal(read_copy(slice_head(buf_slice(&text), HTTP_HEAD_MAX), &size, &why), 431);
        assert_non_null(strstr(why, "bytes"));
        assert_int_equal(read_copy(buf_slice(&text), &size, &why), 431);
        buf_deinit(&text);
    }
}

static void a_head_has_at_most_so_many_fields(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, SIZE_MAX);
    append_text(&text, GET H);
    for (unsigned i = 1; i < HTTP_FIELDS_MAX; i++) {
        append_text(&text, "b:\r\n");
    }
    size_t most = text.len;
    append_text(&text, "\r\n");
    expect_told_at_the_end("the most fields", buf_slice(&text), 200);
    text.len = most;
    append_text(&text, "b:\r\n");
    expect_refusal("one field more", buf_slice(&text), 431, "fields");
    buf_deinit(&text);
}

/* For each place in a head, the bytes that may stand there. */
static const struct {
    const char *label, *before, *behind, *allowed;
    bool high; /* also 0x80 to 0xff */
} places[] = {
#define ALNUM "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    {"method", "M",                     "M / HTTP/1.1\r\n" H "\r\n", ALNUM "!#$%&'*+-.^_`|~",                       false},
    {"target", "GET /x",                "x HTTP/1.1\r\n" H "\r\n",   ALNUM "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
                                                                                  false                                                                                                               },
    {"name",   GET H "b",               "c: d\r\n\r\n",
                                                                                  ALNUM "!#$%&'*+-.^_`|~"
           ":",                                                                                                                                                                                  false},
    {"value",  GET H "b: c",            "d\r\n\r\n",                 ALNUM "\t !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true },
    {"host",   GET "Host: a",           "b\r\n\r\n",                 ALNUM ".-_:[]%",                               false},
    {"length", OLD "Content-Length: 1", "2\r\n\r\n",                 "0123456789",                                  false},
};

static void each_byte_has_its_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < 256 * ROWS(places); i++) {
        size_t place = i / 256, size = 0;
        unsigned byte = i % 256;
        const char *why = NULL;
        struct buf text;
        buf_init(&text, SIZE_MAX);
        append_text(&text, places[place].before);
        buf_byte(&text, (char)byte);
        append_text(&text, places[place].behind);
        bool good = byte >= 0x80 ? places[place].high
                                 : byte > 0 && strchr(places[place].allowed, (int)byte);
        unsigned status = read_copy(buf_slice(&text), &size, &why);
        if (status != (good ? 200U : 400U)) {
            fail_msg("%s: %u with byte 0x%02x", places[place].label, status, byte);
        }
        buf_deinit(&text);
    }
}

static void a_field_is_found_by_its_name(void **state)
{
    struct http_request req;
    const char *why = NULL;
    (void)state;
    assert_int_equal(
        http_request_read(SLICE(GET H "X-For: 1\r\nX-for: 2\r\nEmpty:\r\n\r\n"), &req, &why), 200);
    assert_true(slice_equal(http_request_field(&req, SLICE("x-FOR")), SLICE("2")));
    assert_true(slice_equal(http_request_field(&req, SLICE("host")), SLICE("a")));
    assert_int_equal(http_request_field(&req, SLICE("empty")).len, 0);
    assert_int_equal(http_request_field(&req, SLICE("x-fo")).len, 0);
    assert_int_equal(http_request_field(&req, SLICE("")).len, 0);
}

static const struct {
    const char *label;
    struct slice list, word;
    bool has;
} list_cases[] = {
    {"alone",               SLICE_INIT("a"),          SLICE_INIT("a"),       true },
    {"case",                SLICE_INIT("UpGrade"),    SLICE_INIT("upgradE"), true },
    {"first",               SLICE_INIT("a,b"),        SLICE_INIT("a"),       true },
    {"last",                SLICE_INIT("a,b"),        SLICE_INIT("b"),       true },
    {"spaces and tabs",     SLICE_INIT("x, \ta\t ,"), SLICE_INIT("a"),       true },
    {"empty elements",      SLICE_INIT(",,a"),        SLICE_INIT("a"),       true },
    {"a part of a word",    SLICE_INIT("ab, ba"),     SLICE_INIT("a"),       false},
    {"a word with more",    SLICE_INIT("a"),          SLICE_INIT("ab"),      false},
    {"two words, no comma", SLICE_INIT("a b"),        SLICE_INIT("a"),       false},
    {"other separators",    SLICE_INIT("a;b"),        SLICE_INIT("a"),       false},
    {"an empty list",       SLICE_INIT(""),           SLICE_INIT("a"),       false},
    {"no word",             SLICE_INIT("a,,b"),       SLICE_INIT(""),        false},
};

static void lists_hold_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(list_cases); i++) {
        struct slice list = exact_copy(list_cases[i].list);
        if (http_list_has(list, list_cases[i].word) != list_cases[i].has) {
            fail_msg("%s", list_cases[i].label);
        }
        exact_free(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_read),
        cmocka_unit_test(bad_ones_are_refused_at_once),
        cmocka_unit_test(some_fields_may_be_there_once),
        cmocka_unit_test(a_head_has_a_largest_size),
        cmocka_unit_test(a_head_has_at_most_so_many_fields),
        cmocka_unit_test(each_byte_has_its_places),
        cmocka_unit_test(a_field_is_found_by_its_name),
        cmocka_unit_test(lists_hold_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
