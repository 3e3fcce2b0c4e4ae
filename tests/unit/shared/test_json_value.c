/* test_json_value.c - walking, finding, decoding and writing JSON */
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static struct json parsed(struct slice text)
{
    struct json value;

    assert_int_equal(json_parse(text, &value), JSON_OK);
    return value;
}

/* ---- Walking --------------------------------------------------------------------------------- */

/* Walked to "key=value;" or "value;" for each member or item. */
static const struct {
    const char *label;
    struct slice text;
    const char *walked;
} walk_cases[] = {
    {"empty array",             SLICE_INIT("[]"),                                                  ""                  },
    {"empty array with space",  SLICE_INIT("[ \n ]"),                                              ""                  },
    {"empty object",            SLICE_INIT("{}"),                                                  ""                  },
    {"empty object with space", SLICE_INIT("{\t}"),                                                ""                  },
    {"one item",                SLICE_INIT("[1]"),                                                 "1;"                },
    {"items of all types",      SLICE_INIT("[null,true,-1.5E+3,\"a,b\",[1,2],{\"c\":3}]"),
     "null;true;-1.5E+3;\"a,b\";[1,2];{\"c\":3};"                                                                      },
    {"space everywhere",        SLICE_INIT(" [ 1 ,\n2\t, [ 3 ] ] "),                               "1;2;[ 3 ];"        },
    {"members",                 SLICE_INIT("{\"a\":1,\"b\":[2]}"),                                 "\"a\"=1;\"b\"=[2];"},
    {"members with space",      SLICE_INIT("{ \"a\" : 1 , \"b\" : { } }"),                         "\"a\"=1;\"b\"={ };"},
    {"brackets in strings",     SLICE_INIT("[\"]\",\"}\\\"]\",{\"[{\":\"\\\\\"}]"),
     "\"]\";\"}\\\"]\";{\"[{\":\"\\\\\"};"                                                                             },
    {"long strings",            SLICE_INIT("[\"0123456789abcdef0123\",\"0123456\\\"789abcdef\"]"),
     "\"0123456789abcdef0123\";\"0123456\\\"789abcdef\";"                                                              },
    {"a string has no items",   SLICE_INIT("\"[1,2]\""),                                           ""                  },
    {"a number has no items",   SLICE_INIT("12"),                                                  ""                  },
    {"null has no items",       SLICE_INIT("null"),                                                ""                  },
};

/* Appends what a walk comes by. */
static void walk_all(struct json container, struct buf *seen)
{
    struct json_walk w = json_walk(container);
    struct json key;
    struct json value;

    while (json_next(&w, &key, &value)) {
        if (container.type == JSON_OBJECT) {
            assert_int_equal(key.type, JSON_STRING);
            assert_true(buf_append(seen, key.raw) && buf_byte(seen, '='));
        }
        assert_true(buf_append(seen, value.raw) && buf_byte(seen, ';'));
    }
    assert_false(json_next(&w, &key, &value)); /* it stays at the end */
}

static void walk_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(walk_cases); i++) {
        struct slice text = exact_copy(walk_cases[i].text);
        struct buf seen;
        buf_init(&seen, 1000);
        walk_all(parsed(text), &seen);
        if (!slice_equal(buf_slice(&seen), slice_text(walk_cases[i].walked))) {
            fail_msg("%s: %s", walk_cases[i].label, seen.ptr ? seen.ptr : "");
        }
        buf_deinit(&seen);
        exact_free(text);
    }
}

