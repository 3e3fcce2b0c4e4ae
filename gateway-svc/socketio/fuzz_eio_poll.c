/* fuzz_eio_poll.c - whatever happens to a polling connection, its upgrade and its end, in whatever
 * order: each request is answered or hung up exactly once, messages arrive once, whole and in order
 * while anything is open, nothing happens after the end, and at last nothing is left
 *
 * Input: pairs of bytes, what happens and an argument of it; see `events`. */
#include "gateway-svc/socketio/eio_engine.h"
#include "gateway-svc/socketio/fuzz_eio_client.h"
#include "shared/clock.h"

#define SLOTS 6
#define QUEUE_MAX 4000
#define MAX_PAYLOAD 1000
#define STEPS_MAX 400

enum slot_state { FREE = 0, GET, POST };

struct slot {
    struct eio_exchange x;
    enum slot_state state;
};

enum wire { NO_WIRE = 0, PROBE, TRANSPORT };

static struct {
    struct eio_engine engine;
    struct eio_endpoint endpoint;
    struct eio_conn *conn; /* NULL: gone */
    struct slot slots[SLOTS];
    uint64_t now_us;
    struct fuzz_client client;
    unsigned opened, ended, released;
    bool open;    /* the endpoint was told of the opening, and not yet of the end */
    bool killed;  /* the WebSocket was hung up on */
    bool no_room; /* on the WebSocket */
    enum wire wire;
} world;

uint64_t clock_mono_ms(void)
{
    return world.now_us / 1000;
}

uint64_t clock_mono_us(void)
{
    return world.now_us;
}

uint64_t clock_unix_ms(void)
{
    return world.now_us / 1000;
}

/* ---- The endpoint ---------------------------------------------------------------------------- */

static void on_open(struct eio_conn *conn)
{
    (void)conn;
    HOLDS(!world.open);
    world.open = true;
}

static void on_text(struct eio_conn *conn, struct slice data)
{
    HOLDS(conn == world.conn && world.open && eio_conn_is_open(conn));
    if (slice_equal(data, SLICE("end"))) { /* from inside a callback, too */
        eio_conn_end(conn, SIO_SERVER_CLOSE, 0, NULL);
    }
}

static void on_ended(struct eio_conn *conn, enum sio_reason reason)
{
    (void)conn;
    HOLDS(world.open && (unsigned)reason < SIO_REASONS);
    world.open = false;
    world.ended++;
}

static void on_released(void *ctx, void *data)
{
    (void)ctx;
    HOLDS(data == &world && !world.open);
    world.released++;
    world.conn = NULL;
}

/* ---- Exchanges ------------------------------------------------------------------------------- */

static void exchange_answer(struct eio_exchange *x, const struct eio_answer *answer)
{
    struct slot *slot = (struct slot *)(void *)x;
    HOLDS(slot->state != FREE && !x->taker);
    HOLDS(answer->status == 200 || answer->status == 400);
    if (slot->state == GET && answer->status == 200) {
        client_got_payload(&world.client, answer->body);
    }
    slot->state = FREE;
}

static void exchange_drop(struct eio_exchange *x)
{
    struct slot *slot = (struct slot *)(void *)x;
    HOLDS(slot->state != FREE && !x->taker);
    slot->state = FREE;
}

static const struct eio_exchange_ops exchange_ops = {.answer = exchange_answer,
                                                     .drop = exchange_drop};

static struct slot *begin_exchange(enum slot_state state)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (world.slots[i].state == FREE) {
            world.slots[i] = (struct slot){.x = {.ops = &exchange_ops}, .state = state};
            return &world.slots[i];
        }
    }
    return NULL;
}

/* The client hangs up, or sends to where nobody listens any more. */
static void finish(struct slot *slot)
{
    if (slot->x.taker) {
        slot->x.taker->gone(&slot->x);
    }
    slot->state = FREE;
}

/* ---- The WebSocket --------------------------------------------------------------------------- */

