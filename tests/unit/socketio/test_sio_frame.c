/* test_sio_frame.c - encoded packets with their WebSocket header */
#include "gateway-svc/socketio/sio_namespace.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    size_t len;
    uint8_t header[10];
    uint8_t header_len;
} header_cases[] = {
    {0,       {0x81, 0},                                    2 },
    {1,       {0x81, 1},                                    2 },
    {125,     {0x81, 125},                                  2 },
    {126,     {0x81, 126, 0, 126},                          4 },
    {127,     {0x81, 126, 0, 127},                          4 },
    {65535,   {0x81, 126, 0xff, 0xff},                      4 },
    {65536,   {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0},          10},
    {1000000, {0x81, 127, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40}, 10},
};

static void headers_follow_the_length(void **state)
{
    char *bytes = malloc(1000000);
    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', 1000000);
    for (size_t i = 0; i < ROWS(header_cases); i++) {
        struct slice part = {bytes, header_cases[i].len};
        struct sio_frame *frame = sio_frame_new(WS_TEXT, &part, 1);
        assert_int_equal(frame->len, header_cases[i].header_len + header_cases[i].len);
        assert_int_equal(sio_frame_size(frame), frame->len);
        assert_memory_equal(frame->ws, header_cases[i].header, header_cases[i].header_len);
        assert_true(slice_equal(sio_frame_payload(frame), part));
        sio_frame_unref(frame);
    }
    free(bytes);
}

static void parts_are_joined_in_order(void **state)
{
    const struct slice parts[] = {
        SLICE("4"), SLICE(""), {NULL, 0},
          SLICE("a\0b"), SLICE("c")
    };
    struct sio_frame *frame = sio_frame_new(WS_BINARY, parts, ROWS(parts));
    (void)state;
    assert_int_equal(frame->ws[0], 0x82);
    assert_true(slice_equal(sio_frame_payload(frame), SLICE("4a\0bc")));
    sio_frame_unref(frame);
}

static void close_frames_carry_a_code_or_nothing(void **state)
{
    const unsigned char slow[] = {0x88, 2, 0x0f, 0xa8};
    const unsigned char none[] = {0x88, 0};
    struct sio_frame *frame = sio_frame_close(4008);
    (void)state;
    assert_int_equal(frame->len, sizeof slow);
    assert_memory_equal(frame->ws, slow, sizeof slow);
    sio_frame_unref(frame);
    frame = sio_frame_close(0);
    assert_int_equal(frame->len, sizeof none);
    assert_memory_equal(frame->ws, none, sizeof none);
    sio_frame_unref(frame);
}

/* LeakSanitizer and AddressSanitizer see one unref too few or too many. */
static void references_are_counted(void **state)
{
    struct slice part = SLICE("x");
    struct sio_frame *frame = sio_frame_new(WS_TEXT, &part, 1);
    (void)state;
    assert_ptr_equal(sio_frame_ref(frame), frame);
    sio_frame_unref(frame);
    assert_int_equal(frame->refs, 1);
    sio_frame_unref(frame);
    sio_frame_unref(NULL);
}

static void events_and_packets_carry_their_namespace(void **state)
{
    static const struct sio_namespace_handler handler;
    static const struct {
        const char *nsp;
        struct slice args;
        struct slice wanted;
    } cases[] = {
        {"/",       SLICE_INIT(""),      SLICE_INIT("42[\"hey\"]")           },
        {"/",       SLICE_INIT("1,[2]"), SLICE_INIT("42[\"hey\",1,[2]]")     },
        {"/custom", SLICE_INIT(""),      SLICE_INIT("42/custom,[\"hey\"]")   },
        {"/custom", SLICE_INIT("{}"),    SLICE_INIT("42/custom,[\"hey\",{}]")},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct sio_namespace *nsp = sio_namespace_new(cases[i].nsp, 0, &handler, NULL);
        struct sio_frame *frame = sio_event_frame(nsp, SLICE("hey"), cases[i].args);
        assert_true(slice_equal(sio_frame_payload(frame), cases[i].wanted));
        sio_frame_unref(frame);
        sio_namespace_free(nsp);
    }
    sio_namespace_free(NULL);
}

static void namespaces_are_found_by_their_whole_name(void **state)
{
    static const struct sio_namespace_handler handler;
    struct sio_namespace *a = sio_namespace_new("/", 0, &handler, NULL);
    struct sio_namespace *b = sio_namespace_new("/custom", 31, &handler, NULL);
    (void)state;
    a->next = b;
    assert_ptr_equal(sio_namespace_find(a, SLICE("/")), a);
    assert_ptr_equal(sio_namespace_find(a, SLICE("/custom")), b);
    assert_null(sio_namespace_find(a, SLICE("/custo")));
    assert_null(sio_namespace_find(a, SLICE("/custom,")));
    assert_null(sio_namespace_find(a, SLICE("")));
    assert_null(sio_namespace_find(NULL, SLICE("/")));
    assert_int_equal(a->bit, 1);
    assert_true(b->bit == UINT32_C(1) << 31);
    sio_namespace_free(a);
    sio_namespace_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_follow_the_length),
        cmocka_unit_test(parts_are_joined_in_order),
        cmocka_unit_test(close_frames_carry_a_code_or_nothing),
        cmocka_unit_test(references_are_counted),
        cmocka_unit_test(events_and_packets_carry_their_namespace),
        cmocka_unit_test(namespaces_are_found_by_their_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
