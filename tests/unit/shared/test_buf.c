/* test_buf.c - a buffer never exceeds its maximum, and appends all or nothing */
#include "shared/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void assert_holds(const struct buf *b, struct slice wanted)
{
    assert_true(slice_equal(buf_slice(b), wanted));
    assert_true(b->len <= b->cap && b->cap <= b->max);
    if (b->ptr) {
        assert_int_equal(b->ptr[b->len], '\0');
    }
}

static void a_new_buffer_owns_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_null(b.ptr);
    assert_int_equal(b.max, 10);
    assert_holds(&b, SLICE(""));
    buf_deinit(&b);
}

static void room_that_was_reserved_is_filled_without_a_move(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_true(buf_reserve(&b, 90));
    const char *before = b.ptr;
    assert_holds(&b, SLICE(""));
    for (size_t i = 0; i < 90; i++) {
        assert_true(buf_byte(&b, 'x'));
    }
    assert_ptr_equal(b.ptr, before);
    assert_true(buf_reserve(&b, 10));
    assert_false(buf_reserve(&b, 11));
    assert_true(b.failed);
    buf_deinit(&b);
}

/* A buffer of 4 that holds "ab". */
static const struct {
    const char *label;
    struct slice appended;
    bool ok;
    struct slice after;
} limit_cases[] = {
    {"nothing",         {NULL, 0},            true,  SLICE_INIT("ab")    },
    {"max - 1",         SLICE_INIT("c"),      true,  SLICE_INIT("abc")   },
    {"max",             SLICE_INIT("cd"),     true,  SLICE_INIT("abcd")  },
    {"max + 1",         SLICE_INIT("cde"),    false, SLICE_INIT("ab")    },
    {"NUL bytes count", SLICE_INIT("\0\0\0"), false, SLICE_INIT("ab")    },
    {"NUL bytes fit",   SLICE_INIT("\0\0"),   true,  SLICE_INIT("ab\0\0")},
};

static void append_is_all_or_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(limit_cases); i++) {
        struct buf b;
        buf_init(&b, 4);
        assert_true(buf_append(&b, SLICE("ab")));
        if (buf_append(&b, limit_cases[i].appended) != limit_cases[i].ok ||
            b.failed == limit_cases[i].ok || !slice_equal(buf_slice(&b), limit_cases[i].after)) {
            fail_msg("%s", limit_cases[i].label);
        }
        assert_holds(&b, limit_cases[i].after);
        buf_deinit(&b);
    }
}

static void a_length_that_would_wrap_is_refused(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX);
    assert_true(buf_byte(&b, 'a'));
    assert_false(buf_append(&b, (struct slice){"", SIZE_MAX}));
    assert_false(buf_append(&b, (struct slice){"", SIZE_MAX - 1}));
    assert_true(b.failed);
    assert_holds(&b, SLICE("a"));
    buf_deinit(&b);
}

static void a_maximum_of_zero_takes_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_true(buf_append(&b, SLICE("")));
    assert_false(buf_byte(&b, 'a'));
    assert_true(b.failed);
    assert_null(b.ptr);
    buf_deinit(&b);
}

/* Fills up to the maximum byte by byte: growing loses nothing and never overshoots. */
static void growing_keeps_every_byte(void **state)
{
    enum { MAX = 5000 };
    struct buf b;

    (void)state;
    buf_init(&b, MAX);
    for (size_t i = 0; i < MAX; i++) {
        assert_true(buf_byte(&b, (char)(i % 251)));
        assert_true(b.cap <= MAX);
    }
    assert_false(buf_byte(&b, 'x'));
    for (size_t i = 0; i < MAX; i++) {
        assert_int_equal(b.ptr[i], (char)(i % 251));
    }
    assert_int_equal(b.ptr[MAX], '\0');
    buf_deinit(&b);
}

static const struct {
    uint64_t value;
    struct slice digits;
} digit_cases[] = {
    {0,                SLICE_INIT("0")                   },
    {9,                SLICE_INIT("9")                   },
    {10,               SLICE_INIT("10")                  },
    {1000000000000000, SLICE_INIT("1000000000000000")    },
    {9007199254740993, SLICE_INIT("9007199254740993")    },
    {UINT64_MAX,       SLICE_INIT("18446744073709551615")},
};