static void wire_flush(struct eio_conn *const *conns, size_t count)
{
    struct eio_conn *conn = conns[0];
    const struct sio_frame *frame;
    HOLDS(world.wire == TRANSPORT && count == 1 && conn == world.conn);
    while (!world.no_room && (frame = eio_outbox_at(conn->outbox, 0))) {
        if ((frame->ws[0] & 0x0f) == WS_CLOSE) {
            HOLDS(!world.client.over &&
                  (world.client.slow || world.client.heard == world.client.queued));
            world.client.over = true;
        } else if (sio_frame_is_binary(frame)) {
            HOLDS(!world.client.over);
            client_got_message(&world.client, sio_frame_payload(frame));
        } else {
            client_got_packet(&world.client, sio_frame_payload(frame));
        }
        (void)eio_conn_sent(conn, frame->len);
    }
}

static void wire_close(struct eio_conn *conn, uint16_t code, uint64_t now_us)
{
    struct sio_frame *frame = sio_frame_close(code);
    HOLDS(now_us == world.now_us && world.wire != NO_WIRE); /* it may be about to take over */
    world.wire = TRANSPORT;
    eio_conn_queue(conn, frame);
    sio_frame_unref(frame);
}

static void wire_kill(struct eio_conn *conn)
{
    HOLDS(conn == world.conn && world.wire == TRANSPORT && !world.killed);
    world.killed = true;
}

static void probe_send(void *wire, struct sio_frame *frame)
{
    HOLDS(wire == &world.wire && world.wire == PROBE);
    HOLDS(slice_equal(sio_frame_payload(frame), SLICE("3probe")));
}

static void probe_drop(void *wire)
{
    HOLDS(wire == &world.wire && world.wire == PROBE);
    world.wire = NO_WIRE;
}

static const struct eio_transport_ops wire_ops = {.flush = wire_flush,
                                                  .close = wire_close,
                                                  .kill = wire_kill,
                                                  .probe_send = probe_send,
                                                  .probe_drop = probe_drop};

static void wire_gone(enum sio_reason reason)
{
    world.wire = NO_WIRE;
    world.killed = false;
    world.no_room = false;
    eio_conn_transport_gone(world.conn, reason);
}

/* Can a request name it?  Nobody knows the sid before the open packet has come. */
static bool is_known(void)
{
    return world.conn && world.client.greeted;
}

/* ---- What happens ---------------------------------------------------------------------------- */

static const char *const bodies[] = {
    "4a",
    "3",
    "4a\x1e"
    "3\x1e"
    "4b",
    "bAQID",
    "1",
    "4a\x1e"
    "1",
    "6\x1e"
    "5",
    "4end",
    "4end\x1e"
    "4a",
    "",
    "x",
    "4a\x1e",
    "b*",
    "2",
};
static const char *const probe_texts[] = {"2probe", "5", "5", "2probe", "4a", "", "3probe"};
static const char *const wire_texts[] = {"3", "4a", "bAQID", "4end", "1", "x", "2", ""};
#define PICK(table, i) slice_text((table)[(i) % (sizeof(table) / sizeof *(table))])

static void ev_open(unsigned arg)
{
    struct slot *slot = world.conn ? NULL : begin_exchange(GET);
    (void)arg;
    if (slot) {
        world.client = (struct fuzz_client){0};
        world.opened++;
        world.conn = eio_poll_open(&world.endpoint, &world, &slot->x, world.now_us);
        HOLDS(world.conn && world.open);
    }
}

static void ev_get(unsigned arg)
{
    struct slot *slot = is_known() ? begin_exchange(GET) : NULL;
    (void)arg;
    if (slot) {
        world.client.in_get = true;
        eio_poll_get(world.conn, &slot->x);
        world.client.in_get = false;
    }
}

static void ev_post(unsigned arg)
{
    struct slot *slot = is_known() ? begin_exchange(POST) : NULL;
    (void)arg;
    if (slot) {
        eio_poll_post(world.conn, &slot->x);
    }
}

