/* fuzz_bus_line.c - a line that was taken can be written down from its fields and means the same;
 * what clients get of it is JSON, or a word that needs no quoting */
#include "gateway-svc/relay/bus_line.h"
#include "shared/json.h"
#include "shared/token.h"
#include "tests/support/fuzz.h"

static void put(struct buf *out, struct slice word)
{
    buf_append(out, word);
    buf_byte(out, ' ');
}

static void write_message(const struct bus_message *m, struct buf *out)
{
    buf_u64(out, m->id);
    buf_byte(out, ' ');
    put(out, m->sender);
    put(out, m->receiver.len > 0 ? m->receiver : SLICE("-"));
    buf_append(out, m->client_id);
    buf_byte(out, '\n');
    buf_append(out, m->json);
}

/* All of them. */
static void write_messages(const struct bus_line *first, struct buf *out)
{
    struct bus_line line = *first;
    write_message(&line.message, out);
    while (bus_line_next(&line)) {
        if (line.kind == BUS_MESSAGE) {
            buf_byte(out, '\n');
            write_message(&line.message, out);
        }
    }
}

static void write(const struct bus_line *line, struct buf *out)
{
    static const char *const kinds[] = {"", "nonce ", "end ", "message "};
    buf_append(out, slice_text(kinds[line->kind]));
    buf_u64(out, line->count);
    buf_byte(out, ' ');
    if (line->kind == BUS_NONCE) {
        put(out, line->nonce.nonce);
        buf_u64(out, line->nonce.group_count);
        buf_byte(out, ' ');
        buf_u64(out, line->nonce.version);
        buf_byte(out, ' ');
        buf_byte(out, 'e'); /* an epoch: of no interest */
    } else if (line->kind == BUS_END) {
        put(out, line->end.session);
        buf_append(out, line->end.code);
    } else {
        write_messages(line, out);
    }
}

static void check_message(const struct bus_message *m)
{
    struct json value;
    HOLDS(m->sender.len == TOKEN_HASH_LEN);
    HOLDS(m->receiver.len == TOKEN_HASH_LEN || m->receiver.len == 0);
    HOLDS(json_parse(m->json, &value) == JSON_OK && value.type == JSON_OBJECT);
    HOLDS(m->client_id.len == 0 ||
          (json_parse(m->client_id, &value) == JSON_OK && value.type == JSON_STRING));
}

static void check_end(const struct bus_end *end)
{
    HOLDS(end->session.len == TOKEN_HASH_LEN && end->code.len > 0);
    for (size_t i = 0; i < end->code.len; i++) {
        HOLDS(strchr("abcdefghijklmnopqrstuvwxyz_", end->code.ptr[i]) && end->code.ptr[i]);
    }
}

static void check_line(const struct bus_line *line)
{
    struct buf first, second;
    buf_init(&first, SIZE_MAX);
    buf_init(&second, SIZE_MAX);
    write(line, &first);
    struct slice copy = exact_copy(buf_slice(&first));
    struct bus_line again = bus_line_decode(copy);
    HOLDS(again.kind == line->kind && again.count == line->count);
    write(&again, &second);
    HOLDS(slice_equal(buf_slice(&first), buf_slice(&second)));
    exact_free(copy);
    buf_deinit(&first);
    buf_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct bus_line line = bus_line_decode(in), next = line;
    struct bus_change change;

    if (line.kind == BUS_MESSAGE) {
        check_message(&line.message);
        for (size_t left = next.more.len; bus_line_next(&next); left = next.more.len) {
            HOLDS(next.more.len < left);
            if (next.kind == BUS_MESSAGE) {
                check_message(&next.message);
            }
        }
    } else if (line.kind == BUS_END) {
        check_end(&line.end);
    }
    if (line.kind != BUS_BAD) {
        check_line(&line);
    }
    if (bus_change_decode(in, &change)) {
        HOLDS(fuzz_inside(change.epoch, in) && fuzz_inside(change.list, in));
        HOLDS(change.epoch.len > 0 && change.list.len > 0);
        HOLDS(!memchr(change.epoch.ptr, ' ', change.epoch.len));
    }
    return 0;
}
