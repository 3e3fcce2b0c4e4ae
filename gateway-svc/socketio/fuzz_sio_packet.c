/* fuzz_sio_packet.c - a packet that was taken can be written down from its fields and is then the
 * same packet; its parts are JSON; no reserved name gets through, and each is one however it is
 * written */
#include "gateway-svc/socketio/sio_packet.h"
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/fuzz.h"

static bool is_event(const struct sio_packet *p)
{
    return p->type == SIO_PACKET_EVENT || p->type == SIO_PACKET_BINARY_EVENT;
}

static bool is_ack(const struct sio_packet *p)
{
    return p->type == SIO_PACKET_ACK || p->type == SIO_PACKET_BINARY_ACK;
}

/* Was the name a string?  Numbers stand there as they are. */
static bool is_quoted(const struct sio_packet *p, struct slice text)
{
    return p->name.ptr > text.ptr && p->name.ptr[-1] == '"';
}

static void write_body(const struct sio_packet *p, struct slice text, struct buf *out)
{
    if (is_event(p)) {
        const char *quote = is_quoted(p, text) ? "\"" : "";
        buf_append(out, SLICE("["));
        buf_append(out, slice_text(quote));
        buf_append(out, p->name);
        buf_append(out, slice_text(quote));
        buf_append(out, p->args.len > 0 ? SLICE(",") : SLICE(""));
        buf_append(out, p->args);
        buf_append(out, SLICE("]"));
    } else if (is_ack(p) && (p->payload.len > 0 || p->attachments > 0)) {
        buf_append(out, SLICE("["));
        buf_append(out, p->payload);
        buf_append(out, SLICE("]"));
    } else {
        buf_append(out, p->payload);
    }
}

static void write(const struct sio_packet *p, struct slice text, struct buf *out)
{
    buf_u64(out, p->type);
    if (p->attachments > 0) {
        buf_u64(out, p->attachments);
        buf_byte(out, '-');
    }
    if (!slice_equal(p->nsp, SLICE("/"))) {
        buf_append(out, p->nsp);
        buf_byte(out, ',');
    }
    if (p->has_ack_id) {
        buf_u64(out, p->ack_id);
    }
    write_body(p, text, out);
}

static void check_same(const struct sio_packet *a, const struct sio_packet *b)
{
    HOLDS(a->type == b->type && a->attachments == b->attachments);
    HOLDS(slice_equal(a->nsp, b->nsp) && slice_equal(a->payload, b->payload));
    HOLDS(a->has_ack_id == b->has_ack_id && a->ack_id == b->ack_id);
    HOLDS(slice_equal(a->name, b->name) && slice_equal(a->args, b->args));
}

static void check_json(const struct sio_packet *p)
{
    struct slice parts[] = {p->payload, p->args};
    for (size_t i = 0; i < 2; i++) {
        struct buf array;
        struct json value;
        buf_init(&array, SIZE_MAX);
        buf_byte(&array, '[');
        buf_append(&array, parts[i]);
        buf_byte(&array, ']');
        HOLDS(json_parse(buf_slice(&array), &value) == JSON_OK);
        buf_deinit(&array);
    }
    HOLDS(utf8_valid(p->name));
}

/* However it is spelled. */
static void check_name(const struct sio_packet *p, struct slice text)
{
    if (is_event(p) && is_quoted(p, text)) {
        struct json name = {
            JSON_STRING, {p->name.ptr - 1, p->name.len + 2}
        };
        struct buf decoded;
        buf_init(&decoded, SIZE_MAX);
        HOLDS(json_string(name, &decoded) != JSON_OK ||
              !sio_packet_is_reserved(buf_slice(&decoded)));
        buf_deinit(&decoded);
    }
}

/* Written with fewer escapes it is the same name, and there was room. */
static void check_plain_name(const struct sio_packet *p)
{
    struct buf room;
    buf_init(&room, SIO_NAME_ROOM(p->name.len));
    struct slice name = sio_packet_name(p, &room);
    HOLDS(!room.failed && name.len <= p->name.len && utf8_valid(name));
    HOLDS(p->name_escaped || slice_equal(name, p->name));
    if (room.len > 0) {
        struct json sent = {
            JSON_STRING, {p->name.ptr - 1, p->name.len + 2}
        };
        struct json plain;
        struct buf a, b;
        buf_init(&a, SIZE_MAX);
        buf_init(&b, SIZE_MAX);
        HOLDS(json_parse(buf_slice(&room), &plain) == JSON_OK);
        HOLDS(json_string(sent, &a) == JSON_OK && json_string(plain, &b) == JSON_OK);
        HOLDS(slice_equal(buf_slice(&a), buf_slice(&b)));
        buf_deinit(&a);
        buf_deinit(&b);
    }
    buf_deinit(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct sio_packet packet, again;
    struct buf text;

    if (sio_packet_decode(in, &packet) != SIO_PACKET_OK) {
        return 0;
    }
    HOLDS(packet.type != SIO_PACKET_CONNECT_ERROR && packet.ack_id <= SIO_ACK_ID_MAX);
    HOLDS(packet.attachments <= SIO_ATTACHMENTS_MAX && packet.nsp.ptr[0] == '/');
    HOLDS(fuzz_inside(packet.payload, in) && fuzz_inside(packet.args, in));
    check_json(&packet);
    check_name(&packet, in);
    check_plain_name(&packet);
    buf_init(&text, SIZE_MAX);
    write(&packet, in, &text);
    struct slice written = exact_copy(buf_slice(&text));
    HOLDS(sio_packet_decode(written, &again) == SIO_PACKET_OK);
    check_same(&packet, &again);
    exact_free(written);
    buf_deinit(&text);
    return 0;
}
