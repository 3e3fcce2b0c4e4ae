/* test_json.c - exactly the texts of RFC 8259 are JSON, in the manner of JSONTestSuite */
#include "shared/json.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Wanted: Y is valid, N is a syntax error, U is not UTF-8. */
#define Y JSON_OK
#define N JSON_E_SYNTAX
#define U JSON_E_UTF8

/* clang-format off */
static const struct {
    const char *label;
    struct slice text;
    enum json_err err;
} cases[] = {
    /* white space and what stands alone */
    {"nothing",                        SLICE_INIT(""),                                                                N},
    {"NULL",                           {NULL, 0},                                                                     N},
    {"only space",                     SLICE_INIT(" \t\r\n"),                                                         N},
    {"all kinds of space",             SLICE_INIT(" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n"),                 Y},
    {"space around a colon",           SLICE_INIT("{ \"a\" \n:\t1 }"),                                                Y},
    {"vertical tab",                   SLICE_INIT("[\v1]"),                                                           N},
    {"form feed",                      SLICE_INIT("[\f]"),                                                            N},
    {"no-break space",                 SLICE_INIT("[\xC2\xA0]"),                                                      N},
    {"word joiner",                    SLICE_INIT("[\xE2\x81\xA0]"),                                                  N},
    {"BOM in front",                   SLICE_INIT("\xEF\xBB\xBF{}"),                                                  N},
    {"BOM alone",                      SLICE_INIT("\xEF\xBB\xBF"),                                                    N},
    {"half a BOM",                     SLICE_INIT("\xEF\xBB{}"),                                                      N},
    {"UTF-16",                         SLICE_INIT("[\0\"\0a\0\"\0]\0"),                                               N},
    {"NUL behind",                     SLICE_INIT("1\0"),                                                             N},
    {"NUL in front",                   SLICE_INIT("\0[]"),                                                            N},
    {"NUL between",                    SLICE_INIT("[\0]"),                                                            N},
    {"a lone byte above ASCII",        SLICE_INIT("\xE9"),                                                            N},
    {"star",                           SLICE_INIT("*"),                                                               N},
    {"angle bracket",                  SLICE_INIT("<.>"),                                                             N},
    {"comment",                        SLICE_INIT("[1/* */]"),                                                        N},
    {"line comment",                   SLICE_INIT("{} // x"),                                                         N},
    {"hash behind",                    SLICE_INIT("{\"a\":\"b\"}#"),                                                  N},
    {"two values",                     SLICE_INIT("1 2"),                                                             N},
    {"two arrays",                     SLICE_INIT("[][]"),                                                            N},
    {"comma behind",                   SLICE_INIT("[],"),                                                             N},
    {"comma in front",                 SLICE_INIT(",[]"),                                                             N},
    {"only a comma",                   SLICE_INIT(","),                                                               N},
    {"only a colon",                   SLICE_INIT(":"),                                                               N},
    {"expression",                     SLICE_INIT("1+2"),                                                             N},
    /* words */
    {"true",                           SLICE_INIT("true"),                                                            Y},
    {"false",                          SLICE_INIT("false"),                                                           Y},
    {"null",                           SLICE_INIT("null"),                                                            Y},
    {"null between spaces",            SLICE_INIT(" null "),                                                          Y},
    {"True",                           SLICE_INIT("True"),                                                            N},
    {"TRUE",                           SLICE_INIT("TRUE"),                                                            N},
    {"tru",                            SLICE_INIT("[tru]"),                                                           N},
    {"fals at the end",                SLICE_INIT("fals"),                                                            N},
    {"nul at the end",                 SLICE_INIT("nul"),                                                             N},
    {"truee",                          SLICE_INIT("truee"),                                                           N},
    {"nullnull",                       SLICE_INIT("[nullnull]"),                                                      N},
    {"undefined",                      SLICE_INIT("undefined"),                                                       N},
    {"NaN",                            SLICE_INIT("[NaN]"),                                                           N},
    {"Infinity",                       SLICE_INIT("[Infinity]"),                                                      N},
    {"-Infinity",                      SLICE_INIT("[-Infinity]"),                                                     N},
    {"a word of ours",                 SLICE_INIT("hello"),                                                           N},
    /* numbers */
    {"0",                              SLICE_INIT("0"),                                                               Y},
    {"-0",                             SLICE_INIT("[-0]"),                                                            Y},
    {"-1",                             SLICE_INIT("-1"),                                                              Y},
    {"10",                             SLICE_INIT("[10]"),                                                            Y},
    {"0.1",                            SLICE_INIT("0.1"),                                                             Y},
    {"-0.0",                           SLICE_INIT("-0.0"),                                                            Y},
    {"0e1",                            SLICE_INIT("[0e1]"),                                                           Y},
    {"0e+1",                           SLICE_INIT("[0e+1]"),                                                          Y},
    {"1E22",                           SLICE_INIT("[1E22]"),                                                          Y},
    {"1E-2",                           SLICE_INIT("[1E-2]"),                                                          Y},
    {"1E+2",                           SLICE_INIT("[1E+2]"),                                                          Y},
    {"123.456e78",                     SLICE_INIT("[123.456e78]"),                                                    Y},
    {"123e00",                         SLICE_INIT("[123e00]"),                                                        Y},
    {"1e999 is a number",              SLICE_INIT("1e999"),                                                           Y},
    {"many digits",                    SLICE_INIT("[123456789012345678901234567890.123456789012345678901234567890]"),
     Y                                                                                                                 },
    {"01",                             SLICE_INIT("[01]"),                                                            N},
    {"007",                            SLICE_INIT("[007]"),                                                           N},
    {"-01",                            SLICE_INIT("[-01]"),                                                           N},
    {"00",                             SLICE_INIT("00"),                                                              N},
    {"0 1",                            SLICE_INIT("[0 1]"),                                                           N},
    {"+1",                             SLICE_INIT("[+1]"),                                                            N},
    {"++1",                            SLICE_INIT("[++1]"),                                                           N},
    {"--1",                            SLICE_INIT("[--1]"),                                                           N},
    {"-",                              SLICE_INIT("[-]"),                                                             N},
    {"- alone",                        SLICE_INIT("-"),                                                               N},
    {"- 1",                            SLICE_INIT("[- 1]"),                                                           N},
    {"-x",                             SLICE_INIT("[-x]"),                                                            N},
    {".5",                             SLICE_INIT("[.5]"),                                                            N},
    {"-.5",                            SLICE_INIT("[-.5]"),                                                           N},
    {"1.",                             SLICE_INIT("[1.]"),                                                            N},
    {"1. at the end",                  SLICE_INIT("1."),                                                              N},
    {"1.e1",                           SLICE_INIT("[1.e1]"),                                                          N},
    {"1.2.3",                          SLICE_INIT("[1.2.3]"),                                                         N},
    {"1.-2",                           SLICE_INIT("[1.-2]"),                                                          N},
    {"1e",                             SLICE_INIT("[1e]"),                                                            N},
    {"1e at the end",                  SLICE_INIT("1e"),                                                              N},
    {"1e+",                            SLICE_INIT("[1e+]"),                                                           N},
    {"1e+-1",                          SLICE_INIT("[1e+-1]"),                                                         N},
    {"1eE2",                           SLICE_INIT("[1eE2]"),                                                          N},
    {"1e1.5",                          SLICE_INIT("[1e1.5]"),                                                         N},
    {"1 000.0",                        SLICE_INIT("[1 000.0]"),                                                       N},
    {"1_000",                          SLICE_INIT("[1_000]"),                                                         N},
    {"0x42",                           SLICE_INIT("[0x42]"),                                                          N},
    {"1a",                             SLICE_INIT("[1a]"),                                                            N},
    {"1ea",                            SLICE_INIT("[1ea]"),                                                           N},
    {"fullwidth one",                  SLICE_INIT("[\xEF\xBC\x91]"),                                                  N},
    /* strings */
    {"empty",                          SLICE_INIT("\"\""),                                                            Y},
    {"text",                           SLICE_INIT("\"hello world, at length\""),                                      Y},
    {"all short escapes",              SLICE_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),                                  Y},
    {"escaped NUL",                    SLICE_INIT("\"a\\u0000b\""),                                                   Y},
    {"hex in both cases",              SLICE_INIT("\"\\u00eF\\uABcd\""),                                              Y},
    {"surrogate pair",                 SLICE_INIT("\"\\uD83D\\uDE00\""),                                              Y},
    {"lone high surrogate is grammar", SLICE_INIT("\"\\uD83D\""),                                                     Y},
    {"lone low surrogate is grammar",  SLICE_INIT("\"\\uDE00x\""),                                                    Y},
    {"swapped surrogates are grammar", SLICE_INIT("\"\\uDE00\\uD83D\""),                                              Y},
    {"backslash before the end",       SLICE_INIT("\"a\\\\\""),                                                       Y},
    {"escaped u",                      SLICE_INIT("\"\\\\u12\""),                                                     Y},
    {"DEL",                            SLICE_INIT("\"\x7F\""),                                                        Y},
    {"two, three, four bytes",         SLICE_INIT("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""),                        Y},
    {"U+2028 unescaped",               SLICE_INIT("\"\xE2\x80\xA8\""),                                                Y},
    {"noncharacter",                   SLICE_INIT("\"\xEF\xBF\xBF\""),                                                Y},
    {"BOM within",                     SLICE_INIT("\"\xEF\xBB\xBF\""),                                                Y},
    {"brackets within",                SLICE_INIT("\"]}[{,:\""),                                                      Y},
    {"open",                           SLICE_INIT("\"abc"),                                                           N},
    {"only a quote",                   SLICE_INIT("\""),                                                              N},
    {"quote and backslash",            SLICE_INIT("\"\\"),                                                            N},
    {"escaped quote at the end",       SLICE_INIT("\"\\\""),                                                          N},
    {"no quotes",                      SLICE_INIT("[abc]"),                                                           N},
    {"no first quote",                 SLICE_INIT("[a\"]"),                                                           N},
    {"single quotes",                  SLICE_INIT("['a']"),                                                           N},
    {"raw newline",                    SLICE_INIT("\"a\nb\""),                                                        N},
    {"raw tab",                        SLICE_INIT("\"a\tb\""),                                                        N},
    {"raw NUL",                        SLICE_INIT("\"a\0b\""),                                                        N},
    {"raw 0x1F",                       SLICE_INIT("\"\x1F\""),                                                        N},
    {"raw control behind a word",      SLICE_INIT("\"abcdefgh\x01\""),                                                N},
    {"\\a",                            SLICE_INIT("\"\\a\""),                                                         N},
    {"\\x00",                          SLICE_INIT("\"\\x00\""),                                                       N},
    {"\\0",                            SLICE_INIT("\"\\0\""),                                                         N},
    {"\\'",                            SLICE_INIT("\"\\'\""),                                                         N},
    {"\\U",                            SLICE_INIT("\"\\U0041\""),                                                     N},
    {"backslash and NUL",              SLICE_INIT("\"\\\0\""),                                                        N},
    {"backslash and newline",          SLICE_INIT("\"\\\n\""),                                                        N},
    {"backslash and emoji",            SLICE_INIT("\"\\\xF0\x9F\x98\x80\""),                                          N},
    {"backslash and a stray byte",     SLICE_INIT("\"\\\xE5\""),                                                      N},
    {"\\u with three digits",          SLICE_INIT("\"\\u123\""),                                                      N},
    {"\\u with three digits and more", SLICE_INIT("\"\\u123 45\""),                                                   N},
    {"\\u with a G",                   SLICE_INIT("\"\\u000G\""),                                                     N},
    {"\\u with a byte before 0",       SLICE_INIT("\"\\u000/\""),                                                     N},
    {"\\u with a byte behind 9",       SLICE_INIT("\"\\u000:\""),                                                     N},
    {"\\u with a byte before A",       SLICE_INIT("\"\\u000@\""),                                                     N},
    {"\\u with a byte before a",       SLICE_INIT("\"\\u000`\""),                                                     N},
    {"\\u with a g",                   SLICE_INIT("\"\\u00g0\""),                                                     N},
    {"\\u with a sign",                SLICE_INIT("\"\\u+123\""),                                                     N},
    {"\\u cut by the end",             SLICE_INIT("\"\\u00"),                                                         N},
    {"\\u alone",                      SLICE_INIT("\"\\u\""),                                                         N},
    {"Latin-1",                        SLICE_INIT("\"caf\xE9\""),                                                     U},
    {"stray continuation",             SLICE_INIT("\"\x80\""),                                                        U},
    {"overlong",                       SLICE_INIT("\"\xC0\xAF\""),                                                    U},
    {"surrogate in UTF-8",             SLICE_INIT("\"\xED\xA0\x80\""),                                                U},
    {"above U+10FFFF",                 SLICE_INIT("\"\xF4\x90\x80\x80\""),                                            U},
    {"cut character",                  SLICE_INIT("\"\xE2\x82\""),                                                    U},
    {"0xFF behind a word",             SLICE_INIT("[\"abcdefgh\xFF\"]"),                                              U},
    {"bad UTF-8 behind an escape",     SLICE_INIT("\"\\n\xFF\""),                                                     U},
    {"bad UTF-8 in a key",             SLICE_INIT("{\"\xFF\":1}"),                                                    U},
    {"bad UTF-8 outside of strings",   SLICE_INIT("[\xFF]"),                                                          N},
    /* arrays */
    {"empty array",                    SLICE_INIT("[]"),                                                              Y},
    {"empty array with space",         SLICE_INIT("[ ]"),                                                             Y},
    {"several kinds",                  SLICE_INIT("[null,1,\"a\",{},[],true]"),                                       Y},
    {"empty string in it",             SLICE_INIT("[\"\"]"),                                                          Y},
    {"comma at the end",               SLICE_INIT("[1,]"),                                                            N},
    {"comma first",                    SLICE_INIT("[,1]"),                                                            N},
    {"two commas",                     SLICE_INIT("[1,,2]"),                                                          N},
    {"only a comma in it",             SLICE_INIT("[,]"),                                                             N},
    {"no comma",                       SLICE_INIT("[1 2]"),                                                           N},
    {"no comma before an array",       SLICE_INIT("[3[4]]"),                                                          N},
    {"semicolon",                      SLICE_INIT("[1;2]"),                                                           N},
    {"colon",                          SLICE_INIT("[\"a\":1]"),                                                       N},
    {"open array",                     SLICE_INIT("[\"a\""),                                                          N},
    {"open array behind a comma",      SLICE_INIT("[1,"),                                                             N},
    {"only a bracket",                 SLICE_INIT("["),                                                               N},
    {"only a closing bracket",         SLICE_INIT("]"),                                                               N},
    {"one bracket too many",           SLICE_INIT("[1]]"),                                                            N},
    {"closed as an object",            SLICE_INIT("[1}"),                                                             N},
    /* objects */
    {"empty object",                   SLICE_INIT("{}"),                                                              Y},
    {"empty object with space",        SLICE_INIT("{ \n}"),                                                           Y},
    {"empty key",                      SLICE_INIT("{\"\":0}"),                                                        Y},
    {"escaped key",                    SLICE_INIT("{\"\\u0061\\n\":0}"),                                              Y},
    {"same key twice",                 SLICE_INIT("{\"a\":1,\"a\":2}"),                                               Y},
    {"key in two cases",               SLICE_INIT("{\"to\":1,\"TO\":2}"),                                             Y},
    {"nested",                         SLICE_INIT("{\"a\":[{\"b\":{}},[]],\"c\":null}"),                              Y},
    {"comma at the end of members",    SLICE_INIT("{\"a\":1,}"),                                                      N},
    {"comma before the first",         SLICE_INIT("{,\"a\":1}"),                                                      N},
    {"only a comma between braces",    SLICE_INIT("{,}"),                                                             N},
    {"two commas between members",     SLICE_INIT("{\"a\":1,,\"b\":2}"),                                              N},
    {"no comma between members",       SLICE_INIT("{\"a\":1 \"b\":2}"),                                               N},
    {"no colon",                       SLICE_INIT("{\"a\" 1}"),                                                       N},
    {"two colons",                     SLICE_INIT("{\"a\"::1}"),                                                      N},
    {"comma for a colon",              SLICE_INIT("{\"a\",1}"),                                                       N},
    {"no value",                       SLICE_INIT("{\"a\":}"),                                                        N},
    {"no value and a comma",           SLICE_INIT("{\"a\":,\"b\":1}"),                                                N},
    {"no colon and no value",          SLICE_INIT("{\"a\"}"),                                                         N},
    {"no key",                         SLICE_INIT("{:1}"),                                                            N},
    {"bare key",                       SLICE_INIT("{a:1}"),                                                           N},
    {"number as key",                  SLICE_INIT("{1:1}"),                                                           N},
    {"null as key",                    SLICE_INIT("{null:1}"),                                                        N},
    {"array as key",                   SLICE_INIT("{[]:1}"),                                                          N},
    {"key in single quotes",           SLICE_INIT("{'a':1}"),                                                         N},
    {"control in a key",               SLICE_INIT("{\"\n\":1}"),                                                      N},
    {"open object",                    SLICE_INIT("{"),                                                               N},
    {"open behind a key",              SLICE_INIT("{\"a\""),                                                          N},
    {"open behind a colon",            SLICE_INIT("{\"a\":"),                                                         N},
    {"open behind a value",            SLICE_INIT("{\"a\":1"),                                                        N},
    {"open behind a comma",            SLICE_INIT("{\"a\":1,"),                                                       N},
    {"only a closing brace",           SLICE_INIT("}"),                                                               N},
    {"one brace too many",             SLICE_INIT("{}}"),                                                             N},
    {"closed as an array",             SLICE_INIT("{\"a\":1]"),                                                       N},
    {"text behind",                    SLICE_INIT("{\"a\":1} x"),                                                     N},
};
/* clang-format on */

static void parse_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice text = exact_copy(cases[i].text);
        struct json value;
        enum json_err err = json_parse(text, &value);
        if (err != cases[i].err) {
            fail_msg("%s: %d", cases[i].label, (int)err);
        }
        exact_free(text);
    }
}

