/* test_eio_handshake.c - which requests may become WebSockets, and what is taken from them */
#include "gateway-svc/socketio/eio_handshake.h"
#include "shared/buf.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define KEY22 "dGhlIHNhbXBsZSBub25jZQ"
#define KEY KEY22 "=="
#define GOOD_KEY "Sec-WebSocket-Key: " KEY "\r\n"
#define GOOD_VERSION "Sec-WebSocket-Version: 13\r\n"
#define GOOD_UPGRADE "Upgrade: websocket\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: "

/* Reads the request with these lines, from memory of exactly its length. */
static const char *read_lines(struct slice lines, struct eio_handshake *out, unsigned *status)
{
    struct http_request req;
    struct buf text;
    const char *why = "";
    buf_init(&text, HTTP_HEAD_MAX);
    buf_append(&text, SLICE("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"));
    buf_append(&text, lines);
    assert_true(buf_append(&text, SLICE("\r\n")));
    struct slice bytes = exact_copy(buf_slice(&text));
    buf_deinit(&text);
    if (http_request_read(bytes, &req, &why) != 200) {
        fail_msg("no request: %s", why);
    }
    memset(out, 'x', sizeof *out); /* all of it must be written */
    *status = 0;
    const char *wrong = eio_handshake_read(&req, out, status);
    exact_free(bytes);
    return wrong;
}

static const char *read_with(const char *before, struct slice value, struct eio_handshake *out,
                             unsigned *status)
{
    struct buf lines;
    buf_init(&lines, HTTP_HEAD_MAX);
    buf_append(&lines, slice_text(before));
    buf_append(&lines, value);
    assert_true(buf_append(&lines, SLICE("\r\n")));
    const char *wrong = read_lines(buf_slice(&lines), out, status);
    buf_deinit(&lines);
    return wrong;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static const struct {
    const char *label;
    struct slice key;
    bool good;
} key_cases[] = {
    {"the one of RFC 6455",     SLICE_INIT(KEY),                         true },
    {"zeros",                   SLICE_INIT("AAAAAAAAAAAAAAAAAAAAAA=="),  true },
    {"ones",                    SLICE_INIT("/////////////////////w=="),  true },
    {"every kind of character", SLICE_INIT("azAZ09+/azAZ09+/azAZ0g=="),  true },
    {"none",                    SLICE_INIT(""),                          false},
    {"one character",           SLICE_INIT("A"),                         false},
    {"padding alone",           SLICE_INIT("=="),                        false},
    {"15 bytes",                SLICE_INIT("AAAAAAAAAAAAAAAAAAAA"),      false},
    {"17 bytes",                SLICE_INIT("AAAAAAAAAAAAAAAAAAAAAAA="),  false},
    {"18 bytes",                SLICE_INIT("AAAAAAAAAAAAAAAAAAAAAAAA"),  false},
    {"one character less",      SLICE_INIT("AAAAAAAAAAAAAAAAAAAAA=="),   false},
    {"one character more",      SLICE_INIT("AAAAAAAAAAAAAAAAAAAAAAA=="), false},
    {"no padding",              SLICE_INIT(KEY22),                       false},
    {"half the padding",        SLICE_INIT(KEY22 "="),                   false},
    {"more padding",            SLICE_INIT(KEY22 "==="),                 false},
    {"padding, then not",       SLICE_INIT(KEY22 "=A"),                  false},
    {"padding too early",       SLICE_INIT("AAAAAAAAAAAAAAAAAAAAA==="),  false},
    {"padding inside",          SLICE_INIT("AAAAAAAAAA=AAAAAAAAAAA=="),  false},
    {"padding first",           SLICE_INIT("=AAAAAAAAAAAAAAAAAAAAA=="),  false},
    {"the other alphabet, -",   SLICE_INIT("AAAA-AAAAAAAAAAAAAAAAA=="),  false},
    {"the other alphabet, _",   SLICE_INIT("AAAA_AAAAAAAAAAAAAAAAA=="),  false},
    {"a space inside",          SLICE_INIT("AAAA AAAAAAAAAAAAAAAAA=="),  false},
    {"a tab inside",            SLICE_INIT("AAAA\tAAAAAAAAAAAAAAAAA=="), false},
    {"a comma",                 SLICE_INIT("AAAA,AAAAAAAAAAAAAAAAA=="),  false},
    {"0x80",
     SLICE_INIT("AAAA\x80"
                "AAAAAAAAAAAAAAAAA=="),
     false                                                                    },
    {"0xff first",
     SLICE_INIT("\xff"
                "AAAAAAAAAAAAAAAAAAAAA=="),
     false                                                                    },
    {"two keys in one",         SLICE_INIT(KEY ", " KEY),                false},
};

static void keys_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(key_cases); i++) {
        struct eio_handshake got;
        unsigned status;
        struct slice key = key_cases[i].key;
        const char *wrong =
            read_with(GOOD_UPGRADE GOOD_VERSION "Sec-WebSocket-Key: ", key, &got, &status);
        if (!wrong != key_cases[i].good) {
            fail_msg("%s: %s", key_cases[i].label, wrong ? wrong : "accepted");
        }
        if (wrong) {
            assert_int_equal(status, 400);
            assert_non_null(strstr(wrong, "Sec-WebSocket-Key"));
        } else {
            assert_true(slice_equal(slice_text(got.key), key));
            assert_string_equal(got.subprotocol, "");
        }
    }
}

