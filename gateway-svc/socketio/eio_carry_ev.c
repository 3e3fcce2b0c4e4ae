/* eio_carry_ev.c - requests for a connection that another server has are carried to it */
#include "gateway-svc/socketio/eio_carry_ev.h"
#include "gateway-svc/socketio/eio_lookup.h"
#include "shared/must.h"
#include <ev.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_HEAD_MAX ((size_t)128 << 10)
#define ANSWER_HEAD_MAX ((size_t)16 << 10)
#define ANSWER_MAX ((size_t)256 << 20) /* its server's queue is bounded */

enum kind { GET = 0, POST, WEBSOCKET };

struct carried {
    struct sio_lookup lookup;
    const struct eio_carrier *carrier;
    struct eio_exchange *x; /* NULL: nobody waits for the answer any more */
    struct eio_upstream *up;
    ev_timer late;
    struct buf request;             /* until it is handed to `up` */
    struct buf answer;              /* as much as has come */
    struct eio_handshake handshake; /* of a WebSocket's client */
    char node[EIO_NODE_MAX + 1];
    enum kind kind;
    bool asking; /* the lookup has no answer yet */
};

/* Of one for which nothing has been begun: its carrier may be gone. */
static void free_memory(struct carried *c)
{
    buf_deinit(&c->request);
    buf_deinit(&c->answer);
    free(c);
}

static void carried_free(struct carried *c)
{
    ev_timer_stop(c->carrier->loop, &c->late);
    eio_upstream_close(c->up);
    free_memory(c);
}

static struct eio_exchange *take(struct carried *c)
{
    struct eio_exchange *x = c->x;
    c->x = NULL;
    x->taker = NULL;
    return x;
}

/* Its server is not there: so is the connection. */
static void give_up(struct carried *c)
{
    struct eio_exchange *x = take(c);
    carried_free(c);
    eio_exchange_refuse(x, EIO_UNKNOWN_SID);
}

/* ---- The answer ------------------------------------------------------------------------------ */

enum progress { FAULTY = 0, INCOMPLETE, WHOLE, ACCEPTED /* as a WebSocket: 101 */ };

/* An answer, as far as it has come. */
struct reading {
    struct slice head; /* with the empty line at its end */
    uint64_t length;   /* of its body */
};

/* A header of an answer that one of us has written: the value, or empty. */
static struct slice header_of(struct slice head, struct slice name)
{
    while (head.len > 0) {
        struct slice line = slice_cut(&head, '\n');
        if (slice_equal_nocase(slice_head(line, name.len), name)) {
            struct slice value = slice_tail(line, name.len);
            value.len -= value.len > 0 && value.ptr[value.len - 1] == '\r' ? 1 : 0;
            return slice_trim(value);
        }
    }
    return head;
}

static enum progress read_answer(struct slice all, struct reading *out)
{
    struct slice version = SLICE("HTTP/1.1 ");
    if (!slice_equal(slice_head(all, version.len), slice_head(version, all.len))) {
        return FAULTY;
    }
    size_t size = eio_head_size(slice_head(all, ANSWER_HEAD_MAX));
    if (size == 0) {
        return all.len < ANSWER_HEAD_MAX ? INCOMPLETE : FAULTY;
    }
    out->head = slice_head(all, size);
    if (slice_starts(slice_tail(all, version.len), SLICE("101 "))) {
        return ACCEPTED;
    }
    if (!slice_u64(header_of(out->head, SLICE("Content-Length:")), ANSWER_MAX, &out->length)) {
        return FAULTY;
    }
    return all.len - size < out->length ? INCOMPLETE : WHOLE;
}

static void pass_on(struct carried *c, const struct reading *reading)
{
    bool close = c->kind == WEBSOCKET ||
                 slice_equal_nocase(header_of(reading->head, SLICE("Connection:")), SLICE("close"));
    struct eio_exchange *x = take(c);
    c->answer.len = reading->head.len + (size_t)reading->length; /* nothing that is not of it */
    x->ops->answer_raw(x, &c->answer, close);
    carried_free(c);
}

static void open_tunnel(struct carried *c, const struct reading *reading)
{
    struct buf early;
    struct eio_exchange *x = take(c);
    struct eio_upstream *up = c->up;
    struct eio_ws_client client = {.fd = x->ops->take_socket(x, &early),
                                   .handshake = &c->handshake};
    client.early = buf_slice(&early);
    c->up = NULL;
    eio_tunnel_open(c->carrier->ws, c->carrier->tunnels, &client, up,
                    slice_tail(buf_slice(&c->answer), reading->head.len));
    buf_deinit(&early);
    carried_free(c);
}

