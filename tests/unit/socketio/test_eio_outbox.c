/* test_eio_outbox.c - frames that wait for one connection */
#include "gateway-svc/socketio/eio_outbox.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A frame of `len` bytes on the wire, all but the header `fill`. */
static struct sio_frame *frame_of(size_t len, char fill)
{
    char bytes[128];
    struct slice part = {bytes, len - 2};
    memset(bytes, fill, sizeof bytes);
    return sio_frame_new(WS_TEXT, &part, 1);
}

static void push(struct eio_outbox **box, size_t len, char fill)
{
    struct sio_frame *frame = frame_of(len, fill);
    assert_true(eio_outbox_push(box, frame));
    sio_frame_unref(frame);
}

static void an_empty_one_is_nothing(void **state)
{
    struct eio_outbox *box = NULL;
    struct iovec iov[1];
    (void)state;
    assert_int_equal(eio_outbox_bytes(box), 0);
    assert_int_equal(eio_outbox_count(box), 0);
    assert_int_equal(eio_outbox_iov(box, iov, 1), 0);
    struct eio_outbox_sent sent = eio_outbox_advance(&box, 0);
    assert_int_equal(sent.frames, 0);
    assert_null(sent.cut);
    eio_outbox_clear(&box);
    assert_null(box);
}

static void memory_goes_with_the_last_frame(void **state)
{
    struct eio_outbox *box = NULL;
    (void)state;
    push(&box, 10, 'a');
    assert_non_null(box);
    assert_int_equal(eio_outbox_bytes(box), 10);
    struct eio_outbox_sent sent = eio_outbox_advance(&box, 10);
    assert_int_equal(sent.frames, 1);
    assert_null(sent.cut);
    assert_null(box);
}

/* Every number of bytes that the kernel may take of three frames. */
static void advance_takes_out_what_was_sent(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 30; n++) {
        struct eio_outbox *box = NULL;
        push(&box, 10, 'a');
        push(&box, 10, 'b');
        push(&box, 10, 'c');
        struct eio_outbox_sent sent = eio_outbox_advance(&box, n);
        assert_int_equal(sent.frames, n / 10);
        assert_int_equal(sent.cut != NULL, n % 10 != 0);
        size_t touched = (n + 9) / 10;
        assert_int_equal(eio_outbox_count(box), 3 - touched);
        assert_int_equal(eio_outbox_bytes(box), 30 - 10 * touched);
        if (sent.cut) {
            assert_int_equal(sent.cut_at, n % 10);
            assert_int_equal(sent.cut->ws[9], (unsigned char)"abc"[n / 10]);
            sio_frame_unref(sent.cut);
        }
        eio_outbox_clear(&box);
    }
}

/* Random pushes and sends, against an array that is never a ring. */
static void order_survives_growth_and_wrapping(void **state)
{
    struct eio_outbox *box = NULL;
    unsigned seed = 1;
    char expected[4000];
    size_t first = 0;
    size_t end = 0;
    (void)state;
    while (end < sizeof expected) {
        seed = seed * 1103515245U + 12345U;
        size_t pushes = (seed >> 16) % 9;
        for (size_t i = 0; i < pushes && end < sizeof expected; i++) {
            expected[end] = (char)('a' + end % 26);
            push(&box, 3, expected[end]);
            end++;
        }
        seed = seed * 1103515245U + 12345U;
        size_t sends = (seed >> 16) % 9;
        sends = sends < end - first ? sends : end - first;
        struct iovec iov[8];
        size_t n = eio_outbox_iov(box, iov, 8);
        assert_int_equal(n, end - first < 8 ? end - first : 8);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(iov[i].iov_len, 3);
            assert_int_equal(((const char *)iov[i].iov_base)[2], expected[first + i]);
        }
        assert_int_equal(eio_outbox_advance(&box, 3 * sends).frames, sends);
        first += sends;
        assert_int_equal(eio_outbox_count(box), end - first);
    }
    eio_outbox_clear(&box);
    assert_null(box);
}

static void what_was_marked_is_old_until_it_is_taken_out(void **state)
{
    struct eio_outbox *box = NULL;
    (void)state;
    assert_false(eio_outbox_has_old(box));
    eio_outbox_mark(box);
    push(&box, 10, 'a');
    push(&box, 10, 'b');
    assert_false(eio_outbox_has_old(box));
    eio_outbox_mark(box);
    for (int i = 0; i < 20; i++) { /* the ring grows meanwhile */
        push(&box, 10, 'c');
    }
    assert_true(eio_outbox_has_old(box));
    assert_int_equal(eio_outbox_advance(&box, 10).frames, 1);
    assert_true(eio_outbox_has_old(box));
    struct eio_outbox_sent sent = eio_outbox_advance(&box, 1);
    sio_frame_unref(sent.cut); /* the rest of it waits elsewhere */
    assert_false(eio_outbox_has_old(box));
    eio_outbox_mark(box);
    eio_outbox_clear(&box);
    assert_false(eio_outbox_has_old(box));
}

static void frames_are_shared_not_copied(void **state)
{
    struct eio_outbox *a = NULL;
    struct eio_outbox *b = NULL;
    struct sio_frame *frame = frame_of(10, 'x');
    (void)state;
    assert_true(eio_outbox_push(&a, frame));
    assert_true(eio_outbox_push(&b, frame));
    assert_true(eio_outbox_push(&b, frame));
    assert_int_equal(frame->refs, 4);
    eio_outbox_clear(&b);
    assert_int_equal(frame->refs, 2);
    (void)eio_outbox_advance(&a, 10);
    assert_int_equal(frame->refs, 1);
    sio_frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_is_nothing),
        cmocka_unit_test(memory_goes_with_the_last_frame),
        cmocka_unit_test(advance_takes_out_what_was_sent),
        cmocka_unit_test(order_survives_growth_and_wrapping),
        cmocka_unit_test(what_was_marked_is_old_until_it_is_taken_out),
        cmocka_unit_test(frames_are_shared_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
