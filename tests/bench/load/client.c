/* client.c - one user of the load generator: logs in, connects, reads what comes */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*) */
#define _GNU_SOURCE /* memmem */
#include "tests/bench/load/client.h"
#include "tests/bench/load/frame.h"
#include "tests/bench/load/reply.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX ((size_t)256 << 10)
#define IN_MAX ((size_t)16 << 20) /* a full list of users comes in one piece elsewhere */
#define OUT_MAX ((size_t)1 << 20)
#define PER_SOURCE 8000 /* connections from one address, which has 28,000 ports */
#define SEPARATOR '\x1e'

void client_init(struct client *c, struct client_world *world, uint32_t index)
{
    *c = (struct client){.world = world, .index = index, .fd = -1};
    buf_init(&c->in, IN_MAX);
    buf_init(&c->out, OUT_MAX);
    buf_init(&c->to_post, OUT_MAX);
}

void client_deinit(struct client *c)
{
    if (c->fd >= 0) {
        close(c->fd);
    }
    buf_deinit(&c->in);
    buf_deinit(&c->out);
    buf_deinit(&c->to_post);
}

void client_name(const struct client *c, struct buf *out)
{
    buf_printf(out, "%s%05u", c->world->prefix, c->index);
}

/* ---- The socket ------------------------------------------------------------------------------ */

static void close_socket(struct client *c)
{
    if (c->fd >= 0) {
        close(c->fd); /* epoll forgets it */
        c->fd = -1;
    }
    c->framed = c->writes = false;
    buf_deinit(&c->in);
    buf_deinit(&c->out);
    buf_deinit(&c->to_post);
}

static void enter(struct client *c, enum client_state state)
{
    c->state = state;
    c->world->on_state(c);
}

static void fail(struct client *c)
{
    close_socket(c);
    enter(c, CLIENT_FAILED);
}

static void watch(struct client *c, int operation, uint32_t events)
{
    struct epoll_event e = {.events = events | EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    epoll_ctl(c->world->epoll, operation, c->fd, &e);
}

/* From 127.0.0.2 on, so that no address runs out of ports.  False: no socket. */
static bool open_socket(struct client *c, const struct sockaddr_in *to)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    const int one = 1;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + c->index / PER_SOURCE);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        return false;
    }
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(c->fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS)) {
        close_socket(c);
        return false;
    }
    watch(c, EPOLL_CTL_ADD, EPOLLOUT);
    c->writes = true;
    return true;
}

static void flush(struct client *c)
{
    while (c->out.len > 0) {
        ssize_t n = send(c->fd, c->out.ptr, c->out.len, MSG_NOSIGNAL);
        if (n < 0) {
            break; /* full, not there yet, or gone: epoll says which */
        }
        buf_consume(&c->out, (size_t)n);
    }
    if (c->writes != (c->out.len > 0)) {
        c->writes = c->out.len > 0;
        watch(c, EPOLL_CTL_MOD, c->writes ? EPOLLOUT : 0);
    }
}

/* ---- Requests -------------------------------------------------------------------------------- */

static const struct sockaddr_in *gateway_of(const struct client *c)
{
    return &c->world->gateways[c->index % c->world->gateway_count];
}

static void write_host(struct buf *out, const struct sockaddr_in *to)
{
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &to->sin_addr, text, sizeof text);
    buf_printf(out, "Host: %s:%u\r\n", text, (unsigned)ntohs(to->sin_port));
}

/* Each on a connection of its own, as people come. */
static void ask_auth(struct client *c, const char *what, enum client_state state)
{
    if (!open_socket(c, &c->world->auth)) {
        fail(c);
        return;
    }
    buf_printf(&c->out, "POST /%s/", what);
    client_name(c, &c->out);
    buf_append(&c->out, SLICE(" HTTP/1.1\r\n"));
    write_host(&c->out, &c->world->auth);
    if (c->token[0] != '\0') {
        buf_printf(&c->out, "Authorization: Bearer %s\r\n", c->token);
    }
    buf_append(&c->out, SLICE("Content-Length: 0\r\nConnection: close\r\n\r\n"));
    enter(c, state);
}