/* Of the last character two bits count: any other value would be a second text of the same bytes.
 */
static void the_last_character_has_no_bits_to_spare(void **state)
{
    unsigned good = 0;
    (void)state;
    for (int c = 0x21; c < 0x7f; c++) {
        char key[] = "AAAAAAAAAAAAAAAAAAAAAA==";
        struct eio_handshake got;
        unsigned status;
        key[21] = (char)c;
        bool accepted = !read_with(GOOD_UPGRADE GOOD_VERSION "Sec-WebSocket-Key: ", slice_text(key),
                                   &got, &status);
        if (accepted != (strchr("AQgw", c) != NULL)) {
            fail_msg("%s: %s", key, accepted ? "accepted" : "refused");
        }
        good += accepted;
    }
    assert_int_equal(good, 4);
}

/* ---- Other fields ---------------------------------------------------------------------------- */

static const struct {
    const char *label;
    const char *lines;
    unsigned status; /* 0: accepted */
} field_cases[] = {
    {"all three",                 GOOD_UPGRADE GOOD_VERSION GOOD_KEY,                          0  },
    {"in another order",          GOOD_KEY GOOD_VERSION GOOD_UPGRADE,                          0  },
    {"names in capitals",
     "UPGRADE: websocket\r\nSEC-WEBSOCKET-VERSION: 13\r\nSEC-WEBSOCKET-KEY: " KEY "\r\n",      0  },
    {"spaces around values",
     "Upgrade: \t websocket \r\nSec-WebSocket-Version:13\t\r\nSec-WebSocket-Key:" KEY " \r\n", 0  },
    {"Upgrade in capitals",       "Upgrade: WebSocket\r\n" GOOD_VERSION GOOD_KEY,              0  },
    {"an upgrade to another",     "Upgrade: h2c\r\n" GOOD_VERSION GOOD_KEY,                    400},
    {"a list with websocket",     "Upgrade: h2c, websocket\r\n" GOOD_VERSION GOOD_KEY,         400},
    {"websocket with a version",  "Upgrade: websocket/13\r\n" GOOD_VERSION GOOD_KEY,           400},
    {"a longer word",             "Upgrade: websockets\r\n" GOOD_VERSION GOOD_KEY,             400},
    {"a shorter word",            "Upgrade: websocke\r\n" GOOD_VERSION GOOD_KEY,               400},
    {"Upgrade is empty",          "Upgrade:\r\n" GOOD_VERSION GOOD_KEY,                        400},
    {"no Upgrade",                GOOD_VERSION GOOD_KEY,                                       400},
    {"no version",                GOOD_UPGRADE GOOD_KEY,                                       426},
    {"an empty version",          GOOD_UPGRADE "Sec-WebSocket-Version:\r\n" GOOD_KEY,          426},
    {"version 8",                 GOOD_UPGRADE "Sec-WebSocket-Version: 8\r\n" GOOD_KEY,        426},
    {"version 0",                 GOOD_UPGRADE "Sec-WebSocket-Version: 0\r\n" GOOD_KEY,        426},
    {"version 1",                 GOOD_UPGRADE "Sec-WebSocket-Version: 1\r\n" GOOD_KEY,        426},
    {"version 130",               GOOD_UPGRADE "Sec-WebSocket-Version: 130\r\n" GOOD_KEY,      426},
    {"version 013",               GOOD_UPGRADE "Sec-WebSocket-Version: 013\r\n" GOOD_KEY,      426},
    {"version +13",               GOOD_UPGRADE "Sec-WebSocket-Version: +13\r\n" GOOD_KEY,      426},
    {"versions in a list",        GOOD_UPGRADE "Sec-WebSocket-Version: 13, 8\r\n" GOOD_KEY,    426},
    {"no key",                    GOOD_UPGRADE GOOD_VERSION,                                   400},
    {"a key elsewhere",           GOOD_UPGRADE GOOD_VERSION "Sec-WebSocket-Keys: " KEY "\r\n", 400},
    {"nothing at all",            "",                                                          400},
    {"the version, not the key",  GOOD_UPGRADE "Sec-WebSocket-Version: 8\r\n",                 426},
    {"the protocol first of all", "Upgrade: h2c\r\nSec-WebSocket-Version: 8\r\n",              400},
};

