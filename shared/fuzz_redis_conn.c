/* fuzz_redis_conn.c - whatever a Redis sends, however it is cut into pieces: the same is called in
 * the same order, and what a plain reading of it expects; each command is answered exactly once,
 * and the connection goes down in the end
 *
 * Input: a byte for what we do (1: the handshake is right; 2: subscribe, else send some commands),
 * one for the size of the pieces, then what Redis sends.  The socket is one end of a pair. */
#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/redis_conn.h"
#include "shared/redis_route.h"
#include "tests/support/fuzz.h"

#include <ev.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RIGHT = 1, SUBSCRIBE = 2 };
#define COMMANDS 3

static struct {
    struct ev_loop *loop;
    struct redis_conn *conn;
    int ours, theirs; /* the two ends */
    unsigned what;
    unsigned sent, answered;
    bool up, down;
    struct buf *log;
} world;

/* Nothing is ever late. */
uint64_t clock_mono_ms(void)
{
    return 1000;
}

uint64_t clock_mono_us(void)
{
    return 1000000;
}

uint64_t clock_unix_ms(void)
{
    return 1000;
}

/* ---- Instead of redis_route.c ---------------------------------------------------------------- */

struct redis_route {
    redis_dial_fn *done;
    void *ctx;
};

struct redis_route *redis_route_new(struct ev_loop *loop, const struct redis_route_config *config,
                                    redis_dial_fn *done, void *ctx)
{
    static struct redis_route dial;
    (void)loop;
    (void)config;
    dial = (struct redis_route){done, ctx};
    return &dial;
}

void redis_route_start(struct redis_route *route)
{
    redisContext *context = redisConnectFd(world.ours);
    HOLDS(context);
    context->flags &= ~REDIS_BLOCK;
    route->done(route->ctx, context, NULL);
}

void redis_route_stop(struct redis_route *route, bool worked)
{
    (void)route;
    (void)worked;
}

const struct redis_url *redis_route_target(const struct redis_route *route)
{
    static const struct redis_url nowhere;
    (void)route;
    return &nowhere;
}

void redis_route_free(struct redis_route *route)
{
    (void)route;
}

/* ---- The owner of the connection ------------------------------------------------------------- */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the reader goes */
static void note(const struct redis_reply *reply)
{
    buf_append(world.log, redis_reply_text(reply));
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        buf_append(world.log, SLICE("{"));
        note(redis_reply_at(reply, i));
        buf_append(world.log, SLICE("}"));
    }
}

static void on_reply(void *arg, const struct redis_reply *reply)
{
    (void)arg;
    world.answered++;
    buf_append(world.log, reply ? SLICE("reply ") : SLICE("none"));
    note(reply);
}

static void on_message(void *ctx, struct slice channel, struct slice payload)
{
    (void)ctx;
    buf_append(world.log, SLICE("message "));
    buf_append(world.log, channel);
    buf_byte(world.log, ' ');
    buf_append(world.log, payload);
}

static void on_up(void *ctx)
{
    const struct slice words[] = {SLICE("SAY"), SLICE("a")};
    (void)ctx;
    HOLDS(!world.up && !world.down && redis_conn_is_up(world.conn));
    world.up = true;
    buf_append(world.log, SLICE("up "));
    if (world.what & SUBSCRIBE) {
        HOLDS(redis_conn_subscribe(world.conn, words, 2, world.what & 4, on_message, NULL));
        HOLDS(!redis_conn_send(world.conn, words, 2, on_reply, NULL));
        return;
    }
    for (; world.sent < COMMANDS; world.sent++) {
        HOLDS(redis_conn_send(world.conn, words, 2, on_reply, NULL));
    }
}

static void on_down(void *ctx, const char *why)
{
    (void)ctx;
    HOLDS(!world.down && !redis_conn_is_up(world.conn) && world.answered == world.sent);
    world.down = true;
    buf_append(world.log, SLICE("down "));
    for (const char *c = why; *c; c++) {
        HOLDS(*c >= ' ' && *c <= '~' && *c != '"');
    }
    buf_append(world.log, slice_text(why));
}

/* ---- One connection -------------------------------------------------------------------------- */

static void turn(void)
{
    for (int i = 0; i < 3; i++) {
        ev_run(world.loop, EVRUN_NOWAIT);
    }
}

static void send_pieces(struct slice stream, size_t piece)
{
    while (stream.len > 0 && !world.down) {
        struct slice head = slice_head(stream, piece);
        HOLDS(send(world.theirs, head.ptr, head.len, MSG_NOSIGNAL) == (ssize_t)head.len);
        stream = slice_tail(stream, head.len);
        turn();
    }
}