static const struct {
    const char *label;
    struct slice text;
    enum json_type type;
    struct slice raw;
} raw_cases[] = {
    {"null",                   SLICE_INIT(" null\n"),          JSON_NULL,   SLICE_INIT("null")        },
    {"true",                   SLICE_INIT("true"),             JSON_BOOL,   SLICE_INIT("true")        },
    {"false",                  SLICE_INIT("\tfalse"),          JSON_BOOL,   SLICE_INIT("false")       },
    {"number",                 SLICE_INIT(" -0.50e+1 "),       JSON_NUMBER, SLICE_INIT("-0.50e+1")    },
    {"digits beyond a double", SLICE_INIT("9007199254740993"), JSON_NUMBER,
     SLICE_INIT("9007199254740993")                                                                   },
    {"string",                 SLICE_INIT(" \"a\\u0000\" "),   JSON_STRING, SLICE_INIT("\"a\\u0000\"")},
    {"array",                  SLICE_INIT("\r[ 1 , 2 ]\r"),    JSON_ARRAY,  SLICE_INIT("[ 1 , 2 ]")   },
    {"object",                 SLICE_INIT(" { } "),            JSON_OBJECT, SLICE_INIT("{ }")         },
};

static void raw_is_exactly_the_bytes_of_the_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(raw_cases); i++) {
        struct slice text = exact_copy(raw_cases[i].text);
        struct json value;
        if (json_parse(text, &value) != JSON_OK || value.type != raw_cases[i].type ||
            !slice_equal(value.raw, raw_cases[i].raw)) {
            fail_msg("%s", raw_cases[i].label);
        }
        exact_free(text);
    }
}

