/* test_chat_event.c - the payloads of the chat's events and answers */
#include "client/terminal/chat_event.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define MESSAGE(id, from, to, text)                                                                \
    "{\"message_id\":" id ",\"sender\":" from ",\"receiver\":" to ",\"message_text\":" text        \
    ",\"sent_at\":5}"

/* clang-format off */
static const struct {
    const char *payload;
    bool ok;
} messages[] = {
    {MESSAGE("17", "\"a\"", "\"group\"", "\"hi\""), true},
    {MESSAGE("9007199254740991", "\"a\"", "\"b\"", "\"\\u0000\""), true},
    {MESSAGE("9007199254740992", "\"a\"", "\"b\"", "\"hi\""), false},
    {MESSAGE("-1", "\"a\"", "\"b\"", "\"hi\""), false},
    {MESSAGE("1", "\"a b\"", "\"b\"", "\"hi\""), false},
    {MESSAGE("1", "\"a\"", "\"\\u001b\"", "\"hi\""), false},
    {MESSAGE("1", "\"a\"", "\"b\\u0000\"", "\"hi\""), false},
    {MESSAGE("1", "\"a\"", "\"b\"", "\"\\ud800\""), false},
    {MESSAGE("1", "\"a\"", "\"b\"", "7"), false},
    {"{\"message_id\":1}", false},
    {"[]", false},
    {"null", false},
};
/* clang-format on */

static void messages_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(messages); i++) {
        struct slice copy = exact_copy(slice_text(messages[i].payload));
        struct json payload;
        struct chat_message m;
        assert_int_equal(json_parse(copy, &payload), JSON_OK);
        if (chat_message_read(payload, &m) != messages[i].ok) {
            fail_msg("%s", messages[i].payload);
        }
        chat_message_deinit(&m);
        exact_free(copy);
    }
}

static void a_message_is_read_whole(void **state)
{
    struct json payload;
    struct chat_message m;
    (void)state;
    assert_int_equal(json_parse(SLICE("{\"client_id\":\"x-1\",\"message_id\":3,\"sender\":\"Al\","
                                      "\"receiver\":\"group\",\"message_text\":\"a\\u0000\\nb\","
                                      "\"sent_at\":1700000000000}"),
                                &payload),
                     JSON_OK);
    assert_true(chat_message_read(payload, &m));
    assert_int_equal(m.id, 3);
    assert_int_equal(m.sent_at_ms, 1700000000000);
    assert_string_equal(m.sender, "Al");
    assert_true(chat_is_group(m.receiver));
    assert_string_equal(m.client_id, "x-1");
    assert_true(slice_equal(buf_slice(&m.text), SLICE("a\0\nb")));
    chat_message_deinit(&m);
}

static const struct {
    const char *payload;
    bool read, ok;
    uint64_t id, retry_after_ms;
    const char *code;
} answers[] = {
    {"{\"ok\":true,\"message_id\":17}",                                            true,  true,  17, 0, ""            },
    {"{\"ok\":true,\"message_id\":17,\"dup\":true}",                               true,  true,  17, 0, ""            },
    {"{\"ok\":false,\"error\":{\"code\":\"no_such_user\",\"message\":\"m\"}}",     true,  false, 0,  0,
     "no_such_user"                                                                                                   },
    {"{\"ok\":false,\"error\":{\"code\":\"rate_limited\",\"retry_after_ms\":50}}", true,  false, 0,
     50,                                                                                                "rate_limited"},
    {"{\"ok\":true}",                                                              false, false, 0,  0, ""            },
    {"{\"ok\":false}",                                                             false, false, 0,  0, ""            },
    {"{\"ok\":1}",                                                                 false, false, 0,  0, ""            },
    {"{}",                                                                         false, false, 0,  0, ""            },
    {"",                                                                           false, false, 0,  0, ""            },
    {"{\"ok\":true,\"message_id\":1},2",                                           false, false, 0,  0, ""            },
};

static void answers_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(answers); i++) {
        struct slice copy = exact_copy(slice_text(answers[i].payload));
        struct chat_answer answer;
        bool read = chat_answer_read(copy, &answer);
        exact_free(copy);
        if (read != answers[i].read) {
            fail_msg("%s", answers[i].payload);
        }
        if (read) {
            assert_int_equal(answer.ok, answers[i].ok);
            assert_int_equal(answer.id, answers[i].id);
            assert_int_equal(answer.error.retry_after_ms, answers[i].retry_after_ms);
            assert_string_equal(answer.error.code, answers[i].code);
        }
    }
}

static const struct {
    const char *body;
    bool ok;
} logins[] = {
    {"{\"username\":\"al\",\"token\":\"abc-_9\",\"expires_in\":60}", true },
    {"{\"username\":\"al\",\"token\":\"a\\r\\nb\"}",                 false},
    {"{\"username\":\"al\",\"token\":\"a b\"}",                      false},
    {"{\"username\":\"a l\",\"token\":\"abc\"}",                     false},
    {"{\"username\":\"al\"}",                                        false},
    {"<html>",                                                       false},
    {"",                                                             false},
};

static void logins_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(logins); i++) {
        struct slice copy = exact_copy(slice_text(logins[i].body));
        struct chat_login login;
        if (chat_login_read(copy, &login) != logins[i].ok) {
            fail_msg("%s", logins[i].body);
        }
        exact_free(copy);
    }
}

static void sessions_and_codes(void **state)
{
    struct json payload;
    struct chat_session session;
    char code[CHAT_CODE_MAX + 1];
    (void)state;
    assert_int_equal(json_parse(SLICE("{\"username\":\"al\",\"recovered\":true}"), &payload),
                     JSON_OK);
    assert_true(chat_session_read(payload, &session));
    assert_true(session.recovered);
    assert_int_equal(json_parse(SLICE("{\"username\":\"al\",\"recovered\":1}"), &payload), JSON_OK);
    assert_true(chat_session_read(payload, &session));
    assert_false(session.recovered);
    assert_int_equal(json_parse(SLICE("{\"code\":\"kicked\"}"), &payload), JSON_OK);
    assert_true(chat_code_read(payload, code));
    assert_string_equal(code, "kicked");
    assert_int_equal(
        json_parse(SLICE("{\"code\":\"a code that is longer than any code is\"}"), &payload),
        JSON_OK);
    assert_false(chat_code_read(payload, code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_follow_the_table), cmocka_unit_test(a_message_is_read_whole),
        cmocka_unit_test(answers_follow_the_table),  cmocka_unit_test(logins_follow_the_table),
        cmocka_unit_test(sessions_and_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
