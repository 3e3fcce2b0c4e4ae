/* test_eio_packet.c - Engine.IO packets */
#include "gateway-svc/socketio/eio_packet.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *label;
    struct slice text;
    bool ok;
    enum eio_type type;
    struct slice data;
} decode_cases[] = {
    {"empty",            SLICE_INIT(""),       false, EIO_OPEN,    SLICE_INIT("")     },
    {"open",             SLICE_INIT("0{}"),    true,  EIO_OPEN,    SLICE_INIT("{}")   },
    {"close",            SLICE_INIT("1"),      true,  EIO_CLOSE,   SLICE_INIT("")     },
    {"ping",             SLICE_INIT("2probe"), true,  EIO_PING,    SLICE_INIT("probe")},
    {"pong",             SLICE_INIT("3"),      true,  EIO_PONG,    SLICE_INIT("")     },
    {"message",          SLICE_INIT("4hello"), true,  EIO_MESSAGE, SLICE_INIT("hello")},
    {"message, empty",   SLICE_INIT("4"),      true,  EIO_MESSAGE, SLICE_INIT("")     },
    {"message with NUL", SLICE_INIT("4a\0b"),  true,  EIO_MESSAGE, SLICE_INIT("a\0b") },
    {"upgrade",          SLICE_INIT("5"),      true,  EIO_UPGRADE, SLICE_INIT("")     },
    {"noop",             SLICE_INIT("6"),      true,  EIO_NOOP,    SLICE_INIT("")     },
    {"one too high",     SLICE_INIT("7"),      false, EIO_OPEN,    SLICE_INIT("")     },
    {"below the digits", SLICE_INIT("/"),      false, EIO_OPEN,    SLICE_INIT("")     },
    {"base64",           SLICE_INIT("bAQ=="),  false, EIO_OPEN,    SLICE_INIT("")     },
    {"space",            SLICE_INIT(" 4"),     false, EIO_OPEN,    SLICE_INIT("")     },
    {"NUL",              SLICE_INIT("\0"),     false, EIO_OPEN,    SLICE_INIT("")     },
    {"high byte",        SLICE_INIT("\xb4"),   false, EIO_OPEN,    SLICE_INIT("")     },
    {"record separator", SLICE_INIT("\x1e"),   false, EIO_OPEN,    SLICE_INIT("")     },
};

static void decode_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(decode_cases); i++) {
        struct slice text = exact_copy(decode_cases[i].text);
        struct eio_packet packet = {EIO_OPEN, SLICE("")};
        bool ok = eio_packet_decode(text, &packet);
        if (ok != decode_cases[i].ok || packet.type != decode_cases[i].type ||
            !slice_equal(packet.data, decode_cases[i].data)) {
            fail_msg("%s: ok %d, type %d", decode_cases[i].label, ok, (int)packet.type);
        }
        exact_free(text);
    }
}

static void hello_has_five_members(void **state)
{
    struct eio_hello hello = {.sid = SLICE("abc"),
                              .upgrade = false,
                              .ping_interval_ms = 25000,
                              .ping_timeout_ms = 20000,
                              .max_payload = 1000000};
    struct buf out;
    (void)state;
    buf_init(&out, EIO_HELLO_MAX);
    assert_true(eio_packet_hello(&out, &hello));
    assert_string_equal(out.ptr, "0{\"sid\":\"abc\",\"upgrades\":[],\"pingInterval\":25000,"
                                 "\"pingTimeout\":20000,\"maxPayload\":1000000}");
    buf_clear(&out);
    hello.upgrade = true;
    assert_true(eio_packet_hello(&out, &hello));
    assert_non_null(strstr(out.ptr, "\"upgrades\":[\"websocket\"],"));
    buf_deinit(&out);
}

static void the_largest_hello_fits(void **state)
{
    char sid[64];
    struct eio_hello hello = {
        {sid, sizeof sid},
        true, UINT32_MAX, UINT32_MAX, UINT32_MAX
    };
    struct buf out;
    (void)state;
    memset(sid, 'x', sizeof sid);
    buf_init(&out, EIO_HELLO_MAX);
    assert_true(eio_packet_hello(&out, &hello));
    buf_deinit(&out);
    buf_init(&out, 50);
    assert_false(eio_packet_hello(&out, &hello));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_follows_the_table),
        cmocka_unit_test(hello_has_five_members),
        cmocka_unit_test(the_largest_hello_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