void client_log_in(struct client *c)
{
    assert(c->state == CLIENT_OUT);
    if (c->world->dialect->has_login) {
        c->token[0] = '\0';
        ask_auth(c, "login", CLIENT_LOGGING_IN);
    } else {
        enter(c, CLIENT_IN);
    }
}

void client_log_out(struct client *c)
{
    assert(c->state == CLIENT_IN);
    if (c->world->dialect->has_login) {
        ask_auth(c, "logout", CLIENT_LOGGING_OUT);
    } else {
        enter(c, CLIENT_OUT);
    }
}

static void ask_upgrade(struct client *c)
{
    buf_printf(&c->out, "GET %s HTTP/1.1\r\n", c->world->dialect->path);
    write_host(&c->out, gateway_of(c));
    buf_append(&c->out, SLICE("Connection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"));
}

static void write_poll_head(struct client *c, const char *method)
{
    buf_printf(&c->out, "%s %s", method, c->world->dialect->polling);
    if (c->sid[0] != '\0') {
        buf_printf(&c->out, "&sid=%s", c->sid);
    }
    buf_append(&c->out, SLICE(" HTTP/1.1\r\n"));
    write_host(&c->out, gateway_of(c));
}

/* The next request of long-polling: what there is to say, else the poll. */
static void poll_on(struct client *c)
{
    if (c->to_post.len > 0) {
        write_poll_head(c, "POST");
        buf_printf(&c->out, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n\r\n",
                   c->to_post.len);
        buf_append(&c->out, buf_slice(&c->to_post));
        buf_clear(&c->to_post);
    } else {
        write_poll_head(c, "GET");
        buf_append(&c->out, SLICE("\r\n"));
    }
}

void client_connect(struct client *c)
{
    assert(c->state == CLIENT_IN);
    c->sid[0] = '\0';
    c->listed = false;
    if (!open_socket(c, gateway_of(c))) {
        fail(c);
        return;
    }
    if (c->world->polling) {
        poll_on(c);
    } else {
        ask_upgrade(c);
    }
    enter(c, CLIENT_OPENING);
}

void client_drop(struct client *c)
{
    close_socket(c);
    enter(c, c->state >= CLIENT_IN && c->state < CLIENT_FAILED ? CLIENT_IN : CLIENT_OUT);
}

/* ---- What is said ---------------------------------------------------------------------------- */

static void say(struct client *c, enum frame_kind kind, struct slice packet)
{
    if (c->world->polling) {
        if (c->to_post.len > 0) {
            buf_byte(&c->to_post, SEPARATOR);
        }
        buf_append(&c->to_post, packet);
    } else {
        frame_write(&c->out, kind, packet);
        flush(c);
    }
}

void client_say(struct client *c, struct slice packet)
{
    assert(c->state == CLIENT_ONLINE && c->framed);
    say(c, FRAME_TEXT, packet);
}

static void say_hello(struct client *c)
{
    struct buf name, hello;
    buf_init(&name, 64);
    buf_init(&hello, 256);
    client_name(c, &name);
    struct slice who = c->world->dialect->has_login ? slice_text(c->token) : buf_slice(&name);
    dialect_write(&hello, c->world->dialect->hello, &who);
    say(c, FRAME_TEXT, buf_slice(&hello));
    buf_deinit(&name);
    buf_deinit(&hello);
}

/* ---- What comes ------------------------------------------------------------------------------ */

static void take_packet(struct client *c, struct slice packet)
{
    struct said said = dialect_read(c->world->dialect, packet);
    switch (said.kind) {
    case SAID_OPEN: say_hello(c); return;
    case SAID_PING: say(c, FRAME_TEXT, slice_text(c->world->dialect->pong)); return;
    case SAID_ONLINE: enter(c, CLIENT_ONLINE); return;
    case SAID_REFUSED: fail(c); return;
    case SAID_LIST:
        if (said.good && !c->listed) {
            c->listed = true;
            c->world->on_state(c);
        }
        return;
    case SAID_OTHER:
    case SAID_MESSAGE:
    case SAID_ACK:
    case SAID_ERROR:
        if (c->world->on_said) {
            c->world->on_said(c->world->arg, c, &said);
        }
        return;
    }
}

