/* test_message_out.c - the payload of message_out: what is taken, in which form, and what is not */
#include "gateway-svc/chat/message_out.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define TEXT_MAX 16
#define SENDER "alice.b"

#define T16 "0123456789abcdef"
#define T64 T16 T16 T16 T16
#define N32 "abcdefghijklmnopqrstuvwxyz012345"
#define PLAIN "\"receiver\":\"bob\",\"message_text\":\"hi\""

/* The payload's form: everything else than what the row is about is good. */
#define TO(json) "{\"receiver\":" json ",\"message_text\":\"hi\"}"
#define TEXT(json) "{\"receiver\":\"bob\",\"message_text\":" json "}"
#define ID(json) "{\"client_id\":" json "," PLAIN "}"
#define FROM(json) "{" PLAIN ",\"sender\":" json "}"

/* clang-format off */
static const struct {
    const char *label;
    struct slice args;
    enum chat_err err;
    const char *to, *text, *client_id; /* text and to: only looked at when it is taken */
} cases[] = {
    {"plain", SLICE_INIT("{" PLAIN "}"), CHAT_OK, "bob", "\"hi\"", ""},
    {"white space around", SLICE_INIT(" \t\r\n{ " PLAIN " } "), CHAT_OK, "bob", "\"hi\"", ""},
    {"unknown fields", SLICE_INIT("{\"x\":[{}]," PLAIN ",\"message_id\":9}"), CHAT_OK, "bob",
     "\"hi\"", ""},
    {"the key escaped", SLICE_INIT("{\"rec\\u0065iver\":\"bob\",\"message_text\":\"hi\"}"), CHAT_OK,
     "bob", "\"hi\"", ""},

    /* the arguments as a whole */
    {"nothing", SLICE_INIT(""), CHAT_E_INVALID, "", "", ""},
    {"a space", SLICE_INIT(" "), CHAT_E_INVALID, "", "", ""},
    {"null", SLICE_INIT("null"), CHAT_E_INVALID, "", "", ""},
    {"a string", SLICE_INIT("\"hi\""), CHAT_E_INVALID, "", "", ""},
    {"an array", SLICE_INIT("[{" PLAIN "}]"), CHAT_E_INVALID, "", "", ""},
    {"two arguments", SLICE_INIT("{" PLAIN "},1"), CHAT_E_INVALID, "", "", ""},
    {"two objects", SLICE_INIT("{" PLAIN "},{" PLAIN "}"), CHAT_E_INVALID, "", "", ""},
    {"an empty object", SLICE_INIT("{}"), CHAT_E_INVALID, "", "", ""},
    {"cut off", SLICE_INIT("{" PLAIN), CHAT_E_INVALID, "", "", ""},
    {"a trailing comma", SLICE_INIT("{" PLAIN ",}"), CHAT_E_INVALID, "", "", ""},
    {"not UTF-8", SLICE_INIT(TEXT("\"\xff\"")), CHAT_E_INVALID, "", "", ""},

    /* receiver */
    {"upper case", SLICE_INIT(TO("\"BoB-1_x.Y\"")), CHAT_OK, "bob-1_x.y", "\"hi\"", ""},
    {"escapes", SLICE_INIT(TO("\"\\u0062ob\"")), CHAT_OK, "bob", "\"hi\"", ""},
    {"32 characters", SLICE_INIT(TO("\"" N32 "\"")), CHAT_OK, N32, "\"hi\"", ""},
    {"33 characters", SLICE_INIT(TO("\"" N32 "x\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"a thousand", SLICE_INIT(TO("\"" T64 T64 T64 T64 "\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"empty name", SLICE_INIT(TO("\"\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"one character", SLICE_INIT(TO("\"7\"")), CHAT_OK, "7", "\"hi\"", ""},
    {"a dot in front", SLICE_INIT(TO("\".bob\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"a space in it", SLICE_INIT(TO("\"bo b\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"a space behind", SLICE_INIT(TO("\"bob \"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"a colon", SLICE_INIT(TO("\"a:b\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"a letter that folds to ASCII elsewhere", SLICE_INIT(TO("\"bo\\u212a\"")), CHAT_E_NO_SUCH_USER,
     "", "", ""},
    {"NUL behind a name", SLICE_INIT(TO("\"bob\\u0000\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"half a character", SLICE_INIT(TO("\"\\ud800\"")), CHAT_E_INVALID, "", "", ""},
    {"reserved", SLICE_INIT(TO("\"admin\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"reserved, other case", SLICE_INIT(TO("\"System\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"__proto__", SLICE_INIT(TO("\"__proto__\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"oneself", SLICE_INIT(TO("\"alice.b\"")), CHAT_OK, SENDER, "\"hi\"", ""},
    {"group", SLICE_INIT(TO("\"group\"")), CHAT_OK, "group", "\"hi\"", ""},
    {"Group", SLICE_INIT(TO("\"Group\"")), CHAT_OK, "group", "\"hi\"", ""},
    {"NUL behind group", SLICE_INIT(TO("\"group\\u0000\"")), CHAT_E_NO_SUCH_USER, "", "", ""},
    {"group and more", SLICE_INIT(TO("\"groups\"")), CHAT_OK, "groups", "\"hi\"", ""},
    {"receiver is a number", SLICE_INIT(TO("7")), CHAT_E_INVALID, "", "", ""},
    {"receiver is null", SLICE_INIT(TO("null")), CHAT_E_INVALID, "", "", ""},
    {"receiver is a list", SLICE_INIT(TO("[\"bob\"]")), CHAT_E_INVALID, "", "", ""},
    {"no receiver", SLICE_INIT("{\"message_text\":\"hi\"}"), CHAT_E_INVALID, "", "", ""},
    {"two receivers", SLICE_INIT("{\"receiver\":\"bob\"," PLAIN "}"), CHAT_E_INVALID, "", "", ""},
    {"two receivers, one escaped", SLICE_INIT("{\"\\u0072eceiver\":\"bob\"," PLAIN "}"),
     CHAT_E_INVALID, "", "", ""},

    /* message_text: 1 to TEXT_MAX bytes of what it decodes to */
    {"one byte", SLICE_INIT(TEXT("\"x\"")), CHAT_OK, "bob", "\"x\"", ""},
    {"no byte", SLICE_INIT(TEXT("\"\"")), CHAT_E_INVALID, "", "", ""},
    {"one below the limit", SLICE_INIT(TEXT("\"0123456789abcde\"")), CHAT_OK, "bob",
     "\"0123456789abcde\"", ""},
    {"the limit", SLICE_INIT(TEXT("\"" T16 "\"")), CHAT_OK, "bob", "\"" T16 "\"", ""},
    {"one above", SLICE_INIT(TEXT("\"" T16 "x\"")), CHAT_E_TOO_LARGE, "", "", ""},
    {"far above", SLICE_INIT(TEXT("\"" T64 T64 "\"")), CHAT_E_TOO_LARGE, "", "", ""},
    {"escapes count decoded", SLICE_INIT(TEXT("\"0123456789abcd\\u00e9\"")), CHAT_OK, "bob",
     "\"0123456789abcd\xc3\xa9\"", ""},
    {"... one too many", SLICE_INIT(TEXT("\"" T16 "\\u0041\"")), CHAT_E_TOO_LARGE, "", "", ""},
    {"a character over the limit's edge", SLICE_INIT(TEXT("\"0123456789abcde\\u00e9\"")),
     CHAT_E_TOO_LARGE, "", "", ""},
    {"four astral characters",
     SLICE_INIT(TEXT("\"\\ud83d\\ude00\xf0\x9f\x98\x80\\ud83d\\ude00"
                     "\\uD83D\\uDE00\"")),
     CHAT_OK, "bob", "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"", ""},
    {"... and a byte",
     SLICE_INIT(TEXT("\"\\ud83d\\ude00\xf0\x9f\x98\x80\\ud83d\\ude00"
                     "\\uD83D\\uDE00x\"")),
     CHAT_E_TOO_LARGE, "", "", ""},
    {"NUL", SLICE_INIT(TEXT("\"a\\u0000b\"")), CHAT_OK, "bob", "\"a\\u0000b\"", ""},
    {"sixteen NULs",
     SLICE_INIT(TEXT("\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"
                     "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\"")),
     CHAT_OK, "bob",
     "\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"
     "\\u0000\\u0000\\u0000\"", ""},
    {"equal texts, equal bytes", SLICE_INIT(TEXT("\"\\/\\u0041\\\"\\\\\"")), CHAT_OK, "bob",
     "\"/A\\\"\\\\\"", ""},
    {"a lone first half", SLICE_INIT(TEXT("\"x\\ud83d\"")), CHAT_E_INVALID, "", "", ""},
    {"a lone second half", SLICE_INIT(TEXT("\"\\ude00x\"")), CHAT_E_INVALID, "", "", ""},
    {"two first halves", SLICE_INIT(TEXT("\"\\ud83d\\ud83d\"")), CHAT_E_INVALID, "", "", ""},
    {"text is a number", SLICE_INIT(TEXT("5")), CHAT_E_INVALID, "", "", ""},
    {"text is an object", SLICE_INIT(TEXT("{}")), CHAT_E_INVALID, "", "", ""},
    {"text is true", SLICE_INIT(TEXT("true")), CHAT_E_INVALID, "", "", ""},
    {"no text", SLICE_INIT("{\"receiver\":\"bob\"}"), CHAT_E_INVALID, "", "", ""},
    {"two texts", SLICE_INIT("{" PLAIN ",\"message_text\":\"hi\"}"), CHAT_E_INVALID, "", "", ""},

    /* client_id: 1 to 64 bytes of what it decodes to */
    {"an id", SLICE_INIT(ID("\"c-1\"")), CHAT_OK, "bob", "\"hi\"", "\"c-1\""},
    {"id of no byte", SLICE_INIT(ID("\"\"")), CHAT_E_INVALID, "", "", ""},
    {"id of one byte", SLICE_INIT(ID("\"c\"")), CHAT_OK, "bob", "\"hi\"", "\"c\""},
    {"id of 64 bytes", SLICE_INIT(ID("\"" T64 "\"")), CHAT_OK, "bob", "\"hi\"", "\"" T64 "\""},
    {"id of 65 bytes", SLICE_INIT(ID("\"" T64 "x\"")), CHAT_E_INVALID, "", "", ""},
    {"id of 65 decoded", SLICE_INIT(ID("\"" T16 T16 T16 "0123456789abcde\\u00e9\"")),
     CHAT_E_INVALID, "", "", ""},
    {"id with line breaks", SLICE_INIT(ID("\"a\\nb\\u000a\"")), CHAT_OK, "bob", "\"hi\"",
     "\"a\\nb\\n\""},
    {"id with NUL", SLICE_INIT(ID("\"\\u0000\"")), CHAT_OK, "bob", "\"hi\"", "\"\\u0000\""},
    {"id with half a character", SLICE_INIT(ID("\"\\udc00\"")), CHAT_E_INVALID, "", "", ""},
    {"id is a number", SLICE_INIT(ID("17")), CHAT_E_INVALID, "", "", ""},
    {"id is null", SLICE_INIT(ID("null")), CHAT_OK, "bob", "\"hi\"", ""},
    {"two ids", SLICE_INIT("{\"client_id\":\"a\",\"client_id\":\"a\"," PLAIN "}"), CHAT_E_INVALID,
     "", "", ""},

    /* sender */
    {"sender is right", SLICE_INIT(FROM("\"alice.b\"")), CHAT_OK, "bob", "\"hi\"", ""},
    {"in other case", SLICE_INIT(FROM("\"Alice.B\"")), CHAT_OK, "bob", "\"hi\"", ""},
    {"another's", SLICE_INIT(FROM("\"bob\"")), CHAT_E_INVALID, "", "", ""},
    {"sender is cut off", SLICE_INIT(FROM("\"alice\"")), CHAT_E_INVALID, "", "", ""},
    {"sender and NUL", SLICE_INIT(FROM("\"alice.b\\u0000x\"")), CHAT_E_INVALID, "", "", ""},
    {"sender and more", SLICE_INIT(FROM("\"alice.bc\"")), CHAT_E_INVALID, "", "", ""},
    {"sender too long", SLICE_INIT(FROM("\"" N32 "x\"")), CHAT_E_INVALID, "", "", ""},
    {"sender is empty", SLICE_INIT(FROM("\"\"")), CHAT_E_INVALID, "", "", ""},
    {"sender is null", SLICE_INIT(FROM("null")), CHAT_OK, "bob", "\"hi\"", ""},
    {"sender is a number", SLICE_INIT(FROM("1")), CHAT_E_INVALID, "", "", ""},
    {"two senders", SLICE_INIT("{\"sender\":\"alice.b\",\"sender\":\"alice.b\"," PLAIN "}"),
     CHAT_E_INVALID, "", "", ""},

    /* a refusal can name the message that it is about */
    {"id of a bad text", SLICE_INIT("{\"client_id\":\"c7\",\"receiver\":\"bob\"}"), CHAT_E_INVALID,
     "", "", "\"c7\""},
    {"id of a bad sender", SLICE_INIT("{\"sender\":\"eve\",\"client_id\":\"c7\"," PLAIN "}"),
     CHAT_E_INVALID, "", "", "\"c7\""},
    {"id of a long text",
     SLICE_INIT("{\"client_id\":\"c7\",\"receiver\":\"bob\","
                "\"message_text\":\"" T64 "\"}"),
     CHAT_E_TOO_LARGE, "", "", "\"c7\""},
    {"id of a bad receiver",
     SLICE_INIT("{\"client_id\":\"c7\",\"receiver\":\"?\","
                "\"message_text\":\"hi\"}"),
     CHAT_E_NO_SUCH_USER, "", "", "\"c7\""},
};
/* clang-format on */

static void assert_slice(struct slice got, const char *wanted)
{
    if (!slice_equal(got, slice_text(wanted))) {
        fail_msg("\"%.*s\", not \"%s\"", (int)got.len, got.ptr ? got.ptr : "", wanted);
    }
}

static void parse_follows_the_table(void **state)
{
    struct message_out m;
    (void)state;
    message_out_init(&m, TEXT_MAX); /* one for all: nothing of one message is left in the next */
    for (size_t i = 0; i < ROWS(cases); i++) {
        print_message("  %s\n", cases[i].label);
        struct slice args = exact_copy(cases[i].args);
        enum chat_err err = message_out_parse(&m, args, SENDER);
        exact_free(args); /* nothing may point into it */
        assert_string_equal(chat_err_code(err), chat_err_code(cases[i].err));
        assert_slice(buf_slice(&m.client_id), cases[i].client_id);
        if (err == CHAT_OK) {
            assert_string_equal(m.to, cases[i].to);
            assert_slice(buf_slice(&m.text), cases[i].text);
        } else if (err == CHAT_E_INVALID) {
            assert_true(m.why && m.why[0] != '\0');
        }
    }
    message_out_deinit(&m);
}

static void no_part_of_a_message_is_one(void **state)
{
    static const struct slice whole =
        SLICE_INIT("{\"client_id\":\"c\\u0031\",\"sender\":\"Alice.b\"," PLAIN "}");
    struct message_out m;
    (void)state;
    message_out_init(&m, TEXT_MAX);
    for (size_t n = 0; n < whole.len; n++) {
        struct slice args = exact_copy(slice_head(whole, n));
        assert_int_equal(message_out_parse(&m, args, SENDER), CHAT_E_INVALID);
        exact_free(args);
    }
    assert_int_equal(message_out_parse(&m, whole, SENDER), CHAT_OK);
    message_out_deinit(&m);
}

/* Any byte anywhere: no crash, and what is taken is valid. */
static void mutations_give_a_message_or_an_error(void **state)
{
    static const struct slice whole =
        SLICE_INIT("{\"client_id\":\"c\\u0031\",\"sender\":\"alice.b\"," PLAIN "}");
    struct message_out m;
    (void)state;
    message_out_init(&m, TEXT_MAX);
    for (size_t at = 0; at < whole.len; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char changed[256];
            memcpy(changed, whole.ptr, whole.len);
            changed[at] = (char)byte;
            struct slice args = exact_copy((struct slice){changed, whole.len});
            enum chat_err err = message_out_parse(&m, args, SENDER);
            exact_free(args);
            assert_in_range(err, CHAT_OK, CHAT_E_NO_SUCH_USER);
            if (err == CHAT_OK) {
                assert_int_equal(username_check(slice_text(m.to)), USERNAME_OK);
                assert_in_range(m.text.len, 3, TEXT_MAX * 6 + 2);
            }
        }
    }
    message_out_deinit(&m);
}