static void ev_body(unsigned arg)
{
    struct slot *slot = &world.slots[arg % SLOTS];
    if (slot->state != POST) {
        return;
    }
    if (!slot->x.taker) {
        finish(slot);
        return;
    }
    struct slice copy = exact_copy(PICK(bodies, arg / SLOTS));
    slot->x.taker->body(&slot->x, copy, world.now_us);
    exact_free(copy);
    HOLDS(slot->state == FREE); /* answered at once */
}

static void ev_hang_up(unsigned arg)
{
    struct slot *slot = &world.slots[arg % SLOTS];
    if (slot->state != FREE) {
        finish(slot);
    }
}

static void ev_probe(unsigned arg)
{
    (void)arg;
    if (is_known() && world.wire == NO_WIRE && eio_poll_may_probe(world.conn)) {
        world.wire = PROBE;
        eio_poll_probe_opened(world.conn, &wire_ops, &world.wire, world.now_us);
        HOLDS(eio_poll_is_probe(world.conn, &world.wire));
    }
}

static void ev_probe_text(unsigned arg)
{
    if (world.wire == PROBE) {
        eio_poll_probe_text(world.conn, PICK(probe_texts, arg), world.now_us);
        if (!eio_poll_is_polling(world.conn)) {
            world.wire = TRANSPORT;
        }
    }
}

static void ev_wire_text(unsigned arg)
{
    if (world.wire == TRANSPORT) {
        eio_conn_text(world.conn, PICK(wire_texts, arg), world.now_us);
    }
}

static void ev_wire_gone(unsigned arg)
{
    (void)arg;
    if (world.wire == PROBE) {
        world.wire = NO_WIRE;
        eio_poll_probe_gone(world.conn);
    } else if (world.wire == TRANSPORT) {
        wire_gone(SIO_TRANSPORT_CLOSE);
    }
}

static void ev_wire_room(unsigned arg)
{
    world.no_room = arg & 1;
}

static void send_one(size_t padding, bool binary)
{
    char text[1100];
    int n = snprintf(text, sizeof text, "%s%llu:", binary ? "" : "4",
                     (unsigned long long)world.client.queued);
    memset(text + n, 'x', padding);
    struct slice part = {text, (size_t)n + padding};
    struct sio_frame *frame = sio_frame_new(binary ? WS_BINARY : WS_TEXT, &part, 1);
    bool open = eio_conn_is_open(world.conn);
    world.client.queued++; /* it may leave at once */
    eio_conn_send(world.conn, frame);
    sio_frame_unref(frame);
    if (!eio_conn_is_open(world.conn)) {
        world.client.slow = world.client.slow || open;
        world.client.queued--;
    }
}

/* Few or many, small or large. */
static void ev_send(unsigned arg)
{
    for (unsigned i = 0; world.conn && i <= (arg & 0x1f); i++) {
        send_one(arg & 0x40 ? 1000 : 0, arg & 0x80);
    }
}

static void ev_end(unsigned arg)
{
    if (world.conn) {
        eio_conn_end(world.conn, (enum sio_reason)(arg % SIO_REASONS), 4000, NULL);
    }
}

/* To the next deadline, or by 0.1 s to 25 s. */
static void ev_clock(unsigned arg)
{
    uint64_t next_us = eio_engine_next_us(&world.engine);
    world.now_us += (arg + 1) * UINT64_C(100000);
    if ((arg & 1) && next_us != EIO_NEVER && next_us > world.now_us) {
        world.now_us = next_us;
    }
    eio_engine_tick(&world.engine, world.now_us);
    if (world.killed) {
        wire_gone(SIO_TRANSPORT_CLOSE);
    }
}