/* ---- Finding --------------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct slice text, key;
    enum json_err err;
    struct slice raw;
} find_cases[] = {
    {"only one",                    SLICE_INIT("{\"a\":1}"),                         SLICE_INIT("a"),                JSON_OK,          SLICE_INIT("1")},
    {"first",                       SLICE_INIT("{\"a\":1,\"b\":2}"),                 SLICE_INIT("a"),                JSON_OK,          SLICE_INIT("1")},
    {"last",                        SLICE_INIT("{\"a\":1,\"b\":2}"),                 SLICE_INIT("b"),                JSON_OK,          SLICE_INIT("2")},
    {"empty object",                SLICE_INIT("{}"),                                SLICE_INIT("a"),                JSON_E_ABSENT,    SLICE_INIT("") },
    {"absent",                      SLICE_INIT("{\"b\":1}"),                         SLICE_INIT("a"),                JSON_E_ABSENT,    SLICE_INIT("") },
    {"twice",                       SLICE_INIT("{\"a\":1,\"a\":1}"),                 SLICE_INIT("a"),                JSON_E_DUPLICATE, SLICE_INIT("") },
    {"twice, once escaped",         SLICE_INIT("{\"a\":1,\"\\u0061\":2}"),           SLICE_INIT("a"),
     JSON_E_DUPLICATE,                                                                                                                 SLICE_INIT("") },
    {"thrice",                      SLICE_INIT("{\"a\":1,\"b\":0,\"a\":2,\"a\":3}"), SLICE_INIT("a"),                JSON_E_DUPLICATE,
     SLICE_INIT("")                                                                                                                                   },
    {"another one twice",           SLICE_INIT("{\"b\":1,\"b\":1,\"a\":3}"),         SLICE_INIT("a"),                JSON_OK,
     SLICE_INIT("3")                                                                                                                                  },
    {"other case",                  SLICE_INIT("{\"TO\":1}"),                        SLICE_INIT("to"),               JSON_E_ABSENT,    SLICE_INIT("") },
    {"both cases",                  SLICE_INIT("{\"TO\":1,\"to\":2}"),               SLICE_INIT("to"),               JSON_OK,          SLICE_INIT("2")},
    {"key longer than asked",       SLICE_INIT("{\"ab\":1}"),                        SLICE_INIT("a"),                JSON_E_ABSENT,
     SLICE_INIT("")                                                                                                                                   },
    {"key shorter than asked",      SLICE_INIT("{\"a\":1}"),                         SLICE_INIT("ab"),               JSON_E_ABSENT,
     SLICE_INIT("")                                                                                                                                   },
    {"empty key",                   SLICE_INIT("{\"\":1}"),                          SLICE_INIT(""),                 JSON_OK,          SLICE_INIT("1")},
    {"empty key asked",             SLICE_INIT("{\"a\":1}"),                         SLICE_INIT(""),                 JSON_E_ABSENT,    SLICE_INIT("") },
    {"escaped",                     SLICE_INIT("{\"\\u0061\\n\":1}"),                SLICE_INIT("a\n"),              JSON_OK,          SLICE_INIT("1")},
    {"escaped and longer",          SLICE_INIT("{\"a\\n\":1}"),                      SLICE_INIT("a"),                JSON_E_ABSENT,
     SLICE_INIT("")                                                                                                                                   },
    {"cut at a NUL",                SLICE_INIT("{\"a\\u0000b\":1}"),                 SLICE_INIT("a"),                JSON_E_ABSENT,
     SLICE_INIT("")                                                                                                                                   },
    {"with a NUL",                  SLICE_INIT("{\"a\\u0000b\":1}"),                 SLICE_INIT("a\0b"),             JSON_OK,          SLICE_INIT("1")},
    {"emoji by a pair",             SLICE_INIT("{\"\\uD83D\\uDE00\":1}"),            SLICE_INIT("\xF0\x9F\x98\x80"),
     JSON_OK,                                                                                                                          SLICE_INIT("1")},
    {"half a character is no key",  SLICE_INIT("{\"a\\uD83D\":1}"),                  SLICE_INIT("a"),                JSON_E_ABSENT,
     SLICE_INIT("")                                                                                                                                   },
    {"deeper is not found",         SLICE_INIT("{\"b\":{\"a\":1}}"),                 SLICE_INIT("a"),                JSON_E_ABSENT,
     SLICE_INIT("")                                                                                                                                   },
    {"a value is no key",           SLICE_INIT("{\"b\":\"a\"}"),                     SLICE_INIT("a"),                JSON_E_ABSENT,
     SLICE_INIT("")                                                                                                                                   },
    {"__proto__ is like any other", SLICE_INIT("{\"__proto__\":1}"),                 SLICE_INIT("a"),                JSON_E_ABSENT,
     SLICE_INIT("")                                                                                                                                   },
    {"array",                       SLICE_INIT("[\"a\",1]"),                         SLICE_INIT("a"),                JSON_E_TYPE,      SLICE_INIT("") },
    {"string",                      SLICE_INIT("\"a\""),                             SLICE_INIT("a"),                JSON_E_TYPE,      SLICE_INIT("") },
    {"null",                        SLICE_INIT("null"),                              SLICE_INIT("a"),                JSON_E_TYPE,      SLICE_INIT("") },
};

static void find_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(find_cases); i++) {
        struct slice text = exact_copy(find_cases[i].text);
        struct slice key = exact_copy(find_cases[i].key);
        struct json found;
        enum json_err err = json_find(parsed(text), key, &found);
        if (err != find_cases[i].err ||
            (err == JSON_OK && !slice_equal(found.raw, find_cases[i].raw))) {
            fail_msg("%s: %d", find_cases[i].label, (int)err);
        }
        exact_free(key);
        exact_free(text);
    }
}

/* In one walk, each by itself: {name, err, value} for one text. */
static void several_are_found_at_once(void **state)
{
    static const struct slice text =
        SLICE_INIT("{\"to\":1,\"x\":{\"from\":0},\"\\u0074o\":2,\"text\":[3],\"x\":4,\"\":null}");
    struct json_member members[] = {
        {.name = SLICE_INIT("text")}, {.name = SLICE_INIT("from")}, {.name = SLICE_INIT("to")},
        {.name = SLICE_INIT("")},     {.name = SLICE_INIT("text")},
    };
    static const enum json_err errs[] = {JSON_OK, JSON_E_ABSENT, JSON_E_DUPLICATE, JSON_OK,
                                         JSON_OK};
    struct slice copy = exact_copy(text);

    (void)state;
    json_find_all(parsed(copy), members, ROWS(members));
    for (size_t i = 0; i < ROWS(members); i++) {
        assert_int_equal(members[i].err, errs[i]);
    }
    assert_true(slice_equal(members[0].value.raw, SLICE("[3]")));
    assert_true(slice_equal(members[4].value.raw, SLICE("[3]")));
    assert_int_equal(members[3].value.type, JSON_NULL);
    json_find_all(parsed(SLICE("[\"to\",1]")), members, ROWS(members));
    for (size_t i = 0; i < ROWS(members); i++) {
        assert_int_equal(members[i].err, JSON_E_TYPE);
    }
    exact_free(copy);
}