static void the_smallest_limit_is_one_byte(void **state)
{
    struct message_out m;
    (void)state;
    message_out_init(&m, 1);
    assert_int_equal(message_out_parse(&m, SLICE(TEXT("\"x\"")), SENDER), CHAT_OK);
    assert_int_equal(message_out_parse(&m, SLICE(TEXT("\"xy\"")), SENDER), CHAT_E_TOO_LARGE);
    assert_int_equal(message_out_parse(&m, SLICE(TEXT("\"\\u00e9\"")), SENDER), CHAT_E_TOO_LARGE);
    assert_int_equal(message_out_parse(&m, SLICE(ID("\"" T64 "\"")), SENDER), CHAT_E_TOO_LARGE);
    assert_slice(buf_slice(&m.client_id), "\"" T64 "\"");
    message_out_deinit(&m);
}

static void every_error_has_a_code_and_a_sentence(void **state)
{
    static const char *const codes[CHAT_ERRS] = {
        "ok",           "invalid",     "too_large",      "no_such_user",
        "rate_limited", "unavailable", "session_expired"};
    (void)state;
    for (int i = 0; i < CHAT_ERRS; i++) {
        assert_string_equal(chat_err_code((enum chat_err)i), codes[i]);
        assert_true(chat_err_text((enum chat_err)i)[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_follows_the_table),
        cmocka_unit_test(no_part_of_a_message_is_one),
        cmocka_unit_test(mutations_give_a_message_or_an_error),
        cmocka_unit_test(the_smallest_limit_is_one_byte),
        cmocka_unit_test(every_error_has_a_code_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
