/* sio_packet.c - Socket.IO packets */
#include "gateway-svc/socketio/sio_packet.h"
#include "shared/json.h"
#include <string.h>

const char *sio_packet_err_name(enum sio_packet_err err)
{
    static const char *const names[] = {
        [SIO_PACKET_OK] = "ok",
        [SIO_PACKET_E_TYPE] = "type",
        [SIO_PACKET_E_ATTACHMENTS] = "attachments",
        [SIO_PACKET_E_ACK_ID] = "ack_id",
        [SIO_PACKET_E_JSON] = "json",
        [SIO_PACKET_E_PAYLOAD] = "payload",
        [SIO_PACKET_E_NAME] = "event_name",
    };
    return names[err];
}

bool sio_packet_is_reserved(struct slice name)
{
    static const struct slice reserved[] = {
        SLICE_INIT("connect"),       SLICE_INIT("connect_error"), SLICE_INIT("disconnect"),
        SLICE_INIT("disconnecting"), SLICE_INIT("newListener"),   SLICE_INIT("removeListener"),
    };
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (slice_equal(name, reserved[i])) {
            return true;
        }
    }
    return false;
}

static struct slice unquoted(struct json string)
{
    return (struct slice){string.raw.ptr + 1, string.raw.len - 2};
}

static bool is_reserved_string(struct json name, bool escaped)
{
    struct buf decoded;
    if (!escaped) {
        return sio_packet_is_reserved(unquoted(name));
    }
    /* "\u0063onnect" and the like */
    buf_init(&decoded, 64); /* reserved names are shorter; a longer one does not fit and is none */
    enum json_err err = json_string(name, &decoded);
    bool reserved = err == JSON_OK && sio_packet_is_reserved(buf_slice(&decoded));
    buf_deinit(&decoded);
    return reserved;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Cuts the digits off the front of *rest. */
static struct slice cut_digits(struct slice *rest)
{
    size_t n = 0;
    while (n < rest->len && is_digit(rest->ptr[n])) {
        n++;
    }
    struct slice digits = slice_head(*rest, n);
    *rest = slice_tail(*rest, n);
    return digits;
}

static bool is_binary(enum sio_packet_type type)
{
    return type == SIO_PACKET_BINARY_EVENT || type == SIO_PACKET_BINARY_ACK;
}

static bool cut_attachments(struct slice *rest, struct sio_packet *out)
{
    uint64_t count = 0;
    struct slice digits = cut_digits(rest);
    if (!slice_starts(*rest, SLICE("-")) || !slice_u64(digits, SIO_ATTACHMENTS_MAX, &count) ||
        count == 0) {
        return false;
    }
    *rest = slice_tail(*rest, 1);
    out->attachments = (uint32_t)count;
    return true;
}

static void cut_namespace(struct slice *rest, struct sio_packet *out)
{
    out->nsp = SLICE("/");
    if (slice_starts(*rest, SLICE("/"))) {
        out->nsp = slice_cut(rest, ',');
    }
}

static bool cut_ack_id(struct slice *rest, struct sio_packet *out)
{
    struct slice digits = cut_digits(rest);
    out->has_ack_id = digits.len > 0;
    return digits.len == 0 || slice_u64(digits, SIO_ACK_ID_MAX, &out->ack_id);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim_json(struct slice s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s = slice_tail(s, 1);
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* What stands between the brackets of an array. */
static struct slice inside(struct slice array)
{
    return trim_json((struct slice){array.ptr + 1, array.len - 2});
}

/* Splits ["name",args...]. */
static enum sio_packet_err read_event(struct json payload, struct sio_packet *out)
{
    struct json_walk walk = json_walk(payload);
    struct json name;
    if (payload.type != JSON_ARRAY) {
        return SIO_PACKET_E_PAYLOAD;
    }
    if (!json_next(&walk, NULL, &name) || (name.type != JSON_STRING && name.type != JSON_NUMBER)) {
        return SIO_PACKET_E_NAME;
    }
    out->name_escaped = memchr(name.raw.ptr, '\\', name.raw.len) != NULL;
    if (name.type == JSON_STRING && is_reserved_string(name, out->name_escaped)) {
        return SIO_PACKET_E_NAME;
    }
    out->name = name.type == JSON_STRING ? unquoted(name) : name.raw;
    struct slice all = inside(payload.raw);
    struct slice behind =
        trim_json(slice_tail(all, (size_t)(name.raw.ptr - all.ptr) + name.raw.len));
    out->args = behind.len > 0 ? trim_json(slice_tail(behind, 1)) : behind; /* off with the comma */
    return SIO_PACKET_OK;
}

static enum sio_packet_err read_connect(struct json payload, struct sio_packet *out)
{
    out->payload = payload.raw;
    return payload.type == JSON_OBJECT ? SIO_PACKET_OK : SIO_PACKET_E_PAYLOAD;
}

static enum sio_packet_err read_ack(struct json payload, struct sio_packet *out)
{
    if (payload.type != JSON_ARRAY) {
        return SIO_PACKET_E_PAYLOAD;
    }
    out->payload = inside(payload.raw);
    return SIO_PACKET_OK;
}

static enum sio_packet_err read_nothing(struct json payload, struct sio_packet *out)
{
    (void)payload;
    (void)out;
    return SIO_PACKET_E_PAYLOAD;
}

static const struct {
    enum sio_packet_err (*read)(struct json payload, struct sio_packet *out);
    bool may_be_empty;
} payloads[SIO_PACKET_TYPES] = {
    [SIO_PACKET_CONNECT] = {read_connect, true },
    [SIO_PACKET_DISCONNECT] = {read_nothing, true },
    [SIO_PACKET_EVENT] = {read_event,   false},
    [SIO_PACKET_ACK] = {read_ack,     true }, /* the official server ignores an empty one */
    [SIO_PACKET_BINARY_EVENT] = {read_event,   false},
    [SIO_PACKET_BINARY_ACK] = {read_ack,     false},
};

/* Does an object that says that it is a placeholder name one of the attachments? */
static bool is_sound(struct json object, uint32_t attachments)
{
    struct json mark, num;
    uint64_t n;
    enum json_err err = json_find(object, SLICE("_placeholder"), &mark);
    if (err != JSON_OK || !json_is_true(mark)) {
        return err != JSON_E_DUPLICATE;
    }
    return json_find(object, SLICE("num"), &num) == JSON_OK &&
           json_u64(num, attachments - 1, &n) == JSON_OK;
}

/* At any depth, of which there are at most JSON_DEPTH_MAX. */
static bool placeholders_are_sound(struct json value, uint32_t attachments)
{
    struct json_walk walk = json_walk(value);
    struct json item;
    if (value.type == JSON_OBJECT && !is_sound(value, attachments)) {
        return false;
    }
    while (json_next(&walk, NULL, &item)) {
        if (!placeholders_are_sound(item, attachments)) {
            return false;
        }
    }
    return true;
}

static enum sio_packet_err read_payload(struct slice rest, struct sio_packet *out)
{
    if (rest.len == 0) {
        return payloads[out->type].may_be_empty ? SIO_PACKET_OK : SIO_PACKET_E_PAYLOAD;
    }
    struct json payload;
    if (json_parse(rest, &payload) != JSON_OK) {
        return SIO_PACKET_E_JSON;
    }
    if (out->attachments > 0 && !placeholders_are_sound(payload, out->attachments)) {
        return SIO_PACKET_E_ATTACHMENTS;
    }
    return payloads[out->type].read(payload, out);
}

enum sio_packet_err sio_packet_decode(struct slice text, struct sio_packet *out)
{
    *out = (struct sio_packet){0};
    if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] >= '0' + SIO_PACKET_TYPES) {
        return SIO_PACKET_E_TYPE;
    }
    out->type = (enum sio_packet_type)(text.ptr[0] - '0');
    struct slice rest = slice_tail(text, 1);
    if (!payloads[out->type].read) {
        return SIO_PACKET_E_TYPE;
    }
    if (is_binary(out->type) && !cut_attachments(&rest, out)) {
        return SIO_PACKET_E_ATTACHMENTS;
    }
    cut_namespace(&rest, out);
    if (!cut_ack_id(&rest, out)) {
        return SIO_PACKET_E_ACK_ID;
    }
    return read_payload(rest, out);
}

struct slice sio_packet_name(const struct sio_packet *packet, struct buf *room)
{
    struct slice name = packet->name;
    if (!packet->name_escaped) {
        return name;
    }
    const struct json sent = {
        JSON_STRING, {name.ptr - 1, name.len + 2}
    };
    struct buf text;
    buf_init(&text, name.len);
    bool good = json_string(sent, &text) == JSON_OK && json_append_string(room, buf_slice(&text));
    buf_deinit(&text);
    return good ? unquoted((struct json){JSON_STRING, buf_slice(room)}) : name;
}