/* Copies the text behind `"key":"` into `out`, cut at what it holds. */
static bool take_field(struct slice body, const char *key, char out[CLIENT_TOKEN_MAX])
{
    const char *found = body.len > 0 ? memmem(body.ptr, body.len, key, strlen(key)) : NULL;
    if (!found) {
        return false;
    }
    struct slice rest = slice_tail(body, (size_t)(found - body.ptr) + strlen(key));
    struct slice value = slice_cut(&rest, '"');
    if (value.len == 0 || value.len >= CLIENT_TOKEN_MAX) {
        return false;
    }
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
    return true;
}

static void take_poll(struct client *c, struct slice body)
{
    bool is_first = c->state == CLIENT_OPENING;
    if (is_first) {
        if (!take_field(body, "\"sid\":\"", c->sid)) {
            fail(c);
            return;
        }
        enter(c, CLIENT_GREETING);
    }
    while (body.len > 0 && c->fd >= 0) {
        take_packet(c, slice_cut(&body, SEPARATOR));
    }
    if (c->fd >= 0) {
        poll_on(c);
        flush(c);
    }
}

static void take_auth(struct client *c, struct slice body)
{
    bool good = c->state == CLIENT_LOGGING_OUT || take_field(body, "\"token\":\"", c->token);
    close_socket(c);
    enter(c, !good ? CLIENT_FAILED : c->state == CLIENT_LOGGING_IN ? CLIENT_IN : CLIENT_OUT);
}

static void take_upgrade(struct client *c)
{
    c->framed = true;
    enter(c, CLIENT_GREETING);
    if (!c->world->dialect->opens) {
        say_hello(c);
    }
}

static void take_reply(struct client *c, const struct reply *reply)
{
    bool upgrades = c->state == CLIENT_OPENING && !c->world->polling;
    if (reply->status != (upgrades ? 101 : 200)) {
        fail(c);
    } else if (upgrades) {
        take_upgrade(c);
    } else if (c->state == CLIENT_LOGGING_IN || c->state == CLIENT_LOGGING_OUT) {
        take_auth(c, reply->body);
    } else {
        take_poll(c, reply->body);
    }
}

static void take_frame(struct client *c, enum frame_kind kind, struct slice payload)
{
    switch (kind) {
    case FRAME_TEXT: take_packet(c, payload); return;
    case FRAME_PING: say(c, FRAME_PONG, payload); return;
    case FRAME_PONG: return;
    case FRAME_CLOSE: fail(c); return;
    }
}

/* One frame or response from the front of *in; false when there is no whole one, or no client. */
static bool take_one(struct client *c, struct slice *in)
{
    enum frame_kind kind;
    struct slice payload;
    struct reply reply;
    size_t used = 0;
    bool bad, more;
    if (c->framed) {
        enum frame_result result = frame_read(*in, &kind, &payload, &used);
        bad = result == FRAME_BAD;
        more = result == FRAME_MORE;
    } else {
        enum reply_result result = reply_read(*in, &reply);
        bad = result == REPLY_BAD;
        more = result == REPLY_MORE;
        used = result == REPLY_OK ? reply.used : 0;
    }
    if (bad) {
        fail(c);
    }
    if (bad || more) {
        return false;
    }
    *in = slice_tail(*in, used);
    if (c->framed) {
        take_frame(c, kind, payload);
    } else {
        take_reply(c, &reply);
    }
    return c->fd >= 0;
}

/* All that is whole in `in`; the rest waits in c->in. */
static void take_bytes(struct client *c, struct slice in)
{
    struct buf whole = {0};
    if (c->in.len > 0) { /* taken out of the client, who may be closed on the way */
        buf_append(&c->in, in);
        whole = c->in;
        buf_init(&c->in, IN_MAX);
        in = buf_slice(&whole);
    }
    while (in.len > 0 && take_one(c, &in)) {
    }
    if (c->fd >= 0 && !buf_append(&c->in, in)) {
        fail(c);
    }
    buf_deinit(&whole);
}

static void read_socket(struct client *c)
{
    static char bytes[READ_MAX];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    if (n > 0) {
        take_bytes(c, (struct slice){bytes, (size_t)n});
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        fail(c);
    }
}

void client_ready(struct client *c, uint32_t events)
{
    if (c->fd >= 0 && (events & EPOLLOUT) != 0) {
        flush(c);
    }
    if (c->fd >= 0 && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        read_socket(c);
    }
}