static void numbers_are_decimal(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(digit_cases); i++) {
        struct buf b;
        buf_init(&b, digit_cases[i].digits.len);
        assert_true(buf_u64(&b, digit_cases[i].value));
        assert_holds(&b, digit_cases[i].digits);
        buf_deinit(&b);
        buf_init(&b, digit_cases[i].digits.len - 1);
        assert_false(buf_u64(&b, digit_cases[i].value));
        buf_deinit(&b);
    }
}

static void printf_fits_exactly_or_not_at_all(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    assert_true(buf_printf(&b, "%s", ""));
    assert_null(b.ptr);
    assert_true(buf_printf(&b, "%d-%s", 12, "345"));
    assert_false(buf_printf(&b, "%s", "789"));
    assert_true(b.failed);
    assert_holds(&b, SLICE("12-345"));
    assert_true(buf_printf(&b, "%s", "78"));
    assert_holds(&b, SLICE("12-34578"));
    buf_deinit(&b);
}

static void failed_stays_until_clear(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 3);
    assert_false(buf_append(&b, SLICE("abcd")));
    assert_true(buf_append(&b, SLICE("abc")));
    assert_true(b.failed);
    buf_clear(&b);
    assert_false(b.failed);
    assert_holds(&b, SLICE(""));
    assert_true(buf_append(&b, SLICE("xyz")));
    assert_holds(&b, SLICE("xyz"));
    buf_deinit(&b);
}

static void a_buffer_can_be_used_after_deinit(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 3);
    assert_true(buf_append(&b, SLICE("abc")));
    buf_deinit(&b);
    assert_null(b.ptr);
    assert_true(buf_append(&b, SLICE("def")));
    assert_false(buf_byte(&b, 'g'));
    assert_holds(&b, SLICE("def"));
    buf_deinit(&b);
    buf_deinit(&b);
}

static const struct {
    size_t n;
    struct slice left;
} consume_cases[] = {
    {0, SLICE_INIT("abcdef")},
    {1, SLICE_INIT("bcdef") },
    {5, SLICE_INIT("f")     },
    {6, SLICE_INIT("")      },
};

static void consume_moves_the_rest_to_the_front(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(consume_cases); i++) {
        struct buf b;
        buf_init(&b, 100);
        assert_true(buf_append(&b, SLICE("abcdef")));
        buf_consume(&b, consume_cases[i].n);
        assert_holds(&b, consume_cases[i].left);
        buf_deinit(&b);
    }
}

static void consume_of_nothing_from_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1);
    buf_consume(&b, 0);
    assert_holds(&b, SLICE(""));
    buf_deinit(&b);
}

/* Random operations against a plain array as the model. */
static void a_shadow_model_agrees(void **state)
{
    enum { MAX = 300, ROUNDS = 100000 };
    char model[MAX + 1];
    size_t len = 0;
    uint64_t seed = 88172645463325252U;
    struct buf b;

    (void)state;
    buf_init(&b, MAX);
    for (int i = 0; i < ROUNDS; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        char piece[64];
        size_t n = seed % sizeof(piece);
        memset(piece, (char)('a' + i % 26), sizeof(piece));
        if (seed >> 32 & 1) {
            bool fits = n <= MAX - len;
            assert_int_equal(buf_append(&b, (struct slice){piece, n}), fits);
            memcpy(model + len, piece, fits ? n : 0);
            len += fits ? n : 0;
        } else {
            n = n < len ? n : len;
            buf_consume(&b, n);
            memmove(model, model + n, len - n);
            len -= n;
        }
        assert_holds(&b, (struct slice){model, len});
    }
    assert_true(b.failed); /* the limit was really met */
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_owns_nothing),
        cmocka_unit_test(room_that_was_reserved_is_filled_without_a_move),
        cmocka_unit_test(append_is_all_or_nothing),
        cmocka_unit_test(a_length_that_would_wrap_is_refused),
        cmocka_unit_test(a_maximum_of_zero_takes_nothing),
        cmocka_unit_test(growing_keeps_every_byte),
        cmocka_unit_test(numbers_are_decimal),
        cmocka_unit_test(printf_fits_exactly_or_not_at_all),
        cmocka_unit_test(failed_stays_until_clear),
        cmocka_unit_test(a_buffer_can_be_used_after_deinit),
        cmocka_unit_test(consume_moves_the_rest_to_the_front),
        cmocka_unit_test(consume_of_nothing_from_nothing),
        cmocka_unit_test(a_shadow_model_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
