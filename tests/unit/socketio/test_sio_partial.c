/* test_sio_partial.c - packets that wait for their attachments */
#include "gateway-svc/socketio/sio_partial.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TWO "52-/c,7[\"a\",{\"_placeholder\":true,\"num\":1}]"
#define TWO_LEN (sizeof TWO - 1)

/* From memory that is gone afterwards: a partial keeps copies. */
static struct sio_partial *start(const char *text, size_t max_bytes)
{
    struct slice copy = exact_copy(slice_text(text));
    struct sio_partial *partial = sio_partial_new(copy, max_bytes);
    exact_free(copy);
    return partial;
}

static bool add(struct sio_partial *partial, struct slice data)
{
    struct slice copy = exact_copy(data);
    bool added = sio_partial_add(partial, copy);
    exact_free(copy);
    return added;
}

static void it_is_whole_when_all_have_come(void **state)
{
    (void)state;
    struct sio_partial *partial = start(TWO, 1000);
    assert_non_null(partial);
    assert_false(sio_partial_is_whole(partial));
    assert_null(sio_partial_packet(partial)->data);
    assert_true(add(partial, SLICE("a\0b")));
    assert_false(sio_partial_is_whole(partial));
    assert_null(sio_partial_packet(partial)->data);
    assert_true(add(partial, SLICE("")));
    assert_true(sio_partial_is_whole(partial));
    const struct sio_packet *p = sio_partial_packet(partial);
    assert_int_equal(p->type, SIO_PACKET_BINARY_EVENT);
    assert_int_equal(p->attachments, 2);
    assert_int_equal(p->ack_id, 7);
    assert_true(slice_equal(p->nsp, SLICE("/c")));
    assert_true(slice_equal(p->name, SLICE("a")));
    assert_true(slice_equal(p->args, SLICE("{\"_placeholder\":true,\"num\":1}")));
    assert_true(slice_equal(p->data[0], SLICE("a\0b")));
    assert_int_equal(p->data[1].len, 0);
    sio_partial_free(partial);
}

static void acks_have_attachments_too(void **state)
{
    (void)state;
    struct sio_partial *partial = start("61-3[{\"_placeholder\":true,\"num\":0}]", 1000);
    assert_non_null(partial);
    assert_true(add(partial, SLICE("x")));
    assert_true(sio_partial_is_whole(partial));
    assert_int_equal(sio_partial_packet(partial)->type, SIO_PACKET_BINARY_ACK);
    assert_true(slice_equal(sio_partial_packet(partial)->data[0], SLICE("x")));
    sio_partial_free(partial);
}

static void ten_is_the_most(void **state)
{
    (void)state;
    struct sio_partial *partial = start("510-[\"a\"]", 1000);
    assert_non_null(partial);
    for (int i = 0; i < 10; i++) {
        char c = (char)('0' + i);
        assert_false(sio_partial_is_whole(partial));
        assert_true(add(partial, (struct slice){&c, 1}));
    }
    assert_true(sio_partial_is_whole(partial));
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(sio_partial_packet(partial)->data[i].ptr[0], '0' + (int)i);
    }
    sio_partial_free(partial);
    assert_null(start("511-[\"a\"]", 1000));
}

/* The text counts, and every attachment. */
static void its_bytes_are_limited(void **state)
{
    static const struct {
        size_t max, first, second;
        bool starts, takes_first, takes_second;
    } cases[] = {
        {TWO_LEN - 1,  0,  0,  false, false, false},
        {TWO_LEN,      0,  0,  true,  true,  true },
        {TWO_LEN,      1,  0,  true,  false, false},
        {TWO_LEN + 10, 9,  0,  true,  true,  true },
        {TWO_LEN + 10, 9,  1,  true,  true,  true },
        {TWO_LEN + 10, 9,  2,  true,  true,  false},
        {TWO_LEN + 10, 0,  11, true,  true,  false},
        {TWO_LEN + 10, 11, 0,  true,  false, false},
        {SIZE_MAX,     20, 20, true,  true,  true },
        {0,            0,  0,  false, false, false},
    };
    static const char bytes[20];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sio_partial *partial = start(TWO, cases[i].max);
        assert_int_equal(partial != NULL, cases[i].starts);
        if (partial) {
            bool first = add(partial, (struct slice){bytes, cases[i].first});
            assert_int_equal(first, cases[i].takes_first);
            assert_int_equal(first && add(partial, (struct slice){bytes, cases[i].second}),
                             cases[i].takes_second);
            assert_int_equal(sio_partial_is_whole(partial), cases[i].takes_second);
        }
        sio_partial_free(partial);
    }
}

static void one_that_is_half_there_is_freed_whole(void **state)
{
    (void)state;
    sio_partial_free(NULL);
    struct sio_partial *partial = start(TWO, 1000);
    assert_true(add(partial, SLICE("abc")));
    sio_partial_free(partial); /* ASan counts */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_whole_when_all_have_come),
        cmocka_unit_test(acks_have_attachments_too),
        cmocka_unit_test(ten_is_the_most),
        cmocka_unit_test(its_bytes_are_limited),
        cmocka_unit_test(one_that_is_half_there_is_freed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
