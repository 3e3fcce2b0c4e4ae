/* fuzz_message_out.c - what was taken, written down and sent again comes out with the same bytes;
 * limits and receivers are kept
 *
 * Input: a byte for the longest text, then the arguments. */
#include "gateway-svc/chat/message_out.h"
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/fuzz.h"

static size_t decoded_length(struct slice string)
{
    struct json value;
    struct buf text;
    buf_init(&text, SIZE_MAX);
    HOLDS(json_parse(string, &value) == JSON_OK && json_string(value, &text) == JSON_OK);
    HOLDS(utf8_valid(buf_slice(&text)));
    size_t len = text.len;
    buf_deinit(&text);
    return len;
}

static void check_again(const struct message_out *m)
{
    struct message_out again;
    struct buf args;
    buf_init(&args, SIZE_MAX);
    buf_printf(&args, "{\"sender\":\"ALICE\",\"receiver\":\"%s\",\"message_text\":", m->to);
    buf_append(&args, buf_slice(&m->text));
    if (m->client_id.len > 0) {
        buf_append(&args, SLICE(",\"client_id\":"));
        buf_append(&args, buf_slice(&m->client_id));
    }
    buf_byte(&args, '}');
    message_out_init(&again, m->text_max);
    HOLDS(message_out_parse(&again, buf_slice(&args), "alice") == CHAT_OK);
    HOLDS(strcmp(again.to, m->to) == 0);
    HOLDS(slice_equal(buf_slice(&again.text), buf_slice(&m->text)));
    HOLDS(slice_equal(buf_slice(&again.client_id), buf_slice(&m->client_id)));
    message_out_deinit(&again);
    buf_deinit(&args);
}

static void check_taken(const struct message_out *m)
{
    size_t len = decoded_length(buf_slice(&m->text));
    bool group = strcmp(m->to, "group") == 0;
    HOLDS(len >= 1 && len <= m->text_max);
    HOLDS(group || username_check(slice_text(m->to)) == USERNAME_OK);
    check_again(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct message_out m;

    message_out_init(&m, 1 + fuzz_byte(&in));
    struct slice args = exact_copy(in);
    enum chat_err err = message_out_parse(&m, args, "alice");
    HOLDS(err == CHAT_OK || err == CHAT_E_INVALID || err == CHAT_E_TOO_LARGE ||
          err == CHAT_E_NO_SUCH_USER);
    HOLDS(err != CHAT_E_INVALID || m.why);
    if (m.client_id.len > 0) {
        size_t len = decoded_length(buf_slice(&m.client_id));
        HOLDS(len >= 1 && len <= CLIENT_ID_MAX);
    }
    if (err == CHAT_OK) {
        check_taken(&m);
    }
    exact_free(args);
    message_out_deinit(&m);
    return 0;
}
