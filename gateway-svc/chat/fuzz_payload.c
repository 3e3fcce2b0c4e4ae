/* fuzz_payload.c - whatever clients are told is one JSON object that says what was meant
 *
 * Input: three lines: a client_id, a text, and a message as it came from Redis. */
#include "gateway-svc/chat/payload.h"
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/fuzz.h"

static struct json member(struct json object, const char *key)
{
    struct json value;
    HOLDS(json_find(object, slice_text(key), &value) == JSON_OK);
    return value;
}

static struct json parsed(const struct buf *out)
{
    struct json object;
    HOLDS(!out->failed && json_parse(buf_slice(out), &object) == JSON_OK);
    HOLDS(object.type == JSON_OBJECT);
    return object;
}

static void check_string(struct json value, struct slice text)
{
    struct buf decoded;
    buf_init(&decoded, SIZE_MAX);
    HOLDS(json_string(value, &decoded) == JSON_OK && slice_equal(buf_slice(&decoded), text));
    buf_deinit(&decoded);
}

static void check_error(struct buf *out, struct payload_error e, struct slice client_id)
{
    uint64_t ms = 0;
    payload_message_error(out, e, client_id);
    struct json error = member(parsed(out), "error");
    check_string(member(error, "code"), slice_text(chat_err_code(e.err)));
    check_string(member(error, "message"), slice_text(e.text ? e.text : chat_err_text(e.err)));
    if (e.retry_after_ms > 0) {
        HOLDS(json_u64(member(error, "retry_after_ms"), UINT64_MAX, &ms) == JSON_OK &&
              ms == e.retry_after_ms);
    }
    if (client_id.len > 0) {
        HOLDS(slice_equal(member(parsed(out), "client_id").raw, client_id));
    }
    buf_clear(out);
    payload_refused(out, e);
    HOLDS(!json_is_true(member(parsed(out), "ok")));
    check_string(member(member(parsed(out), "error"), "code"), slice_text(chat_err_code(e.err)));
    buf_clear(out);
}

static void check_session(struct buf *out, struct slice text, bool flag, uint64_t number)
{
    uint64_t id = 0;
    payload_session(out, text, flag, 4096);
    check_string(member(parsed(out), "username"), text);
    HOLDS(json_is_true(member(parsed(out), "recovered")) == flag);
    buf_clear(out);
    payload_session_end(out, text);
    check_string(member(parsed(out), "code"), text);
    buf_clear(out);
    payload_accepted(out, number, flag);
    HOLDS(json_u64(member(parsed(out), "message_id"), UINT64_MAX, &id) == JSON_OK && id == number);
    buf_clear(out);
}

/* Every member that was there is there, and the client_id behind them. */
static void check_echo(struct buf *out, struct json message, struct slice client_id)
{
    struct json key, value, echo_key, echo_value = message;
    payload_with_client_id(out, message.raw, client_id);
    struct json_walk before = json_walk(message), after = json_walk(parsed(out));
    while (json_next(&before, &key, &value)) {
        HOLDS(json_next(&after, &echo_key, &echo_value));
        HOLDS(slice_equal(key.raw, echo_key.raw) && slice_equal(value.raw, echo_value.raw));
    }
    if (client_id.len > 0) {
        HOLDS(json_next(&after, &echo_key, &echo_value));
        check_string(echo_key, SLICE("client_id"));
        HOLDS(slice_equal(echo_value.raw, client_id));
    }
    HOLDS(!json_next(&after, &echo_key, &echo_value));
    buf_clear(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct slice id = fuzz_line(&in), text = fuzz_line(&in);
    char *copy = strndup(text.ptr, text.len);
    struct json value;
    struct buf out;

    HOLDS(copy);
    buf_init(&out, 1 << 20);
    bool has_id = json_parse(id, &value) == JSON_OK && value.type == JSON_STRING;
    struct slice client_id = has_id ? value.raw : SLICE("");
    struct payload_error e = {(enum chat_err)(1 + size % (CHAT_ERRS - 1)), NULL, size % 3};
    check_error(&out, e, client_id);
    if (utf8_valid(text)) {
        e.text = copy;
        check_error(&out, e, client_id);
        check_session(&out, text, size % 2, size);
    }
    if (json_parse(in, &value) == JSON_OK && value.type == JSON_OBJECT) {
        check_echo(&out, value, client_id);
    }
    buf_deinit(&out);
    free(copy);
    exact_free(id);
    exact_free(text);
    return 0;
}