/* ---- Strings --------------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct slice text;
    enum json_err err;
    struct slice decoded;
} string_cases[] = {
    {"empty",                          SLICE_INIT("\"\""),                           JSON_OK,          SLICE_INIT("")                 },
    {"plain",                          SLICE_INIT("\"hello\""),                      JSON_OK,          SLICE_INIT("hello")            },
    {"all short escapes",              SLICE_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), JSON_OK,
     SLICE_INIT("\"\\/\b\f\n\r\t")                                                                                                    },
    {"between plain text",             SLICE_INIT("\"a\\nb\""),                      JSON_OK,          SLICE_INIT("a\nb")             },
    {"NUL",                            SLICE_INIT("\"a\\u0000b\""),                  JSON_OK,          SLICE_INIT("a\0b")             },
    {"one byte",                       SLICE_INIT("\"\\u007F\""),                    JSON_OK,          SLICE_INIT("\x7F")             },
    {"two bytes",                      SLICE_INIT("\"\\u0080\\u07ff\""),             JSON_OK,          SLICE_INIT("\xC2\x80\xDF\xBF") },
    {"three bytes",                    SLICE_INIT("\"\\u0800\\uFFFF\""),             JSON_OK,
     SLICE_INIT("\xE0\xA0\x80\xEF\xBF\xBF")                                                                                           },
    {"around the surrogates",          SLICE_INIT("\"\\uD7FF\\uE000\""),             JSON_OK,
     SLICE_INIT("\xED\x9F\xBF\xEE\x80\x80")                                                                                           },
    {"first pair",                     SLICE_INIT("\"\\uD800\\uDC00\""),             JSON_OK,          SLICE_INIT("\xF0\x90\x80\x80") },
    {"last pair",                      SLICE_INIT("\"\\uDBFF\\uDFFF\""),             JSON_OK,          SLICE_INIT("\xF4\x8F\xBF\xBF") },
    {"emoji",                          SLICE_INIT("\"\\ud83d\\ude00!\""),            JSON_OK,          SLICE_INIT("\xF0\x9F\x98\x80!")},
    {"UTF-8 passes",                   SLICE_INIT("\"\xC3\xA9\xF0\x9F\x98\x80\""),   JSON_OK,
     SLICE_INIT("\xC3\xA9\xF0\x9F\x98\x80")                                                                                           },
    {"escaped backslash before u",     SLICE_INIT("\"\\\\u0041\""),                  JSON_OK,          SLICE_INIT("\\u0041")          },
    {"high alone",                     SLICE_INIT("\"\\uD83D\""),                    JSON_E_SURROGATE, SLICE_INIT("")                 },
    {"low alone",                      SLICE_INIT("\"\\uDE00\""),                    JSON_E_SURROGATE, SLICE_INIT("")                 },
    {"swapped",                        SLICE_INIT("\"\\uDE00\\uD83D\""),             JSON_E_SURROGATE, SLICE_INIT("")                 },
    {"two low",                        SLICE_INIT("\"\\uDE00\\uDE00\""),             JSON_E_SURROGATE, SLICE_INIT("")                 },
    {"high before letters like a low", SLICE_INIT("\"\\uD83DxxDE00\""),              JSON_E_SURROGATE,
     SLICE_INIT("")                                                                                                                   },
    {"two high",                       SLICE_INIT("\"\\uD83D\\uD83D\\uDE00\""),      JSON_E_SURROGATE, SLICE_INIT("")                 },
    {"high before text",               SLICE_INIT("\"a\\uD83Dxxxxxx\""),             JSON_E_SURROGATE, SLICE_INIT("a")                },
    {"high before another escape",     SLICE_INIT("\"\\uD83D\\n12345\""),            JSON_E_SURROGATE,
     SLICE_INIT("")                                                                                                                   },
    {"high before a usual one",        SLICE_INIT("\"\\uD83D\\u0041\""),             JSON_E_SURROGATE, SLICE_INIT("")                 },
    {"high before one behind the low", SLICE_INIT("\"\\uD83D\\uE000\""),             JSON_E_SURROGATE,
     SLICE_INIT("")                                                                                                                   },
    {"number",                         SLICE_INIT("12"),                             JSON_E_TYPE,      SLICE_INIT("")                 },
    {"array",                          SLICE_INIT("[\"a\"]"),                        JSON_E_TYPE,      SLICE_INIT("")                 },
    {"null",                           SLICE_INIT("null"),                           JSON_E_TYPE,      SLICE_INIT("")                 },
};

static void string_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(string_cases); i++) {
        struct slice text = exact_copy(string_cases[i].text);
        struct buf out;
        buf_init(&out, 100);
        enum json_err err = json_string(parsed(text), &out);
        if (err != string_cases[i].err || !slice_equal(buf_slice(&out), string_cases[i].decoded)) {
            fail_msg("%s: %d", string_cases[i].label, (int)err);
        }
        buf_deinit(&out);
        exact_free(text);
    }
}

/* The limit counts decoded bytes: n - 1, n, n + 1. */
static void string_is_limited_by_the_buffer(void **state)
{
    static const struct slice text = SLICE_INIT("\"\\u0041\xC3\xA9\\n\""); /* 4 bytes decoded */

    (void)state;
    for (size_t max = 3; max <= 5; max++) {
        struct buf out;
        buf_init(&out, max);
        enum json_err wanted = max < 4 ? JSON_E_TOO_LARGE : JSON_OK;
        assert_int_equal(json_string(parsed(text), &out), wanted);
        buf_deinit(&out);
    }
}