static void connection(struct slice stream, size_t piece, struct buf *log)
{
    static const struct redis_conn_handler handler = {on_up, on_down};
    const struct redis_conn_config config = {.url = "unix:///nowhere",
                                             .name = "fuzz",
                                             .connect_timeout_ms = 30000,
                                             .command_timeout_ms = 30000,
                                             .backoff_min_ms = 30000,
                                             .backoff_max_ms = 30000};
    int ends[2];
    HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    world.ours = ends[0];
    world.theirs = ends[1];
    world.log = log;
    world.up = world.down = false;
    world.sent = world.answered = 0;
    world.conn = redis_conn_new(world.loop, &config, &handler, NULL);
    turn();
    if (world.what & RIGHT) {
        send_pieces(SLICE("+OK\r\n+PONG\r\n*1\r\n+master\r\n"), 99);
        HOLDS(world.up && !world.down);
    }
    send_pieces(stream, piece);
    close(world.theirs);
    turn();
    HOLDS(world.down);
    redis_conn_free(world.conn);
}

/* ---- What is expected ------------------------------------------------------------------------ */

static bool kind_is(const struct redis_reply *reply, const char *kind)
{
    return slice_equal(redis_reply_text_at(reply, 0), slice_text(kind));
}

/* A message, as on_message notes it; false: something else. */
static bool note_message(const struct redis_reply *reply)
{
    size_t count = redis_reply_count(reply);
    if (count == 3 && kind_is(reply, "message")) {
        on_message(NULL, redis_reply_text_at(reply, 1), redis_reply_text_at(reply, 2));
    } else if (count == 4 && kind_is(reply, "pmessage")) {
        on_message(NULL, redis_reply_text_at(reply, 2), redis_reply_text_at(reply, 3));
    } else {
        return false;
    }
    return true;
}

/* Takes the next reply after a right handshake; false when the connection must go down. */
static bool expect(const struct redis_reply *reply, unsigned *awaited)
{
    if (world.what & SUBSCRIBE) {
        bool confirms =
            *awaited > 0 && (kind_is(reply, "subscribe") || kind_is(reply, "psubscribe"));
        if (note_message(reply)) {
            return true;
        }
        *awaited -= confirms;
        return confirms;
    }
    if (*awaited == 0) {
        return false;
    }
    --*awaited;
    on_reply(NULL, reply);
    return true;
}

/* What must be called until the connection goes down, and why it does not count. */
static void predict(struct slice stream, struct buf *log)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    unsigned awaited = (world.what & SUBSCRIBE) ? 2 : COMMANDS;
    HOLDS(reader && redisReaderFeed(reader, stream.ptr, stream.len) == REDIS_OK);
    world.log = log;
    buf_append(log, SLICE("up "));
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
        bool good = expect(reply, &awaited);
        freeReplyObject(reply);
        reply = NULL;
        if (!good) {
            break;
        }
    }
    for (; awaited > 0 && !(world.what & SUBSCRIBE); awaited--) {
        on_reply(NULL, NULL);
    }
    buf_append(log, SLICE("down "));
    redisReaderFree(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size > 8192 ? 8192 : size);
    struct buf whole, pieces;

    if (!world.loop) {
        world.loop = ev_loop_new(EVFLAG_AUTO);
        HOLDS(world.loop);
        log_init("fuzz", LOG_LEVEL_ERROR);
    }
    world.what = fuzz_byte(&in);
    size_t piece = 1 + fuzz_byte(&in);
    piece = in.len / piece > 64 ? in.len / 64 : piece;
    for (size_t i = 0, digits = 0; i < in.len; i++) { /* a large count is about the allocator */
        digits = in.ptr[i] >= '0' && in.ptr[i] <= '9' ? digits + 1 : 0;
        if (digits > 5) {
            return 0;
        }
    }
    buf_init(&whole, SIZE_MAX);
    buf_init(&pieces, SIZE_MAX);
    connection(in, in.len, &whole);
    connection(in, piece, &pieces);
    HOLDS(slice_equal(buf_slice(&whole), buf_slice(&pieces)));
    if (world.what & RIGHT) {
        buf_clear(&pieces);
        predict(in, &pieces);
        HOLDS(slice_starts(buf_slice(&whole), buf_slice(&pieces)));
    }
    buf_deinit(&whole);
    buf_deinit(&pieces);
    return 0;
}