/* None of them has a prefix that is JSON too. */
static const struct slice whole_only[] = {
    SLICE_INIT("{\"receiver\":\"bob\",\"message_text\":\"h\\u00e9llo \\\"\xF0\x9F\x98\x80\\\"\","
               "\"client_id\":null}"),
    SLICE_INIT("[\"message_out\",{\"a\":[1,-2.5e+10,true,false],\"b\":{}},[[]]]"),
    SLICE_INIT("\"\\uD83D\\uDE00 plain text of some length \\n\""),
    SLICE_INIT("true"),
    SLICE_INIT("-1"),
};

static void no_prefix_of_a_text_is_taken_for_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(whole_only); i++) {
        for (size_t n = 0; n <= whole_only[i].len; n++) {
            struct slice text = exact_copy(slice_head(whole_only[i], n));
            struct json value;
            bool ok = json_parse(text, &value) == JSON_OK;
            if (ok != (n == whole_only[i].len)) {
                fail_msg("sample %zu, first %zu bytes", i, n);
            }
            exact_free(text);
        }
    }
}

/* Strings are looked at in words: what must be seen is seen at every place of one. */
static void a_special_byte_is_seen_everywhere_in_a_string(void **state)
{
    static const char specials[] = {'"', '\\', '\0', '\n', '\x1F', '\x80', '\xFF'};

    (void)state;
    for (size_t i = 0; i < sizeof(specials) * 30; i++) {
        char text[32] = "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        struct json value;
        text[31] = '"';
        struct slice good = exact_copy((struct slice){text, sizeof(text)});
        text[1 + i / sizeof(specials)] = specials[i % sizeof(specials)];
        struct slice bad = exact_copy((struct slice){text, sizeof(text)});
        assert_int_equal(json_parse(good, &value), JSON_OK);
        assert_int_not_equal(json_parse(bad, &value), JSON_OK);
        exact_free(good);
        exact_free(bad);
    }
}

