/* fuzz_eio_ws_lws.c - however libwebsockets cuts a client's messages into pieces, the endpoint gets
 * each message once and whole, and limits end the connection before they are passed
 *
 * Input: lines, each a piece: a byte whose bits say "more frames follow", "more of this frame
 * follows", "binary", "it announces much"; then the bytes.  libwebsockets itself is not here: what
 * the transport asks it is answered by us. */
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/eio_payload.h"
#include "gateway-svc/socketio/eio_ws_lws.h"
#include "shared/utf8.h"
#include "tests/support/fuzz.h"
#include <ev.h>

enum { MORE_FRAMES = 1, MORE_BYTES = 2, BINARY = 4, MUCH = 8 };
#define PAYLOAD_MAX 64
#define FRAGMENTS_MAX 4

static struct {
    struct eio_engine engine;
    struct eio_conn *conn;
    void *user; /* whom libwebsockets tells: the connection, until it is gone */
    unsigned bits;
    bool binary;       /* the message that is coming in */
    struct buf coming; /* what has come of it */
    struct buf got;    /* what the endpoint got last */
    unsigned messages;
    unsigned ended;
} wire;

/* ---- libwebsockets --------------------------------------------------------------------------- */

int lws_is_final_fragment(struct lws *wsi)
{
    (void)wsi;
    return !(wire.bits & (MORE_FRAMES | MORE_BYTES));
}

size_t lws_remaining_packet_payload(struct lws *wsi)
{
    (void)wsi;
    return (wire.bits & MUCH) ? PAYLOAD_MAX : (wire.bits & MORE_BYTES) ? 1 : 0;
}

int lws_frame_is_binary(struct lws *wsi)
{
    (void)wsi;
    return wire.binary;
}

void lws_set_opaque_user_data(struct lws *wsi, void *data)
{
    (void)wsi;
    wire.user = data;
}

int lws_get_socket_fd(struct lws *wsi)
{
    (void)wsi;
    return -1; /* sending fails: a connection that is gone */
}

struct lws_context *lws_get_context(const struct lws *wsi)
{
    (void)wsi;
    return NULL;
}

/* A struct eio_ws, which begins with its loop; that of a socket -1 feeds nobody. */
void *lws_context_user(struct lws_context *context)
{
    static struct {
        struct ev_loop *loop;
        char rest[1024];
    } ws;
    (void)context;
    ws.loop = ev_default_loop(0);
    return &ws;
}

int lws_partial_buffered(struct lws *wsi)
{
    (void)wsi;
    return 0;
}

int lws_callback_on_writable(struct lws *wsi)
{
    (void)wsi;
    return 0;
}

int lws_write(struct lws *wsi, unsigned char *buf, size_t len, enum lws_write_protocol protocol)
{
    (void)wsi;
    (void)buf;
    (void)protocol;
    return (int)len;
}

/* ---- The endpoint ---------------------------------------------------------------------------- */

static void on_open(struct eio_conn *conn)
{
    (void)conn;
}

/* The message that has come, as the endpoint must get it: binary as it is, a text without its "4",
 * and binary as text, which is what a text with "b" is.  False: it is none. */
static bool expected(struct buf *message, bool *binary)
{
    struct slice whole = buf_slice(&wire.coming);
    struct slice rest = slice_tail(whole, 1);
    char type = (char)(whole.len > 0 ? whole.ptr[0] : 0);
    *binary = wire.binary || type == 'b';
    if (wire.binary) {
        return buf_append(message, whole);
    }
    if (!utf8_valid(whole)) {
        return false;
    }
    return type == 'b' ? base64_decode(rest, message) : type == '4' && buf_append(message, rest);
}

static void on_message(struct slice data, bool binary)
{
    struct buf message;
    bool as_binary;
    buf_init(&message, SIZE_MAX);
    HOLDS(expected(&message, &as_binary));
    HOLDS(binary == as_binary && slice_equal(data, buf_slice(&message)));
    buf_deinit(&message);
    wire.messages++;
}

static void on_text(struct eio_conn *conn, struct slice data)
{
    (void)conn;
    on_message(data, false);
}

static void on_binary(struct eio_conn *conn, struct slice data)
{
    (void)conn;
    on_message(data, true);
}

static void on_ended(struct eio_conn *conn, enum sio_reason reason)
{
    (void)conn;
    (void)reason;
    wire.ended++;
}

/* What libwebsockets calls. */
static void call(enum lws_callback_reasons why, void *in, size_t len)
{
    HOLDS(wire.user == wire.conn);
    HOLDS(eio_ws_transport.callback(wire.user, NULL, why, in, len) == 0);
}

static bool is_message(void)
{
    struct buf message;
    bool binary;
    buf_init(&message, SIZE_MAX);
    bool good = expected(&message, &binary);
    buf_deinit(&message);
    return good;
}

/* One piece; returns whether a message must have been told. */
static bool receive(struct slice piece, unsigned *fragments)
{
    bool first = wire.coming.len == 0 && *fragments == 0;
    struct slice bytes = exact_copy(slice_tail(piece, 1));
    bool open = eio_conn_is_open(wire.conn);
    void *received = NULL;
    memcpy(&received, &bytes.ptr, sizeof received); /* as libwebsockets has it: without const */
    wire.bits = piece.len > 0 ? (unsigned char)piece.ptr[0] : 0;
    if (wire.bits & MUCH) {
        wire.bits |= MORE_BYTES;
    }
    wire.binary = first ? (wire.bits & BINARY) != 0 : wire.binary;
    buf_append(&wire.coming, bytes);
    *fragments += (wire.bits & MORE_BYTES) ? 0 : 1;
    call(LWS_CALLBACK_RECEIVE, received, bytes.len);
    size_t announced = lws_remaining_packet_payload(NULL);
    bool fits = wire.coming.len + announced <= PAYLOAD_MAX && *fragments <= FRAGMENTS_MAX;
    HOLDS(fits || !eio_conn_is_open(wire.conn));
    bool last = lws_is_final_fragment(NULL);
    exact_free(bytes);
    return open && fits && last && is_message();
}

static void begin(struct eio_endpoint *endpoint)
{
    struct sio_config config;
    memset(&wire, 0, sizeof wire);
    sio_config_defaults(&config);
    config.max_payload = PAYLOAD_MAX;
    config.max_fragments = FRAGMENTS_MAX;
    eio_engine_init(&wire.engine, &config);
    eio_engine_add(&wire.engine, endpoint);
    wire.conn = eio_conn_new(endpoint, &eio_ws_ops, NULL);
    HOLDS(wire.conn);
    wire.user = wire.conn;
    buf_init(&wire.coming, SIZE_MAX);
    eio_ws_transport.opened(wire.conn, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eio_endpoint endpoint = {
        .path = "/", .open = on_open, .text = on_text, .binary = on_binary, .ended = on_ended};
    struct slice in = fuzz_input(data, size);
    unsigned fragments = 0;

    begin(&endpoint);
    while (in.len > 0 && eio_conn_is_open(wire.conn)) {
        unsigned before = wire.messages;
        bool told = receive(slice_cut(&in, '\n'), &fragments);
        HOLDS(wire.messages == before + told);
        if (lws_is_final_fragment(NULL)) {
            buf_clear(&wire.coming);
            fragments = 0;
        }
    }
    call(LWS_CALLBACK_CLOSED, NULL, 0);
    HOLDS(wire.ended == 1 && !wire.user && wire.engine.stats.connections == 0);
    buf_deinit(&wire.coming);
    eio_engine_deinit(&wire.engine);
    return 0;
}