/* What is queued is what was sent and has not come, in order. */
static void check_queue(void)
{
    const struct sio_frame *frame;
    uint64_t n = world.client.heard, bytes = 0;
    for (size_t i = 0; (frame = eio_outbox_at(world.conn->outbox, i)); i++) {
        struct slice text = sio_frame_payload(frame);
        bytes += frame->len;
        if (sio_frame_is_binary(frame) || (text.len > 1 && text.ptr[0] == '4')) {
            uint64_t own = 0;
            text = sio_frame_is_binary(frame) ? text : slice_tail(text, 1);
            HOLDS(slice_u64(slice_cut(&text, ':'), UINT64_MAX, &own) && own == n++);
        }
    }
    HOLDS(world.client.slow || n == world.client.queued);
    HOLDS(bytes == world.engine.stats.queued_bytes && bytes <= QUEUE_MAX + 100);
}

static void ev_settle(unsigned arg)
{
    (void)arg;
    eio_engine_settle(&world.engine, world.now_us);
    if (!world.conn) {
        HOLDS(world.engine.stats.queued_bytes == 0 && world.engine.sids.count == 0);
        return;
    }
    check_queue();
    HOLDS(world.conn->state == EIO_STATE_OPEN || world.conn->state == EIO_STATE_CLOSING);
}

static void (*const events[])(unsigned arg) = {
    ev_settle,     ev_get,       ev_send,      ev_post,      ev_body, ev_hang_up, ev_probe,
    ev_probe_text, ev_wire_text, ev_wire_gone, ev_wire_room, ev_end,  ev_clock,   ev_open,
};

/* A request that waits is somebody's. */
static void check_slots(void)
{
    unsigned held = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        HOLDS(world.slots[i].state != GET || world.slots[i].x.taker);
        HOLDS(!world.slots[i].x.taker || world.slots[i].state == FREE || world.conn);
        held += world.slots[i].state == GET;
    }
    HOLDS(held <= 1);
    HOLDS(world.engine.stats.connections == (world.conn ? 1 : 0));
    HOLDS(world.opened == world.ended + (world.open ? 1 : 0));
}

/* ---- One input ------------------------------------------------------------------------------- */

static void begin(void)
{
    struct sio_config config;
    memset(&world, 0, sizeof world);
    world.now_us = 1000000;
    log_init("fuzz", LOG_LEVEL_ERROR);
    sio_config_defaults(&config);
    config.queue_max_bytes = QUEUE_MAX;
    config.max_payload = MAX_PAYLOAD;
    eio_engine_init(&world.engine, &config);
    world.engine.released = on_released;
    world.endpoint = (struct eio_endpoint){.path = "/x/",
                                           .must_join = true,
                                           .open = on_open,
                                           .text = on_text,
                                           .binary = on_text,
                                           .ended = on_ended};
    eio_engine_add(&world.engine, &world.endpoint);
    ev_open(0);
}

/* The server stops: whoever is there is told, then hung up on. */
static void end(void)
{
    eio_engine_close_all(&world.engine, world.now_us);
    eio_engine_kill_all(&world.engine, world.now_us);
    if (world.killed) {
        wire_gone(SIO_TRANSPORT_CLOSE);
    }
    check_slots();
    for (size_t i = 0; i < SLOTS; i++) {
        HOLDS(world.slots[i].state != GET);
        HOLDS(world.slots[i].state == FREE || !world.slots[i].x.taker);
    }
    HOLDS(!world.conn && world.wire == NO_WIRE);
    HOLDS(world.opened == world.released && world.opened == world.ended);
    HOLDS(world.engine.stats.queued_bytes == 0 && world.engine.sids.count == 0);
    HOLDS(eio_engine_next_us(&world.engine) == EIO_NEVER);
    eio_engine_deinit(&world.engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);

    begin();
    for (int i = 0; in.len > 0 && i < STEPS_MAX; i++) {
        unsigned what = fuzz_byte(&in), arg = fuzz_byte(&in);
        events[what % (sizeof events / sizeof *events)](arg);
        check_slots();
    }
    end();
    return 0;
}
