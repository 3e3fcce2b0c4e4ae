/* test_slice.c - slices and the numbers read from them */
#include "shared/slice.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *label;
    struct slice text;
    uint64_t max;
    bool ok;
    uint64_t value;
} number_cases[] = {
    {"empty",                            SLICE_INIT(""),                                9,          false, 0         },
    {"zero",                             SLICE_INIT("0"),                               0,          true,  0         },
    {"one above a maximum of zero",      SLICE_INIT("1"),                               0,          false, 0         },
    {"digit above a maximum below nine", SLICE_INIT("9"),                               8,          false, 0         },
    {"max - 1",                          SLICE_INIT("3599"),                            3600,       true,  3599      },
    {"max",                              SLICE_INIT("3600"),                            3600,       true,  3600      },
    {"max + 1",                          SLICE_INIT("3601"),                            3600,       false, 0         },
    {"ten times max",                    SLICE_INIT("36000"),                           3600,       false, 0         },
    {"leading zeros",                    SLICE_INIT("0000000000000000000000000000007"), 7,          true,  7         },
    {"2^64 - 1",                         SLICE_INIT("18446744073709551615"),            UINT64_MAX, true,  UINT64_MAX},
    {"2^64",                             SLICE_INIT("18446744073709551616"),            UINT64_MAX, false, 0         },
    {"2^64 + 10",                        SLICE_INIT("18446744073709551626"),            UINT64_MAX, false, 0         },
    {"21 digits",                        SLICE_INIT("184467440737095516150"),           UINT64_MAX, false, 0         },
    {"plus sign",                        SLICE_INIT("+1"),                              9,          false, 0         },
    {"minus sign",                       SLICE_INIT("-1"),                              9,          false, 0         },
    {"space before",                     SLICE_INIT(" 1"),                              9,          false, 0         },
    {"space behind",                     SLICE_INIT("1 "),                              9,          false, 0         },
    {"newline behind",                   SLICE_INIT("1\n"),                             9,          false, 0         },
    {"hexadecimal",                      SLICE_INIT("0x1"),                             9,          false, 0         },
    {"fraction",                         SLICE_INIT("1.0"),                             9,          false, 0         },
    {"exponent",                         SLICE_INIT("1e1"),                             99,         false, 0         },
    {"NUL behind",                       SLICE_INIT("1\0"),                             9,          false, 0         },
    {"byte below the digits",            SLICE_INIT("/"),                               99,         false, 0         },
    {"byte above the digits",            SLICE_INIT(":"),                               99,         false, 0         },
    {"a digit of another script",        SLICE_INIT("\xEF\xBC\x91"),                    99,         false, 0         },
};

static void u64_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(number_cases); i++) {
        struct slice text = exact_copy(number_cases[i].text);
        uint64_t value = 4711;
        bool ok = slice_u64(text, number_cases[i].max, &value);
        uint64_t wanted = number_cases[i].ok ? number_cases[i].value : 4711;
        if (ok != number_cases[i].ok || value != wanted) {
            fail_msg("%s: ok %d, value %llu", number_cases[i].label, ok, (unsigned long long)value);
        }
        exact_free(text);
    }
}

static const struct {
    const char *label;
    struct slice a, b;
    bool equal, nocase, starts; /* starts: a starts with b */
} compare_cases[] = {
    {"both empty",              {NULL, 0},          {NULL, 0},          true,  true,  true },
    {"empty and NULL",          SLICE_INIT(""),     {NULL, 0},          true,  true,  true },
    {"text and empty",          SLICE_INIT("a"),    {NULL, 0},          false, false, true },
    {"empty and text",          {NULL, 0},          SLICE_INIT("a"),    false, false, false},
    {"same",                    SLICE_INIT("abc"),  SLICE_INIT("abc"),  true,  true,  true },
    {"other case",              SLICE_INIT("aBzZ"), SLICE_INIT("AbZz"), false, true,  false},
    {"prefix",                  SLICE_INIT("abc"),  SLICE_INIT("ab"),   false, false, true },
    {"longer than it",          SLICE_INIT("ab"),   SLICE_INIT("abc"),  false, false, false},
    {"other last byte",         SLICE_INIT("abc"),  SLICE_INIT("abd"),  false, false, false},
    {"behind a NUL",            SLICE_INIT("a\0b"), SLICE_INIT("a\0c"), false, false, false},
    {"@ is no letter",          SLICE_INIT("@"),    SLICE_INIT("`"),    false, false, false},
    {"[ is no letter",          SLICE_INIT("["),    SLICE_INIT("{"),    false, false, false},
    {"high bytes have no case", SLICE_INIT("\xC4"), SLICE_INIT("\xE4"), false, false, false},
};

static void comparing_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(compare_cases); i++) {
        struct slice a = compare_cases[i].a;
        struct slice b = compare_cases[i].b;
        if (slice_equal(a, b) != compare_cases[i].equal ||
            slice_equal_nocase(a, b) != compare_cases[i].nocase ||
            slice_starts(a, b) != compare_cases[i].starts) {
            fail_msg("%s", compare_cases[i].label);
        }
    }
}

static void text_of_null_is_empty(void **state)
{
    (void)state;
    assert_int_equal(slice_text(NULL).len, 0);
    assert_int_equal(slice_text("").len, 0);
    assert_true(slice_equal(slice_text("abc"), SLICE("abc")));
}

