/* test_utf8.c - every short sequence against an independent reading of RFC 3629 */
#include "shared/utf8.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* The oracle: decodes by arithmetic and asks about the code point, where the code under test asks
 * about ranges of bytes. */
static size_t announced_length(unsigned char first)
{
    static const size_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 3, 4};

    return first > 0xF7 ? 0 : lengths[first >> 4];
}

static uint32_t decoded(const unsigned char *p, size_t n)
{
    uint32_t code = n == 1 ? p[0] : p[0] & (0x7FU >> n);

    for (size_t i = 1; i < n; i++) {
        code = code << 6 | (p[i] & 0x3FU);
    }
    return code;
}

/* Length of the first character, 0 when there is none. */
static size_t oracle_character(const unsigned char *p, size_t len)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = announced_length(p[0]);

    if (n == 0 || n > len) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2) {
            return 0;
        }
    }
    uint32_t code = decoded(p, n);
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code >= smallest[n] && code <= 0x10FFFF && !surrogate ? n : 0;
}

static bool oracle_valid(const unsigned char *p, size_t len)
{
    while (len > 0) {
        size_t n = oracle_character(p, len);
        if (n == 0) {
            return false;
        }
        p += n;
        len -= n;
    }
    return true;
}

static bool agree(const unsigned char *p, size_t len)
{
    return utf8_valid((struct slice){(const char *)p, len}) == oracle_valid(p, len);
}

static void empty_is_valid(void **state)
{
    (void)state;
    assert_true(utf8_valid((struct slice){NULL, 0}));
}

static void every_sequence_of_one_or_two_bytes(void **state)
{
    size_t valid = 0;
    unsigned char *p = malloc(2); /* exactly: a third byte must not be looked at */

    (void)state;
    assert_non_null(p);
    for (unsigned word = 0; word < 0x10000; word++) {
        p[0] = (unsigned char)(word >> 8);
        p[1] = (unsigned char)word;
        if (!agree(p, 2) || !agree(p + 1, 1)) {
            fail_msg("%02x %02x", p[0], p[1]);
        }
        valid += utf8_valid((struct slice){(const char *)p, 2});
    }
    free(p);
    /* Two ASCII bytes, or one of the code points U+0080 to U+07FF. */
    assert_int_equal(valid, 128 * 128 + 0x780);
}

static const unsigned char boundary[] = {
    0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
    0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xFF,
};

static void boundary_sequences_of_three_or_four_bytes(void **state)
{
    size_t valid = 0;
    unsigned char p[4];

    (void)state;
    for (size_t i = 0; i < ROWS(boundary) * ROWS(boundary) * ROWS(boundary) * ROWS(boundary); i++) {
        size_t rest = i;
        for (size_t k = 0; k < 4; k++) {
            p[k] = boundary[rest % ROWS(boundary)];
            rest /= ROWS(boundary);
        }
        if (!agree(p, 4) || !agree(p, 3)) {
            fail_msg("%02x %02x %02x %02x", p[0], p[1], p[2], p[3]);
        }
        valid += utf8_valid((struct slice){(const char *)p, 4});
    }
    assert_true(valid > 100);
}

static const struct {
    const char *label;
    struct slice text;
    bool valid;
} cases[] = {
    {"ASCII with NUL",                   SLICE_INIT("a\0b"),                                 true },
    {"two, three and four bytes",        SLICE_INIT("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), true },
    {"BOM",                              SLICE_INIT("\xEF\xBB\xBFx"),                        true },
    {"noncharacter U+FFFF",              SLICE_INIT("\xEF\xBF\xBF"),                         true },
    {"U+10FFFF",                         SLICE_INIT("\xF4\x8F\xBF\xBF"),                     true },
    {"U+110000",                         SLICE_INIT("\xF4\x90\x80\x80"),                     false},
    {"overlong slash",                   SLICE_INIT("\xC0\xAF"),                             false},
    {"overlong NUL",                     SLICE_INIT("\xC0\x80"),                             false},
    {"overlong in three",                SLICE_INIT("\xE0\x9F\xBF"),                         false},
    {"overlong in four",                 SLICE_INIT("\xF0\x8F\xBF\xBF"),                     false},
    {"first surrogate",                  SLICE_INIT("\xED\xA0\x80"),                         false},
    {"last surrogate",                   SLICE_INIT("\xED\xBF\xBF"),                         false},
    {"surrogate pair (CESU-8)",          SLICE_INIT("\xED\xA0\xBD\xED\xB8\x80"),             false},
    {"five bytes",                       SLICE_INIT("\xF8\x88\x80\x80\x80"),                 false},
    {"Latin-1",                          SLICE_INIT("caf\xE9"),                              false},
    {"cut in two",                       SLICE_INIT("\xC3"),                                 false},
    {"cut in three",                     SLICE_INIT("\xE2\x82"),                             false},
    {"cut in four",                      SLICE_INIT("\xF0\x9F\x98"),                         false},
    {"stray continuation",               SLICE_INIT("a\x80"),                                false},
    {"ASCII in place of a continuation", SLICE_INIT("\xE2\x82z"),                            false},
};

static void valid_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice text = exact_copy(cases[i].text);
        if (utf8_valid(text) != cases[i].valid) {
            fail_msg("%s", cases[i].label);
        }
        exact_free(text);
    }
}

/* ASCII is looked at in words: a bad byte must be found at every place of one, in every length. */
static void one_bad_byte_is_found_everywhere(void **state)
{
    char text[40];

    (void)state;
    for (size_t len = 1; len <= sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            memset(text, 'a', sizeof(text));
            struct slice good = exact_copy((struct slice){text, len});
            text[at] = (char)0x80;
            struct slice bad = exact_copy((struct slice){text, len});
            assert_true(utf8_valid(good));
            assert_false(utf8_valid(bad));
            exact_free(good);
            exact_free(bad);
        }
    }
}

static void check_encoded(uint32_t code, size_t wanted)
{
    char bytes[4];
    size_t n = utf8_encode(code, bytes);

    if (n != wanted || decoded((const unsigned char *)bytes, n) != code ||
        !utf8_valid((struct slice){bytes, n})) {
        fail_msg("U+%04X", (unsigned)code);
    }
}

static const struct {
    uint32_t first, last;
    size_t length;
} planes[] = {
    {0,       0x7F,     1},
    {0x80,    0x7FF,    2},
    {0x800,   0xD7FF,   3},
    {0xE000,  0xFFFF,   3},
    {0x10000, 0x10FFFF, 4},
};

static void every_code_point_is_encoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(planes); i++) {
        for (uint32_t code = planes[i].first; code <= planes[i].last; code++) {
            check_encoded(code, planes[i].length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_valid),
        cmocka_unit_test(every_sequence_of_one_or_two_bytes),
        cmocka_unit_test(boundary_sequences_of_three_or_four_bytes),
        cmocka_unit_test(valid_follows_the_table),
        cmocka_unit_test(one_bad_byte_is_found_everywhere),
        cmocka_unit_test(every_code_point_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
