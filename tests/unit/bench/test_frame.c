/* test_frame.c - frames are written as servers take them, and read from any cut of a stream */
#include "tests/bench/load/frame.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *label;
    struct slice in;
    enum frame_result result;
    enum frame_kind kind;
    struct slice payload;
} read_cases[] = {
    {"text",             SLICE_INIT("\x81\x02hi"),                   FRAME_OK,  FRAME_TEXT,  SLICE_INIT("hi")      },
    {"empty",            SLICE_INIT("\x81\x00"),                     FRAME_OK,  FRAME_TEXT,  SLICE_INIT("")        },
    {"ping",             SLICE_INIT("\x89\x01p"),                    FRAME_OK,  FRAME_PING,  SLICE_INIT("p")       },
    {"close",            SLICE_INIT("\x88\x02\x03\xe8"),             FRAME_OK,  FRAME_CLOSE, SLICE_INIT("\x03\xe8")},
    {"length in 16 bit", SLICE_INIT("\x81\x7e\x00\x02hi"),           FRAME_OK,  FRAME_TEXT,  SLICE_INIT("hi")      },
    {"length in 64 bit", SLICE_INIT("\x81\x7f\0\0\0\0\0\0\0\x02hi"), FRAME_OK,  FRAME_TEXT,
     SLICE_INIT("hi")                                                                                              },
    {"two of them",
     SLICE_INIT("\x81\x01"
                "a\x81\x01"
                "b"),
     FRAME_OK,                                                                  FRAME_TEXT,  SLICE_INIT("a")       },
    {"huge",
     SLICE_INIT("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"
                "hi"),
     FRAME_MORE,                                                                FRAME_TEXT,  SLICE_INIT("")        },
    {"masked",           SLICE_INIT("\x81\x82\0\0\0\0hi"),           FRAME_BAD, FRAME_TEXT,  SLICE_INIT("")        },
    {"a fragment",       SLICE_INIT("\x01\x02hi"),                   FRAME_BAD, FRAME_TEXT,  SLICE_INIT("")        },
    {"binary",           SLICE_INIT("\x82\x02hi"),                   FRAME_BAD, FRAME_TEXT,  SLICE_INIT("")        },
};

static void reading_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(read_cases); i++) {
        struct slice in = exact_copy(read_cases[i].in), payload = SLICE("");
        enum frame_kind kind = FRAME_TEXT;
        size_t used = 0;
        enum frame_result result = frame_read(in, &kind, &payload, &used);
        if (result != read_cases[i].result || kind != read_cases[i].kind ||
            !slice_equal(payload, read_cases[i].payload)) {
            fail_msg("%s", read_cases[i].label);
        }
        exact_free(in);
    }
}

static void every_beginning_of_a_frame_wants_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(read_cases); i++) {
        enum frame_kind kind;
        struct slice payload;
        size_t used;
        if (frame_read(read_cases[i].in, &kind, &payload, &used) != FRAME_OK) {
            continue;
        }
        for (size_t n = 0; n < used; n++) {
            struct slice part = exact_copy(slice_head(read_cases[i].in, n));
            size_t none;
            assert_int_equal(frame_read(part, &kind, &payload, &none), FRAME_MORE);
            exact_free(part);
        }
    }
}

/* What is written, with its mask (of zeros) taken away, is a frame of a server. */
static void what_is_written_can_be_read(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 65537};
    static char text[65537];
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < ROWS(lengths); i++) {
        struct buf out;
        enum frame_kind kind;
        struct slice payload;
        size_t used, head = lengths[i] < 126 ? 2 : lengths[i] < 65536 ? 4 : 10;
        buf_init(&out, sizeof text + 14);
        frame_write(&out, FRAME_PONG, (struct slice){text, lengths[i]});
        assert_int_equal(out.len, head + 4 + lengths[i]);
        assert_int_equal((unsigned char)out.ptr[1] & 0x80, 0x80);
        out.ptr[1] = (char)(out.ptr[1] & 0x7f);
        memmove(out.ptr + head, out.ptr + head + 4, lengths[i]);
        struct slice unmasked = {out.ptr, out.len - 4};
        assert_int_equal(frame_read(unmasked, &kind, &payload, &used), FRAME_OK);
        assert_int_equal(kind, FRAME_PONG);
        assert_int_equal(used, unmasked.len);
        assert_true(slice_equal(payload, (struct slice){text, lengths[i]}));
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_follows_the_table),
        cmocka_unit_test(every_beginning_of_a_frame_wants_more),
        cmocka_unit_test(what_is_written_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
