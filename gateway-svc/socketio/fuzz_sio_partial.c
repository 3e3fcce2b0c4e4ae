/* fuzz_sio_partial.c - a packet with attachments is whole when as many have come as it said, holds
 * them as they came and itself as it came, and never keeps more bytes than it may
 *
 * Input: the limit (a byte, times 8), the packet's line, then one line for each attachment. */
#include "gateway-svc/socketio/sio_partial.h"
#include "shared/json.h"
#include "tests/support/fuzz.h"

/* Each placeholder names one of the attachments: by a search of the text, where it is plain. */
static void check_placeholders(const struct sio_packet *p)
{
    static const struct slice mark = SLICE_INIT("{\"_placeholder\":true,\"num\":");
    struct slice args = p->type == SIO_PACKET_BINARY_EVENT ? p->args : p->payload;
    for (size_t i = 0; i < args.len; i++) {
        struct slice at = slice_tail(args, i);
        size_t n = 0;
        if (memchr(args.ptr, '\\', args.len) || !slice_starts(at, mark)) {
            continue; /* perhaps it stands in a string */
        }
        uint64_t num = 0;
        at = slice_tail(at, mark.len);
        while (n < at.len && at.ptr[n] >= '0' && at.ptr[n] <= '9') {
            n++;
        }
        HOLDS(n == 0 || (slice_u64(slice_head(at, n), UINT64_MAX, &num) && num < p->attachments));
    }
}

static void check_packet(const struct sio_packet *p, const struct sio_packet *own)
{
    HOLDS(p->type == own->type && p->attachments == own->attachments);
    HOLDS(p->has_ack_id == own->has_ack_id && p->ack_id == own->ack_id);
    HOLDS(slice_equal(p->nsp, own->nsp) && slice_equal(p->payload, own->payload));
    HOLDS(slice_equal(p->name, own->name) && slice_equal(p->args, own->args));
}

/* The attachments of the rest of the input, until it is whole, they are too large, or it ends. */
static void add_all(struct sio_partial *partial, struct slice in, size_t left)
{
    struct slice rest = in;
    size_t count = 0;
    while (!sio_partial_is_whole(partial) && rest.len > 0) {
        struct slice line = fuzz_line(&rest);
        bool fits = line.len <= left;
        HOLDS(!sio_partial_packet(partial)->data);
        HOLDS(sio_partial_add(partial, line) == fits);
        left -= fits ? line.len : 0;
        count += fits ? 1 : 0;
        exact_free(line); /* it keeps a copy */
        if (!fits) {
            return;
        }
    }
    const struct sio_packet *p = sio_partial_packet(partial);
    HOLDS(sio_partial_is_whole(partial) == (count == p->attachments));
    HOLDS(!p->data == !sio_partial_is_whole(partial));
    for (size_t i = 0; p->data && i < count; i++) {
        HOLDS(slice_equal(p->data[i], slice_cut(&in, '\n')));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct sio_packet packet;
    size_t max = fuzz_byte(&in) * (size_t)8;
    struct slice text = fuzz_line(&in);

    if (sio_packet_decode(text, &packet) == SIO_PACKET_OK && packet.attachments > 0) {
        struct sio_partial *partial = sio_partial_new(text, max);
        HOLDS((partial != NULL) == (text.len <= max));
        if (partial) {
            check_packet(sio_partial_packet(partial), &packet);
            check_placeholders(sio_partial_packet(partial));
            add_all(partial, in, max - text.len);
            check_packet(sio_partial_packet(partial), &packet);
        }
        sio_partial_free(partial);
    }
    exact_free(text);
    return 0;
}