static void on_data(void *ctx, struct slice bytes)
{
    struct carried *c = ctx;
    struct reading reading = {.length = 0};
    enum progress progress = FAULTY;
    if (buf_append(&c->answer, bytes)) {
        progress = read_answer(buf_slice(&c->answer), &reading);
    }
    if (progress == ACCEPTED && c->kind != WEBSOCKET) {
        progress = FAULTY;
    }
    switch (progress) {
    case FAULTY: give_up(c); break;
    case INCOMPLETE: break;
    case WHOLE: pass_on(c, &reading); break;
    case ACCEPTED: open_tunnel(c, &reading); break;
    }
}

static void on_closed(void *ctx)
{
    struct carried *c = ctx;
    c->up = NULL;
    give_up(c);
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    give_up(timer->data);
}

/* ---- The request ----------------------------------------------------------------------------- */

/* Connects and sends; false when that cannot be. */
static bool send_request(struct carried *c, const char *host, uint16_t port)
{
    static const struct eio_upstream_handler handler = {.data = on_data, .closed = on_closed};
    struct eio_upstream_target target = {.host = host, .port = port};
    size_t tunnel = c->kind == WEBSOCKET ? eio_tunnel_max_waiting(c->carrier->config) : 0;
    target.max_waiting = c->request.len > tunnel ? c->request.len : tunnel;
    if (c->request.failed) {
        return false; /* half of it would mean something else */
    }
    c->up = eio_upstream_open(c->carrier->loop, &target, &handler, c);
    if (!c->up || !eio_upstream_write(c->up, buf_slice(&c->request))) {
        return false;
    }
    buf_deinit(&c->request); /* a poll may be held for long */
    return true;
}

static void on_found(struct sio_lookup *lookup, const char *host, uint16_t port)
{
    struct carried *c =
        (struct carried *)(void *)((char *)lookup - offsetof(struct carried, lookup));
    c->asking = false;
    if (!c->x) {
        free_memory(c);
        return;
    }
    if (!host || !send_request(c, host, port)) {
        give_up(c);
        return;
    }
    if (c->kind != GET) { /* which may be held */
        ev_timer_start(c->carrier->loop, &c->late);
    }
}

static void ask(struct carried *c)
{
    const struct eio_carrier *r = c->carrier;
    c->asking = true;
    r->handler->find(r->app, slice_text(c->node), &c->lookup);
}

static void on_body(struct eio_exchange *x, struct slice body, uint64_t now_us)
{
    struct carried *c = x->ctx;
    (void)now_us;
    buf_printf(&c->request, "Content-Length: %zu\r\n\r\n", body.len);
    buf_append(&c->request, body);
    ask(c);
}

static void on_gone(struct eio_exchange *x)
{
    struct carried *c = x->ctx;
    c->x = NULL;
    if (!c->asking) {
        carried_free(c); /* else when the answer comes */
    }
}

static struct carried *carried_new(const struct eio_carrier *carrier, struct slice node,
                                   struct eio_exchange *x, struct slice head, enum kind kind)
{
    static const struct eio_taker taker = {.body = on_body, .gone = on_gone};
    struct carried *c = must(calloc(1, sizeof *c));
    memcpy(c->node, node.ptr, node.len < sizeof c->node ? node.len : 0);
    c->lookup.done = on_found;
    c->carrier = carrier;
    c->kind = kind;
    c->x = x;
    x->taker = &taker;
    x->ctx = c;
    ev_timer_init(&c->late, on_late, carrier->answer_s > 0 ? carrier->answer_s : EIO_CARRY_ANSWER_S,
                  0.0);
    c->late.data = c;
    buf_init(&c->request, REQUEST_HEAD_MAX + carrier->config->max_payload);
    buf_init(&c->answer, ANSWER_MAX);
    buf_append(&c->request, head);
    return c;
}

void eio_carry_get(const struct eio_carrier *carrier, struct slice node, struct eio_exchange *x,
                   struct slice head)
{
    struct carried *c = carried_new(carrier, node, x, head, GET);
    buf_append(&c->request, SLICE("\r\n"));
    ask(c);
}

void eio_carry_post(const struct eio_carrier *carrier, struct slice node, struct eio_exchange *x,
                    struct slice head)
{
    (void)carried_new(carrier, node, x, head, POST); /* asks when the body has come */
}

void eio_carry_websocket(const struct eio_carrier *carrier, struct slice node,
                         struct eio_exchange *x, struct slice head,
                         const struct eio_handshake *handshake)
{
    struct carried *c = carried_new(carrier, node, x, head, WEBSOCKET);
    c->handshake = *handshake;
    buf_append(&c->request, SLICE("\r\n"));
    ask(c);
}
