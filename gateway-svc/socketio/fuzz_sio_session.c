/* fuzz_sio_session.c - whatever a client sends, in whatever order: the application hears of each
 * socket in the order connect, events, disconnect, and the client gets packets only
 *
 * Input: lines, each one turn of the loop.  Its first byte says what happens: '<' the application
 * lets everybody in from now on, '>' nobody, '?' it answers later, '!' now; 'B' a binary message,
 * 't' time passes, 'x' the application throws the last one out, in the turn of the next line, 'q'
 * it asks the last one something; else the line is a text message. */
#include "gateway-svc/socketio/sio_session.h"
#include "gateway-svc/socketio/sio_socket.h"
#include "shared/clock.h"
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/fuzz.h"

#define SOCKETS_MAX 64
#define MAX_PAYLOAD 256

enum life { NONE, WAITING, INSIDE, OVER };

static struct {
    struct eio_engine engine;
    struct sio_sessions sessions;
    struct eio_conn *conn;
    uint64_t now_us;
    char answer;
    bool closed;                             /* ours was sent */
    struct sio_socket *sockets[SOCKETS_MAX]; /* each with a reference of ours */
    enum life lives[SOCKETS_MAX];
    size_t count;
    size_t asked, answered;
    unsigned awaited; /* attachments that must follow the packet that was sent last */
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

static size_t place_of(const struct sio_socket *socket)
{
    size_t i = 0;
    while (i < world.count && world.sockets[i] != socket) {
        i++;
    }
    return i;
}

static void decide(size_t i)
{
    if (world.answer == '<' && sio_socket_accept(world.sockets[i])) {
        world.lives[i] = INSIDE;
    } else if (world.answer == '>' && !sio_socket_is_open(world.sockets[i]) &&
               world.sockets[i]->state == SIO_JOINING && eio_conn_is_open(world.conn)) {
        sio_socket_refuse(world.sockets[i], SLICE("no \"entry\""), SLICE("{\"c\":1}"));
        world.lives[i] = OVER;
    }
}

static void on_connect(void *app, struct sio_socket *socket, void *data, struct slice auth)
{
    struct json value;
    (void)app;
    (void)data;
    HOLDS(auth.len == 0 || (json_parse(auth, &value) == JSON_OK && value.type == JSON_OBJECT));
    HOLDS(place_of(socket) == world.count && !sio_socket_is_open(socket));
    for (size_t i = 0; i < world.count; i++) { /* its predecessor is told first */
        HOLDS(world.lives[i] == OVER || world.sockets[i]->nsp != socket->nsp);
    }
    if (world.count == SOCKETS_MAX) {
        sio_socket_close(socket, 4000);
        return;
    }
    sio_socket_ref(socket);
    world.lives[world.count] = WAITING;
    world.sockets[world.count++] = socket;
    decide(world.count - 1);
}

static void on_event(void *app, struct sio_socket *socket, const struct sio_event *event)
{
    size_t i = place_of(socket);
    (void)app;
    HOLDS(i < world.count && world.lives[i] == INSIDE && sio_socket_is_open(socket));
    size_t bytes = event->args.len;
    HOLDS(event->data_count <= SIO_DATA_MAX && (event->data_count == 0 || event->data));
    for (size_t k = 0; k < event->data_count; k++) {
        bytes += event->data[k].len;
    }
    HOLDS(event->data_count == 0 || bytes <= MAX_PAYLOAD);
    if (event->wants_ack) {
        sio_socket_ack_data(socket, event->ack_id, event->args, event->data, event->data_count);
    }
}

/* What was asked is answered once, or said to have no answer once. */
static void on_answer(void *arg, struct sio_socket *socket, const struct sio_answer *answer)
{
    bool *pending = arg;
    HOLDS(*pending && place_of(socket) < world.count);
    HOLDS(!answer || (sio_socket_is_open(socket) && answer->data_count <= SIO_DATA_MAX));
    free(pending);
    world.answered++;
}

static void ask(struct sio_socket *socket)
{
    bool open = sio_socket_is_open(socket), *pending = calloc(1, sizeof *pending);
    HOLDS(pending);
    *pending = true;
    if (sio_socket_ask(socket, SLICE("q"), SLICE("1"), on_answer, pending)) {
        HOLDS(open);
        world.asked++;
    } else {
        free(pending);
    }
}

static void on_drained(void *app, struct sio_socket *socket)
{
    (void)app;
    HOLDS(sio_socket_is_open(socket) && sio_socket_queued(socket) <= SIO_DRAINED);
}

static void on_disconnect(void *app, struct sio_socket *socket, enum sio_reason reason)
{
    size_t i = place_of(socket);
    (void)app;
    HOLDS((unsigned)reason < SIO_REASONS && !sio_socket_is_open(socket));
    if (i < world.count) {
        HOLDS(world.lives[i] == WAITING || world.lives[i] == INSIDE);
        world.lives[i] = OVER;
    }
}

/* ---- The wire: everything that is sent is looked at -------------------------------------------
 */

/* <type>[<attachments>-][/<namespace>,][<ack id>]<JSON> */
static void check_packet(struct slice packet)
{
    struct json value;
    char type = *(packet.len > 0 ? packet.ptr : "");
    packet = slice_tail(packet, 1);
    HOLDS(type != '\0' && strchr("012346", type));
    if (type == '6') {
        uint64_t count = 0;
        HOLDS(slice_u64(slice_cut(&packet, '-'), SIO_DATA_MAX, &count) && count > 0);
        world.awaited = (unsigned)count;
    }
    if (slice_starts(packet, SLICE("/"))) {
        struct slice nsp = slice_cut(&packet, ',');
        HOLDS(type == '4' || slice_equal(nsp, SLICE("/a")) || slice_equal(nsp, SLICE("/b")));
    }
    while (packet.len > 0 && packet.ptr[0] >= '0' && packet.ptr[0] <= '9') {
        HOLDS(type == '2' || type == '3' || type == '6');
        packet = slice_tail(packet, 1);
    }
    HOLDS(type == '1' ? packet.len == 0 : json_parse(packet, &value) == JSON_OK);
}

static void check_frame(struct slice ws)
{
    unsigned char opcode = (unsigned char)ws.ptr[0], length = (unsigned char)ws.ptr[1];
    struct slice text = slice_tail(ws, length < 126 ? 2 : length == 126 ? 4 : 10);
    struct json value;
    if (world.awaited > 0 && opcode != (0x80 | WS_CLOSE)) { /* nothing comes between */
        HOLDS(opcode == (0x80 | WS_BINARY));
        world.awaited--;
        return;
    }
    HOLDS(opcode == (0x80 | WS_TEXT) || (opcode == (0x80 | WS_CLOSE) && world.closed));
    if (opcode == (0x80 | WS_CLOSE) || slice_equal(text, SLICE("2"))) {
        return;
    }
    HOLDS(utf8_valid(text));
    if (slice_starts(text, SLICE("0"))) {
        HOLDS(json_parse(slice_tail(text, 1), &value) == JSON_OK);
    } else {
        HOLDS(slice_starts(text, SLICE("4")));
        check_packet(slice_tail(text, 1));
    }
}

static void wire_flush(struct eio_conn *const *conns, size_t count)
{
    struct eio_conn *conn = conns[0];
    struct iovec iov[1];
    HOLDS(count == 1);
    while (eio_outbox_iov(conn->outbox, iov, 1) == 1) {
        check_frame((struct slice){iov[0].iov_base, iov[0].iov_len});
        (void)eio_conn_sent(conn, iov[0].iov_len);
    }
}

static void wire_close(struct eio_conn *conn, uint16_t code, uint64_t now_us)
{
    (void)now_us;
    struct sio_frame *frame = sio_frame_close(code);
    HOLDS(!world.closed);
    world.closed = true;
    eio_conn_queue(conn, frame);
    sio_frame_unref(frame);
}

static void wire_kill(struct eio_conn *conn)
{
    HOLDS(conn == world.conn && world.closed);
}

static const struct eio_transport_ops wire = {
    .flush = wire_flush, .close = wire_close, .kill = wire_kill};

/* ---- Turns ----------------------------------------------------------------------------------- */

static void begin(void)
{
    static const struct sio_namespace_handler handler = {.connect = on_connect,
                                                         .event = on_event,
                                                         .disconnect = on_disconnect,
                                                         .drained = on_drained};
    struct sio_config config;
    memset(&world, 0, sizeof world);
    sio_config_defaults(&config);
    config.max_namespaces = 2;
    config.max_payload = MAX_PAYLOAD;
    log_init("fuzz", LOG_LEVEL_ERROR);
    eio_engine_init(&world.engine, &config);
    sio_sessions_init(&world.sessions, &world.engine);
    sio_sessions_open(&world.sessions, "/", &handler, NULL);
    sio_sessions_open(&world.sessions, "/a", &handler, NULL);
    sio_sessions_open(&world.sessions, "/b", &handler, NULL);
    world.answer = '<';
    world.conn = eio_conn_new(&world.sessions.endpoint, &wire, NULL);
    HOLDS(world.conn);
    eio_conn_opened(world.conn, 0);
    eio_engine_settle(&world.engine, 0);
}

static void end(void)
{
    eio_conn_transport_gone(world.conn, SIO_TRANSPORT_CLOSE);
    for (size_t i = 0; i < world.count; i++) {
        HOLDS(world.lives[i] == OVER && world.sockets[i]->refs == 1);
        sio_socket_unref(world.sockets[i]);
    }
    HOLDS(world.asked == world.answered && eio_engine_next_us(&world.engine) == EIO_NEVER);
    HOLDS(world.engine.stats.connections == 0 && world.engine.stats.queued_bytes == 0);
    sio_sessions_deinit(&world.sessions);
    eio_engine_deinit(&world.engine);
}

static void turn(struct slice line)
{
    char what = *(line.len > 0 ? line.ptr : "");
    switch (what) {
    case '<':
    case '>':
    case '?': world.answer = what; break;
    case '!':
        for (size_t i = 0; i < world.count; i++) {
            if (world.lives[i] == WAITING) {
                decide(i);
            }
        }
        break;
    case 'x':
        if (world.count > 0) {
            sio_socket_disconnect(world.sockets[world.count - 1], line.len > 1);
        }
        break;
    case 't':
        world.now_us += 7000000;
        eio_engine_tick(&world.engine, world.now_us);
        break;
    case 'q':
        if (world.count > 0) {
            ask(world.sockets[world.count - 1]);
        }
        break;
    case 'B': eio_conn_binary(world.conn, slice_tail(line, 1), world.now_us); break;
    default:
        if (utf8_valid(line)) { /* the transport has looked */
            eio_conn_text(world.conn, line, world.now_us);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);

    begin();
    while (in.len > 0) {
        struct slice line = fuzz_line(&in);
        bool open = eio_conn_is_open(world.conn);
        turn(line);
        if (!slice_starts(line, SLICE("x"))) {
            eio_engine_settle(&world.engine, world.now_us);
        }
        HOLDS(open || !eio_conn_is_open(world.conn));
        HOLDS(!world.conn->partial || world.conn->state < EIO_STATE_CLOSING);
        HOLDS(sio_socket_count(world.conn) <= 2 && world.conn->refusals <= 16);
        exact_free(line);
    }
    end();
    return 0;
}