static void fields_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(field_cases); i++) {
        struct eio_handshake got;
        unsigned status;
        const char *wrong = read_lines(slice_text(field_cases[i].lines), &got, &status);
        if ((wrong ? status : 0) != field_cases[i].status) {
            fail_msg("%s: %u, %s", field_cases[i].label, status, wrong ? wrong : "accepted");
        }
        if (wrong) { /* what is sent as a line of text, and nothing half read */
            assert_int_equal(wrong[strlen(wrong) - 1], '\n');
            assert_string_equal(got.key, "");
            assert_string_equal(got.subprotocol, "");
        } else {
            assert_string_equal(got.key, KEY);
        }
    }
}

/* ---- Subprotocols ---------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct slice offered;
    const char *agreed;
} subprotocol_cases[] = {
    {"empty",                 SLICE_INIT(""),                      ""                     },
    {"one",                   SLICE_INIT("chat"),                  "chat"                 },
    {"one character",         SLICE_INIT("c"),                     "c"                    },
    {"two",                   SLICE_INIT("chat, superchat"),       "chat"                 },
    {"two without a space",   SLICE_INIT("chat,superchat"),        "chat"                 },
    {"tabs and spaces",       SLICE_INIT("\t chat \t,b"),          "chat"                 },
    {"case is kept",          SLICE_INIT("cHaT"),                  "cHaT"                 },
    {"what a token may hold", SLICE_INIT("!#$%&'*+-.^_`|~09azAZ"), "!#$%&'*+-.^_`|~09azAZ"},
    {"an empty one first",    SLICE_INIT(",chat"),                 ""                     },
    {"a comma alone",         SLICE_INIT(","),                     ""                     },
    {"a comma behind",        SLICE_INIT("chat,"),                 "chat"                 },
    {"a space inside",        SLICE_INIT("a b"),                   ""                     },
    {"a tab inside",          SLICE_INIT("a\tb"),                  ""                     },
    {"a quote",               SLICE_INIT("\"chat\""),              ""                     },
    {"a colon",               SLICE_INIT("a:b"),                   ""                     },
    {"a slash",               SLICE_INIT("a/b"),                   ""                     },
    {"a semicolon",           SLICE_INIT("a;b"),                   ""                     },
    {"an at",                 SLICE_INIT("a@b"),                   ""                     },
    {"0x80",                  SLICE_INIT("a\x80"),                 ""                     },
    {"0xff",                  SLICE_INIT("\xff"),                  ""                     },
    {"bad, then good",        SLICE_INIT("a b, chat"),             ""                     },
    {"good, then bad",        SLICE_INIT("chat, a b"),             "chat"                 },
};

static void subprotocols_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(subprotocol_cases); i++) {
        struct eio_handshake got;
        unsigned status;
        const char *wrong = read_with(GOOD_UPGRADE GOOD_VERSION GOOD_KEY PROTOCOL,
                                      subprotocol_cases[i].offered, &got, &status);
        if (wrong || strcmp(got.subprotocol, subprotocol_cases[i].agreed) != 0) {
            fail_msg("%s: %s", subprotocol_cases[i].label, wrong ? wrong : got.subprotocol);
        }
    }
}

/* A longer one is not cut: that would be another. */
static void subprotocols_have_a_longest(void **state)
{
    static const size_t lengths[] = {EIO_SUBPROTOCOL_MAX - 1, EIO_SUBPROTOCOL_MAX,
                                     EIO_SUBPROTOCOL_MAX + 1, 8000};
    static const struct slice behind[] = {SLICE_INIT(""), SLICE_INIT(", chat")};
    (void)state;
    for (size_t i = 0; i < ROWS(lengths) * ROWS(behind); i++) {
        size_t length = lengths[i / ROWS(behind)];
        struct eio_handshake got;
        struct buf offered;
        unsigned status;
        buf_init(&offered, SIZE_MAX);
        for (size_t n = 0; n < length; n++) {
            buf_byte(&offered, (char)('a' + n % 26));
        }
        struct slice first = buf_slice(&offered);
        buf_append(&offered, behind[i % ROWS(behind)]);
        first.ptr = offered.ptr;
        assert_null(read_with(GOOD_UPGRADE GOOD_VERSION GOOD_KEY PROTOCOL, buf_slice(&offered),
                              &got, &status));
        struct slice agreed = slice_text(got.subprotocol);
        bool fits = length <= EIO_SUBPROTOCOL_MAX;
        assert_true(fits ? slice_equal(agreed, first) : agreed.len == 0);
        buf_deinit(&offered);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_follow_the_table),
        cmocka_unit_test(the_last_character_has_no_bits_to_spare),
        cmocka_unit_test(fields_follow_the_table),
        cmocka_unit_test(subprotocols_follow_the_table),
        cmocka_unit_test(subprotocols_have_a_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
