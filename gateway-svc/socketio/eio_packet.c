/* eio_packet.c - Engine.IO packets */
#include "gateway-svc/socketio/eio_packet.h"

bool eio_packet_decode(struct slice text, struct eio_packet *out)
{
    if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] >= '0' + EIO_TYPES) {
        return false;
    }
    out->type = (enum eio_type)(text.ptr[0] - '0');
    out->data = slice_tail(text, 1);
    return true;
}

bool eio_packet_hello(struct buf *out, const struct eio_hello *hello)
{
    buf_append(out, SLICE("0{\"sid\":\""));
    buf_append(out, hello->sid);
    buf_append(out, SLICE("\",\"upgrades\":["));
    buf_append(out, hello->upgrade ? SLICE("\"websocket\"") : SLICE(""));
    buf_append(out, SLICE("],\"pingInterval\":"));
    buf_u64(out, hello->ping_interval_ms);
    buf_append(out, SLICE(",\"pingTimeout\":"));
    buf_u64(out, hello->ping_timeout_ms);
    buf_append(out, SLICE(",\"maxPayload\":"));
    buf_u64(out, hello->max_payload);
    buf_byte(out, '}');
    return !out->failed;
}