/* Every code unit, alone: exactly the surrogates are refused, the others decode to themselves. */
static void every_unicode_escape(void **state)
{
    (void)state;
    for (unsigned unit = 0; unit <= 0xFFFF; unit++) {
        char text[16];
        char bytes[4];
        struct buf out;
        int n = snprintf(text, sizeof(text), "\"\\u%04x\"", unit);
        bool surrogate = unit >= 0xD800 && unit <= 0xDFFF;
        buf_init(&out, 4);
        enum json_err err = json_string(parsed((struct slice){text, (size_t)n}), &out);
        assert_int_equal(err, surrogate ? JSON_E_SURROGATE : JSON_OK);
        if (!surrogate) {
            struct slice wanted = {bytes, utf8_encode(unit, bytes)};
            assert_true(slice_equal(buf_slice(&out), wanted));
        }
        buf_deinit(&out);
    }
}

/* ---- Numbers and words ----------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct slice text;
    uint64_t max;
    enum json_err err;
    uint64_t value;
} number_cases[] = {
    {"0",                  SLICE_INIT("0"),                              0,          JSON_OK,          0               },
    {"max - 1",            SLICE_INIT("99"),                             100,        JSON_OK,          99              },
    {"max",                SLICE_INIT("100"),                            100,        JSON_OK,          100             },
    {"max + 1",            SLICE_INIT("101"),                            100,        JSON_E_TOO_LARGE, 0               },
    {"2^53 + 1",           SLICE_INIT("9007199254740993"),               UINT64_MAX, JSON_OK,          9007199254740993},
    {"2^64 - 1",           SLICE_INIT("18446744073709551615"),           UINT64_MAX, JSON_OK,          UINT64_MAX      },
    {"2^64",               SLICE_INIT("18446744073709551616"),           UINT64_MAX, JSON_E_TOO_LARGE, 0               },
    {"30 digits",          SLICE_INIT("100000000000000000000000000000"), UINT64_MAX, JSON_E_TOO_LARGE, 0               },
    {"-0",                 SLICE_INIT("-0"),                             9,          JSON_E_TYPE,      0               },
    {"-1",                 SLICE_INIT("-1"),                             9,          JSON_E_TYPE,      0               },
    {"1.0",                SLICE_INIT("1.0"),                            9,          JSON_E_TYPE,      0               },
    {"1e0",                SLICE_INIT("1e0"),                            9,          JSON_E_TYPE,      0               },
    {"1e999",              SLICE_INIT("1e999"),                          UINT64_MAX, JSON_E_TYPE,      0               },
    {"fraction above max", SLICE_INIT("999.5"),                          9,          JSON_E_TYPE,      0               },
    {"digits in a string", SLICE_INIT("\"1\""),                          9,          JSON_E_TYPE,      0               },
    {"true",               SLICE_INIT("true"),                           9,          JSON_E_TYPE,      0               },
    {"null",               SLICE_INIT("null"),                           9,          JSON_E_TYPE,      0               },
    {"array",              SLICE_INIT("[1]"),                            9,          JSON_E_TYPE,      0               },
};

static void u64_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(number_cases); i++) {
        struct slice text = exact_copy(number_cases[i].text);
        uint64_t value = 4711;
        enum json_err err = json_u64(parsed(text), number_cases[i].max, &value);
        uint64_t wanted = number_cases[i].err == JSON_OK ? number_cases[i].value : 4711;
        if (err != number_cases[i].err || value != wanted) {
            fail_msg("%s: %d", number_cases[i].label, (int)err);
        }
        exact_free(text);
    }
}

static void only_true_is_true(void **state)
{
    (void)state;
    assert_true(json_is_true(parsed(SLICE("true"))));
    assert_false(json_is_true(parsed(SLICE("false"))));
    assert_false(json_is_true(parsed(SLICE("null"))));
    assert_false(json_is_true(parsed(SLICE("1"))));
    assert_false(json_is_true(parsed(SLICE("\"true\""))));
}

/* ---- Writing --------------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct slice text, written;
} write_cases[] = {
    {"NULL",                   {NULL, 0},                                          SLICE_INIT("\"\"")               },
    {"plain",                  SLICE_INIT("hello"),                                SLICE_INIT("\"hello\"")          },
    {"quote and backslash",    SLICE_INIT("a\"b\\c"),                              SLICE_INIT("\"a\\\"b\\\\c\"")    },
    {"slash stays",            SLICE_INIT("a/b"),                                  SLICE_INIT("\"a/b\"")            },
    {"short escapes",          SLICE_INIT("\b\f\n\r\t"),                           SLICE_INIT("\"\\b\\f\\n\\r\\t\"")},
    {"NUL and other controls", SLICE_INIT("\0\x1F"),                               SLICE_INIT("\"\\u0000\\u001f\"") },
    {"DEL stays",              SLICE_INIT("\x7F"),                                 SLICE_INIT("\"\x7F\"")           },
    {"UTF-8 stays",            SLICE_INIT("\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80"),
     SLICE_INIT("\"\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80\"")                                                         },
    {"far into the text",      SLICE_INIT("0123456789abcdef\"0123456789abcdef\n"),
     SLICE_INIT("\"0123456789abcdef\\\"0123456789abcdef\\n\"")                                                      },
};

static void append_string_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(write_cases); i++) {
        struct slice text = exact_copy(write_cases[i].text);
        struct buf out;
        buf_init(&out, 100);
        assert_true(json_append_string(&out, text));
        if (!slice_equal(buf_slice(&out), write_cases[i].written)) {
            fail_msg("%s: %s", write_cases[i].label, out.ptr);
        }
        buf_deinit(&out);
        exact_free(text);
    }
}

/* Whole or not at all, for every size of the buffer. */
static void append_string_takes_back_what_does_not_fit(void **state)
{
    static const struct slice wanted = SLICE_INIT("[\"a\\nb\\u0001\"");

    (void)state;
    for (size_t max = 1; max <= wanted.len; max++) {
        struct buf out;
        buf_init(&out, max);
        assert_true(buf_byte(&out, '['));
        bool fits = json_append_string(&out, SLICE("a\nb\x01"));
        assert_int_equal(fits, max == wanted.len);
        assert_true(slice_equal(buf_slice(&out), fits ? wanted : SLICE("[")));
        assert_int_equal(out.ptr[out.len], '\0');
        assert_int_equal(out.failed, !fits);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_follows_the_table),
        cmocka_unit_test(find_follows_the_table),
        cmocka_unit_test(several_are_found_at_once),
        cmocka_unit_test(string_follows_the_table),
        cmocka_unit_test(string_is_limited_by_the_buffer),
        cmocka_unit_test(every_unicode_escape),
        cmocka_unit_test(u64_follows_the_table),
        cmocka_unit_test(only_true_is_true),
        cmocka_unit_test(append_string_follows_the_table),
        cmocka_unit_test(append_string_takes_back_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