/* The neighbours of those bytes, and all others, are taken. */
static void every_other_byte_is_plain(void **state)
{
    (void)state;
    for (int c = 0; c < 0x80; c++) {
        char text[] = "\"aaaaaaaaaaa\"";
        struct json value;
        text[6] = (char)c;
        bool ok = json_parse((struct slice){text, sizeof(text) - 1}, &value) == JSON_OK;
        assert_int_equal(ok, c >= 0x20 && c != '"' && c != '\\');
    }
}

/* `levels` containers inside each other, arrays and objects in turn if mixed. */
static struct slice nested(size_t levels, bool mixed)
{
    struct buf b;

    buf_init(&b, levels * 8);
    for (size_t i = 0; i < levels; i++) {
        bool object = mixed && i % 2 == 1;
        assert_true(buf_append(&b, object ? SLICE("{\"a\":") : SLICE("[")));
    }
    if (mixed && levels % 2 == 0) {
        assert_true(buf_byte(&b, '1')); /* the innermost member needs a value */
    }
    for (size_t i = levels; i-- > 0;) {
        assert_true(buf_byte(&b, mixed && i % 2 == 1 ? '}' : ']'));
    }
    struct slice text = exact_copy(buf_slice(&b));
    buf_deinit(&b);
    return text;
}