static const struct {
    const char *label;
    struct slice whole;
    size_t n;
    struct slice head, tail;
} split_cases[] = {
    {"NULL",         {NULL, 0},         3,        {NULL, 0},         {NULL, 0}        },
    {"nothing",      SLICE_INIT("abc"), 0,        SLICE_INIT(""),    SLICE_INIT("abc")},
    {"some",         SLICE_INIT("abc"), 2,        SLICE_INIT("ab"),  SLICE_INIT("c")  },
    {"all",          SLICE_INIT("abc"), 3,        SLICE_INIT("abc"), SLICE_INIT("")   },
    {"one too many", SLICE_INIT("abc"), 4,        SLICE_INIT("abc"), SLICE_INIT("")   },
    {"far too many", SLICE_INIT("abc"), SIZE_MAX, SLICE_INIT("abc"), SLICE_INIT("")   },
};

static void head_and_tail_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(split_cases); i++) {
        struct slice head = slice_head(split_cases[i].whole, split_cases[i].n);
        struct slice tail = slice_tail(split_cases[i].whole, split_cases[i].n);
        if (!slice_equal(head, split_cases[i].head) || !slice_equal(tail, split_cases[i].tail)) {
            fail_msg("%s", split_cases[i].label);
        }
    }
}

static const struct {
    const char *label;
    struct slice whole, before, rest;
} cut_cases[] = {
    {"NULL",         {NULL, 0},           {NULL, 0},         {NULL, 0}        },
    {"without",      SLICE_INIT("abc"),   SLICE_INIT("abc"), SLICE_INIT("")   },
    {"between",      SLICE_INIT("a:b:c"), SLICE_INIT("a"),   SLICE_INIT("b:c")},
    {"first",        SLICE_INIT(":b"),    SLICE_INIT(""),    SLICE_INIT("b")  },
    {"last",         SLICE_INIT("a:"),    SLICE_INIT("a"),   SLICE_INIT("")   },
    {"alone",        SLICE_INIT(":"),     SLICE_INIT(""),    SLICE_INIT("")   },
    {"behind a NUL", SLICE_INIT("a\0:b"), SLICE_INIT("a\0"), SLICE_INIT("b")  },
};

static void cut_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cut_cases); i++) {
        struct slice whole = exact_copy(cut_cases[i].whole);
        struct slice rest = whole;
        struct slice before = slice_cut(&rest, ':');
        if (!slice_equal(before, cut_cases[i].before) || !slice_equal(rest, cut_cases[i].rest)) {
            fail_msg("%s", cut_cases[i].label);
        }
        exact_free(whole);
    }
}

static const struct {
    const char *label;
    struct slice text, trimmed;
} trim_cases[] = {
    {"NULL",          {NULL, 0},               {NULL, 0}          },
    {"only blanks",   SLICE_INIT(" \t "),      SLICE_INIT("")     },
    {"both ends",     SLICE_INIT("\t a b \t"), SLICE_INIT("a b")  },
    {"nothing to do", SLICE_INIT("ab"),        SLICE_INIT("ab")   },
    {"newlines stay", SLICE_INIT("\na\r"),     SLICE_INIT("\na\r")},
};

static void trim_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(trim_cases); i++) {
        struct slice text = exact_copy(trim_cases[i].text);
        if (!slice_equal(slice_trim(text), trim_cases[i].trimmed)) {
            fail_msg("%s", trim_cases[i].label);
        }
        exact_free(text);
    }
}

static void what_it_is_made_of_follows_the_table(void **state)
{
    static const struct {
        struct slice s;
        const char *others;
        bool good;
    } cases[] = {
        {SLICE_INIT(""),         "",   true },
        {SLICE_INIT("azAZ09"),   "",   true },
        {SLICE_INIT("a-z"),      "-_", true },
        {SLICE_INIT("-_-"),      "-_", true },
        {SLICE_INIT("a.z"),      "-_", false},
        {SLICE_INIT("ab "),      "-_", false},
        {SLICE_INIT(" "),        " ",  true },
        {SLICE_INIT("a\0b"),     "-_", false}, /* strchr finds the NUL of any text */
        {SLICE_INIT("\0"),       "",   false},
        {SLICE_INIT("\xc3\xa4"), "-_", false},
        {SLICE_INIT("/"),        "",   false}, /* beside '0', '9', 'A', 'Z', 'a', 'z' */
        {SLICE_INIT(":"),        "",   false},
        {SLICE_INIT("@"),        "",   false},
        {SLICE_INIT("["),        "",   false},
        {SLICE_INIT("`"),        "",   false},
        {SLICE_INIT("{"),        "",   false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice copy = exact_copy(cases[i].s);
        if (slice_made_of(copy, cases[i].others) != cases[i].good) {
            fail_msg("row %zu", i);
        }
        assert_int_equal(slice_is_word(copy, cases[i].others), cases[i].good && copy.len > 0);
        exact_free(copy);
    }
    assert_true(slice_made_of((struct slice){NULL, 0}, "-"));
    assert_false(slice_is_word((struct slice){NULL, 0}, "-"));
}

/* The first three are from the authors' own list of test vectors. */
static void the_hash_is_fnv_1a(void **state)
{
    static const struct {
        struct slice s;
        uint64_t hash;
    } cases[] = {
        {SLICE_INIT(""),       0xcbf29ce484222325},
        {SLICE_INIT("a"),      0xaf63dc4c8601ec8c},
        {SLICE_INIT("foobar"), 0x85944171f73967e8},
        {SLICE_INIT("\xff\0"), 0x0a99a607b6f60bea},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice copy = exact_copy(cases[i].s);
        assert_true(slice_hash(copy) == cases[i].hash);
        exact_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u64_follows_the_table),
        cmocka_unit_test(comparing_follows_the_table),
        cmocka_unit_test(text_of_null_is_empty),
        cmocka_unit_test(head_and_tail_follow_the_table),
        cmocka_unit_test(cut_follows_the_table),
        cmocka_unit_test(trim_follows_the_table),
        cmocka_unit_test(what_it_is_made_of_follows_the_table),
        cmocka_unit_test(the_hash_is_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
