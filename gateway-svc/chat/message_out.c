/* message_out.c - checks and normalises the payload of `message_out` */
#include "gateway-svc/chat/message_out.h"
#include "gateway-svc/chat/message_size.h"
#include "shared/json.h"
#include <string.h>

void message_out_init(struct message_out *m, size_t text_max)
{
    memset(m, 0, sizeof *m);
    m->text_max = text_max;
    size_t scratch = text_max > CLIENT_ID_MAX ? text_max : CLIENT_ID_MAX;
    buf_init(&m->client_id, message_size_string(CLIENT_ID_MAX));
    buf_init(&m->text, message_size_string(text_max));
    buf_init(&m->scratch, scratch);
}

void message_out_deinit(struct message_out *m)
{
    buf_deinit(&m->client_id);
    buf_deinit(&m->text);
    buf_deinit(&m->scratch);
}

static enum chat_err invalid(struct message_out *m, const char *why)
{
    m->why = why;
    return CHAT_E_INVALID;
}

/* Decodes a string of at most `max` bytes into the scratch buffer. */
static enum json_err decode(struct message_out *m, struct json value, size_t max)
{
    buf_clear(&m->scratch);
    enum json_err err = json_string(value, &m->scratch);
    return err == JSON_OK && m->scratch.len > max ? JSON_E_TOO_LARGE : err;
}

/* Of a field that may be missing: null is none, because serializers write that out. */
static bool is_absent(const struct json_member *field)
{
    return field->err == JSON_E_ABSENT || (field->err == JSON_OK && field->value.type == JSON_NULL);
}

static bool is_string(const struct json_member *field)
{
    return field->err == JSON_OK && field->value.type == JSON_STRING;
}

static enum chat_err read_client_id(struct message_out *m, const struct json_member *field)
{
    if (is_absent(field)) {
        return CHAT_OK;
    }
    if (!is_string(field) || decode(m, field->value, CLIENT_ID_MAX) != JSON_OK ||
        m->scratch.len == 0) {
        return invalid(m, "client_id must be one string of 1 to 64 bytes");
    }
    json_append_string(&m->client_id, buf_slice(&m->scratch));
    return CHAT_OK;
}

static enum chat_err read_sender(struct message_out *m, const struct json_member *field,
                                 const char *sender)
{
    if (is_absent(field)) {
        return CHAT_OK;
    }
    if (!is_string(field) || decode(m, field->value, USERNAME_MAX) != JSON_OK ||
        !slice_equal_nocase(buf_slice(&m->scratch), slice_text(sender))) {
        return invalid(m, "sender must be the name of the session");
    }
    return CHAT_OK;
}

static enum chat_err read_receiver(struct message_out *m, const struct json_member *field)
{
    if (!is_string(field)) {
        return invalid(m, "receiver must be one string");
    }
    enum json_err err = decode(m, field->value, USERNAME_MAX);
    if (err == JSON_E_SURROGATE) {
        return invalid(m, "receiver holds half a character");
    }
    if (err != JSON_OK) {
        return CHAT_E_NO_SUCH_USER;
    }
    struct slice name = buf_slice(&m->scratch);
    username_fold(name, m->to);
    bool exists = slice_equal_nocase(name, SLICE("group")) || username_check(name) == USERNAME_OK;
    return exists ? CHAT_OK : CHAT_E_NO_SUCH_USER;
}

static enum chat_err read_text(struct message_out *m, const struct json_member *field)
{
    if (!is_string(field)) {
        return invalid(m, "message_text must be one string");
    }
    switch (decode(m, field->value, m->text_max)) {
    case JSON_OK: break;
    case JSON_E_TOO_LARGE: return CHAT_E_TOO_LARGE;
    case JSON_E_SURROGATE: return invalid(m, "message_text holds half a character");
    case JSON_E_SYNTAX:
    case JSON_E_DEPTH:
    case JSON_E_UTF8:
    case JSON_E_TYPE:
    case JSON_E_ABSENT:
    case JSON_E_DUPLICATE: return invalid(m, "message_text must be one string");
    }
    if (m->scratch.len == 0) {
        return invalid(m, "message_text must not be empty");
    }
    json_append_string(&m->text, buf_slice(&m->scratch));
    return CHAT_OK;
}

enum chat_err message_out_parse(struct message_out *m, struct slice args, const char *sender)
{
    struct json object;
    buf_clear(&m->client_id);
    buf_clear(&m->text);
    m->why = "the payload must be one object";
    if (json_parse(args, &object) != JSON_OK || object.type != JSON_OBJECT) {
        return CHAT_E_INVALID;
    }
    enum { CLIENT_ID, SENDER, TEXT, RECEIVER, FIELDS };
    struct json_member fields[FIELDS] = {
        [CLIENT_ID] = {.name = SLICE_INIT("client_id")},
        [SENDER] = {.name = SLICE_INIT("sender")},
        [TEXT] = {.name = SLICE_INIT("message_text")},
        [RECEIVER] = {.name = SLICE_INIT("receiver")},
    };
    json_find_all(object, fields, FIELDS);
    enum chat_err err = read_client_id(m, &fields[CLIENT_ID]);
    err = err ? err : read_sender(m, &fields[SENDER], sender);
    err = err ? err : read_text(m, &fields[TEXT]);
    return err ? err : read_receiver(m, &fields[RECEIVER]);
}