static const struct {
    size_t levels;
    enum json_err err;
} depth_cases[] = {
    {1,                  JSON_OK     },
    {JSON_DEPTH_MAX - 1, JSON_OK     },
    {JSON_DEPTH_MAX,     JSON_OK     },
    {JSON_DEPTH_MAX + 1, JSON_E_DEPTH},
    {1000,               JSON_E_DEPTH},
    {1000000,            JSON_E_DEPTH},
};

static void depth_is_limited(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ROWS(depth_cases); i++) {
        size_t levels = depth_cases[i / 2].levels;
        struct slice text = nested(levels, i % 2 == 1);
        struct json value;
        enum json_err err = json_parse(text, &value);
        if (err != depth_cases[i / 2].err) {
            fail_msg("%zu levels, mixed %zu: %d", levels, i % 2, (int)err);
        }
        exact_free(text);
    }
}

/* Depth is that of the open containers, not the number of all. */
static void siblings_do_not_count_as_depth(void **state)
{
    enum { COUNT = 1000000 };
    struct buf b;
    struct json value;
    struct json item;
    size_t items = 0;

    (void)state;
    buf_init(&b, COUNT * 3 + 2);
    assert_true(buf_byte(&b, '['));
    for (int i = 0; i < COUNT; i++) {
        assert_true(buf_append(&b, i > 0 ? SLICE(",[]") : SLICE("[]")));
    }
    assert_true(buf_byte(&b, ']'));
    assert_int_equal(json_parse(buf_slice(&b), &value), JSON_OK);
    struct json_walk w = json_walk(value);
    while (json_next(&w, NULL, &item)) {
        assert_true(slice_equal(item.raw, SLICE("[]")));
        items++;
    }
    assert_int_equal(items, COUNT);
    buf_deinit(&b);
}

static void a_number_of_100_kilobytes_passes_unchanged(void **state)
{
    enum { LEN = 100000 };
    char *digits = malloc(LEN);
    struct json value;

    (void)state;
    assert_non_null(digits);
    memset(digits, '7', LEN);
    assert_int_equal(json_parse((struct slice){digits, LEN}, &value), JSON_OK);
    assert_int_equal(value.type, JSON_NUMBER);
    assert_ptr_equal(value.raw.ptr, digits);
    assert_int_equal(value.raw.len, LEN);
    free(digits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_follows_the_table),
        cmocka_unit_test(raw_is_exactly_the_bytes_of_the_value),
        cmocka_unit_test(no_prefix_of_a_text_is_taken_for_it),
        cmocka_unit_test(a_special_byte_is_seen_everywhere_in_a_string),
        cmocka_unit_test(every_other_byte_is_plain),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(siblings_do_not_count_as_depth),
        cmocka_unit_test(a_number_of_100_kilobytes_passes_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
