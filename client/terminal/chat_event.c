/* chat_event.c - the payloads of the chat's events and answers */
#include "client/terminal/chat_event.h"
#include <string.h>

/* A member that is a string of at most max bytes without NUL, as a C string. */
static bool find_text(struct json object, struct slice key, char *out, size_t max)
{
    struct json value;
    struct buf text;
    if (json_find(object, key, &value) != JSON_OK) {
        return false;
    }
    buf_init(&text, max);
    bool good = json_string(value, &text) == JSON_OK &&
                (text.len == 0 || !memchr(text.ptr, '\0', text.len));
    if (good && text.len > 0) {
        memcpy(out, text.ptr, text.len);
    }
    if (good) {
        out[text.len] = '\0';
    }
    buf_deinit(&text);
    return good;
}

static bool find_name(struct json object, struct slice key, char out[USERNAME_MAX + 1])
{
    return find_text(object, key, out, USERNAME_MAX) &&
           username_check(slice_text(out)) != USERNAME_E_SHAPE;
}

static bool find_u64(struct json object, struct slice key, uint64_t *out)
{
    struct json value;
    return json_find(object, key, &value) == JSON_OK &&
           json_u64(value, CHAT_ID_MAX, out) == JSON_OK;
}

bool chat_message_read(struct json payload, struct chat_message *out)
{
    struct json text;
    *out = (struct chat_message){0};
    buf_init(&out->text, CHAT_TEXT_MAX);
    (void)find_text(payload, SLICE("client_id"), out->client_id, CHAT_CLIENT_ID_MAX);
    return find_u64(payload, SLICE("message_id"), &out->id) &&
           find_u64(payload, SLICE("sent_at"), &out->sent_at_ms) &&
           find_name(payload, SLICE("sender"), out->sender) &&
           find_name(payload, SLICE("receiver"), out->receiver) &&
           json_find(payload, SLICE("message_text"), &text) == JSON_OK &&
           json_string(text, &out->text) == JSON_OK;
}

void chat_message_deinit(struct chat_message *m)
{
    buf_deinit(&m->text);
}

bool chat_is_group(const char *receiver)
{
    return slice_equal_nocase(slice_text(receiver), SLICE("group"));
}

static bool find_error(struct json object, struct chat_error *out)
{
    struct json error;
    *out = (struct chat_error){0};
    if (json_find(object, SLICE("error"), &error) != JSON_OK ||
        !find_text(error, SLICE("code"), out->code, CHAT_CODE_MAX)) {
        return false;
    }
    (void)find_text(error, SLICE("message"), out->words, CHAT_WORDS_MAX);
    (void)find_u64(error, SLICE("retry_after_ms"), &out->retry_after_ms);
    return true;
}

bool chat_answer_read(struct slice payload, struct chat_answer *out)
{
    struct json answer, ok;
    *out = (struct chat_answer){0};
    if (json_parse(payload, &answer) != JSON_OK || json_find(answer, SLICE("ok"), &ok) != JSON_OK ||
        ok.type != JSON_BOOL) {
        return false;
    }
    out->ok = json_is_true(ok);
    return out->ok ? find_u64(answer, SLICE("message_id"), &out->id)
                   : find_error(answer, &out->error);
}

bool chat_session_read(struct json payload, struct chat_session *out)
{
    struct json recovered;
    *out = (struct chat_session){0};
    out->recovered =
        json_find(payload, SLICE("recovered"), &recovered) == JSON_OK && json_is_true(recovered);
    return find_name(payload, SLICE("username"), out->username);
}

bool chat_code_read(struct json payload, char out[CHAT_CODE_MAX + 1])
{
    return find_text(payload, SLICE("code"), out, CHAT_CODE_MAX);
}

bool chat_login_read(struct slice body, struct chat_login *out)
{
    struct json answer;
    *out = (struct chat_login){0};
    return json_parse(body, &answer) == JSON_OK &&
           find_name(answer, SLICE("username"), out->username) &&
           find_text(answer, SLICE("token"), out->token, CHAT_TOKEN_MAX) &&
           slice_made_of(slice_text(out->token), "._~+/=-");
}

bool chat_login_error_read(struct slice body, struct chat_error *out)
{
    struct json answer;
    *out = (struct chat_error){0};
    return json_parse(body, &answer) == JSON_OK && find_error(answer, out);
}
