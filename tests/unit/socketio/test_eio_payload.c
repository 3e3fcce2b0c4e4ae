/* test_eio_payload.c - bodies of polling: records and base64 */
#include "gateway-svc/socketio/eio_payload.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof *(table))

static void bodies_split_at_the_separator(void **state)
{
    static const struct {
        struct slice body;
        const char *records; /* each in brackets */
    } cases[] = {
        {SLICE_INIT(""),            "[]"    },
        {SLICE_INIT("4a"),          "[4a]"  },
        {SLICE_INIT("4a\x1e"
                    "4b"),
         "[4a][4b]"                         },
        {SLICE_INIT("4a\x1e"),      "[4a][]"},
        {SLICE_INIT("\x1e"
                    "4a"),
         "[][4a]"                           },
        {SLICE_INIT("4a\x1e\x1e"
                    "4b"),
         "[4a][][4b]"                       },
        {SLICE_INIT("\x1e\x1e"),    "[][][]"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice copy = exact_copy(cases[i].body);
        struct eio_payload payload = eio_payload_of(copy);
        struct slice record;
        struct buf seen;
        buf_init(&seen, 100);
        while (eio_payload_next(&payload, &record)) {
            buf_byte(&seen, '[');
            buf_append(&seen, record);
            buf_byte(&seen, ']');
        }
        assert_false(eio_payload_next(&payload, &record));
        assert_string_equal(seen.ptr, cases[i].records);
        buf_deinit(&seen);
        exact_free(copy);
    }
}

static void frames_become_records(void **state)
{
    static const enum ws_opcode opcodes[] = {WS_TEXT, WS_BINARY, WS_BINARY, WS_TEXT};
    static const char *const bytes[] = {"4a", "\x01\x02\x03", "", "2"};
    struct buf body;
    size_t size = 0;
    (void)state;
    buf_init(&body, 100);
    for (size_t i = 0; i < ROWS(opcodes); i++) {
        struct slice part = slice_text(bytes[i]);
        struct sio_frame *frame = sio_frame_new(opcodes[i], &part, 1);
        assert_true(eio_payload_add(&body, frame));
        size += eio_payload_size(frame);
        assert_in_range(body.len, 1, size);
        sio_frame_unref(frame);
    }
    assert_string_equal(body.ptr, "4a\x1e"
                                  "bAQID\x1e"
                                  "b\x1e"
                                  "2");
    buf_deinit(&body);
}

static void base64_is_read_leniently(void **state)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } cases[] = {
        {"",               ""            },
        {"Zg==",           "f"           },
        {"Zm8=",           "fo"          },
        {"Zm9v",           "foo"         },
        {"Zm9vYmFy",       "foobar"      },
        {"Zg",             "f"           }, /* padding is missing */
        {"Zm8",            "fo"          },
        {"Zm9v\nYmFy\r\n", "foobar"      }, /* lines */
        {"Z m\t8 = \n",    "fo"          },
        {"--__",           "\xfb\xef\xff"}, /* the URL alphabet */
        {"++//",           "\xfb\xef\xff"},
        {"Zg=",            "f"           },
        {"Z",              NULL          },
        {"Zm9vY",          NULL          },
        {"Zg===",          NULL          },
        {"Zg==Zg==",       NULL          },
        {"=",              ""            },
        {"Zm*v",           NULL          },
        {"Zm\x80v",        NULL          },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice copy = exact_copy(slice_text(cases[i].text));
        struct buf out;
        buf_init(&out, 100);
        bool read = base64_decode(copy, &out);
        if (read != (cases[i].bytes != NULL) ||
            (read && !slice_equal(buf_slice(&out), slice_text(cases[i].bytes)))) {
            fail_msg("%s", cases[i].text);
        }
        buf_deinit(&out);
        exact_free(copy);
    }
}

static void what_is_written_reads_back(void **state)
{
    char bytes[64];
    (void)state;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct buf text, back;
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (char)(i * 37 + n * 101);
        }
        struct slice copy = exact_copy((struct slice){bytes, n});
        buf_init(&text, 200);
        buf_init(&back, 200);
        assert_true(base64_append(&text, copy));
        assert_int_equal(text.len, (n + 2) / 3 * 4);
        assert_true(base64_decode(buf_slice(&text), &back));
        assert_true(slice_equal(buf_slice(&back), copy));
        buf_deinit(&text);
        buf_deinit(&back);
        exact_free(copy);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 2);
    assert_false(base64_decode(SLICE("Zm9v"), &out));
    buf_deinit(&out);
    buf_init(&out, 3);
    assert_false(base64_append(&out, SLICE("f")));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_split_at_the_separator),
        cmocka_unit_test(frames_become_records),
        cmocka_unit_test(base64_is_read_leniently),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
