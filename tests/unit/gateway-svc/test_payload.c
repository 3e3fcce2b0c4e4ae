/* test_payload.c - the JSON that clients get, byte for byte */
#include "gateway-svc/chat/payload.h"
#include "shared/json.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* What was written is exactly `wanted`, and is JSON. */
static void assert_json(struct buf *out, const char *wanted)
{
    struct json value;
    assert_false(out->failed);
    struct slice copy = exact_copy(buf_slice(out));
    assert_int_equal(json_parse(copy, &value), JSON_OK);
    exact_free(copy);
    assert_string_equal(out->ptr, wanted);
    buf_clear(out);
}

static int begin(void **state)
{
    static struct buf out;
    buf_init(&out, 4096);
    *state = &out;
    return 0;
}

static int end(void **state)
{
    buf_deinit(*state);
    return 0;
}

static void acks(void **state)
{
    struct buf *out = *state;
    payload_accepted(out, 9007199254740991, false);
    assert_json(out, "{\"ok\":true,\"message_id\":9007199254740991}");
    payload_accepted(out, 1, true);
    assert_json(out, "{\"ok\":true,\"message_id\":1,\"dup\":true}");
    payload_refused(out, (struct payload_error){CHAT_E_NO_SUCH_USER, NULL, 0});
    assert_json(out, "{\"ok\":false,\"error\":{\"code\":\"no_such_user\",\"message\":"
                     "\"There is no such user.\"}}");
    payload_refused(out, (struct payload_error){CHAT_E_RATE_LIMITED, NULL, 50});
    assert_json(out, "{\"ok\":false,\"error\":{\"code\":\"rate_limited\",\"message\":"
                     "\"Too many messages; wait a moment.\",\"retry_after_ms\":50}}");
    payload_refused(out, (struct payload_error){CHAT_E_INVALID, "a \"word\"", 0});
    assert_json(out, "{\"ok\":false,\"error\":{\"code\":\"invalid\",\"message\":"
                     "\"a \\\"word\\\"\"}}");
}

static void errors_without_an_ack(void **state)
{
    struct buf *out = *state;
    struct payload_error e = {CHAT_E_INVALID, "x", 0};
    payload_message_error(out, e, SLICE(""));
    assert_json(out, "{\"error\":{\"code\":\"invalid\",\"message\":\"x\"}}");
    payload_message_error(out, e, SLICE("\"c1\""));
    assert_json(out, "{\"error\":{\"code\":\"invalid\",\"message\":\"x\"},\"client_id\":\"c1\"}");
}

static void every_error_is_json(void **state)
{
    struct buf *out = *state;
    for (int err = CHAT_E_INVALID; err < CHAT_ERRS; err++) {
        struct json value;
        payload_refused(out, (struct payload_error){(enum chat_err)err, NULL, UINT64_MAX});
        assert_int_equal(json_parse(buf_slice(out), &value), JSON_OK);
        buf_clear(out);
    }
}

static void sessions(void **state)
{
    struct buf *out = *state;
    payload_session(out, SLICE("Alice"), false, 4096);
    assert_json(out, "{\"username\":\"Alice\",\"recovered\":false,\"message_max_bytes\":4096}");
    payload_session(out, SLICE("a.b-c_9"), true, 60000);
    assert_json(out, "{\"username\":\"a.b-c_9\",\"recovered\":true,\"message_max_bytes\":60000}");
    payload_session_end(out, SLICE("logged_out"));
    assert_json(out, "{\"code\":\"logged_out\"}");
    payload_connect_error(out, SLICE("session_expired"));
    assert_json(out, "{\"code\":\"session_expired\"}");
}

static const struct {
    const char *label;
    struct slice message, client_id;
    const char *wanted;
} echoes[] = {
    {"no id",              SLICE_INIT("{\"a\":1}"),   SLICE_INIT(""),      "{\"a\":1}"                    },
    {"an id",              SLICE_INIT("{\"a\":1}"),   SLICE_INIT("\"c\""), "{\"a\":1,\"client_id\":\"c\"}"},
    {"an object in front", SLICE_INIT("{\"a\":{} }"), SLICE_INIT("\"c\""),
     "{\"a\":{} ,\"client_id\":\"c\"}"                                                                    },
    {"an empty one",       SLICE_INIT("{}"),          SLICE_INIT("\"c\""), "{\"client_id\":\"c\"}"        },
    {"with space in it",   SLICE_INIT("{ \t\r\n}"),   SLICE_INIT("\"c\""),
     "{ \t\r\n\"client_id\":\"c\"}"                                                                       },
};

static void an_echo_has_the_client_id_put_in(void **state)
{
    struct buf *out = *state;
    for (size_t i = 0; i < ROWS(echoes); i++) {
        print_message("  %s\n", echoes[i].label);
        struct slice message = exact_copy(echoes[i].message);
        struct slice client_id = exact_copy(echoes[i].client_id);
        payload_with_client_id(out, message, client_id);
        exact_free(message);
        exact_free(client_id);
        assert_json(out, echoes[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(acks, begin, end),
        cmocka_unit_test_setup_teardown(errors_without_an_ack, begin, end),
        cmocka_unit_test_setup_teardown(every_error_is_json, begin, end),
        cmocka_unit_test_setup_teardown(sessions, begin, end),
        cmocka_unit_test_setup_teardown(an_echo_has_the_client_id_put_in, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
