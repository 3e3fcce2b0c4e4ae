/* epoll.c - a chat on nothing but epoll: what the kernel alone costs
 *
 * The limit that the other servers are held against: no library, no state elsewhere, no checks
 * that a real server owes its users.  Speaks the dialect `plain` of the load generator.  What is
 * said to all within one turn of the loop is framed once and leaves with one sendmsg a client.
 *
 * PORT: where it listens on 127.0.0.1.  LIST=1: tells who comes and goes, and everybody the list.
 * OTHER: the port of another one, if there is one: the two hand each other what is said to all, and
 * nothing else.
 * REDIS: the socket of a Redis.  All that is said goes through it then, to any number of such
 * servers: what one turn of the loop brings is one PUBLISH.
 * Says "ready" when it can be reached. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*) */
#define _GNU_SOURCE /* accept4, memmem */
#include "shared/buf.h"
#include "shared/must.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 20000
#define EVENTS 512
#define READ_MAX ((size_t)64 << 10)
#define OUT_MAX ((size_t)4 << 20)
#define NAME_MAX_BYTES 32
#define NAMES 65536u /* places in the table of names, a power of two */
#define CHANNEL "chat"

struct client {
    int fd;
    /* Or no client, but the other one of two, or a connection to Redis. */
    enum { CLIENT, SERVER, PUBLISHER, FEED } kind;
    bool upgraded, dirty, waits;   /* waits: epoll tells when there is room */
    char name[NAME_MAX_BYTES + 1]; /* "": not logged in */
    uint32_t at;                   /* place in server.clients */
    struct buf in, out;
};

static struct {
    int epoll, listener;
    bool lists;
    struct client *clients[CLIENTS_MAX];
    uint32_t count;
    struct client *names[NAMES];       /* open addressing */
    struct client *dirty[CLIENTS_MAX]; /* who has something to get in this turn, each once */
    uint32_t dirty_count;
    struct buf turn;      /* frames for everybody who is logged in */
    struct client *other; /* NULL: there is none */
    struct client *redis; /* its publisher; NULL: there is none */
    struct buf lines;     /* what it is to be told at the end of the turn */
} server;

/* ---- Names ----------------------------------------------------------------------------------- */

static uint32_t hash(struct slice name)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++) {
        h = (h ^ (unsigned char)name.ptr[i]) * 16777619u;
    }
    return h % NAMES;
}

/* Where that name is, or the empty place where it would be. */
static uint32_t place_of(struct slice name)
{
    uint32_t i = hash(name);
    while (server.names[i] && !slice_equal(slice_text(server.names[i]->name), name)) {
        i = (i + 1) % NAMES;
    }
    return i;
}

static void forget_name(const struct client *c)
{
    uint32_t hole = place_of(slice_text(c->name));
    server.names[hole] = NULL;
    for (uint32_t i = (hole + 1) % NAMES; server.names[i]; i = (i + 1) % NAMES) {
        struct client *moved = server.names[i];
        server.names[i] = NULL;
        server.names[place_of(slice_text(moved->name))] = moved;
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void put_frame(struct buf *out, struct slice payload)
{
    buf_byte(out, (char)0x81);
    if (payload.len < 126) {
        buf_byte(out, (char)payload.len);
    } else if (payload.len <= UINT16_MAX) {
        buf_byte(out, 126);
        buf_byte(out, (char)(payload.len >> 8));
        buf_byte(out, (char)payload.len);
    } else {
        buf_byte(out, 127);
        for (int shift = 56; shift >= 0; shift -= 8) {
            buf_byte(out, (char)((uint64_t)payload.len >> shift));
        }
    }
    buf_append(out, payload);
}

static void mark(struct client *c)
{
    if (!c->dirty) {
        c->dirty = true;
        server.dirty[server.dirty_count++] = c;
    }
}

static void tell(struct client *c, struct slice payload)
{
    put_frame(&c->out, payload);
    mark(c);
}

static void watch(const struct client *c, int operation, uint32_t events)
{
    union {
        const struct client *in;
        void *out;
    } pointer = {c};
    struct epoll_event e = {.events = events | EPOLLIN, .data.ptr = pointer.out};
    epoll_ctl(server.epoll, operation, c->fd, &e);
}

/* What waits for him, and then `more`; what does not fit waits. */
static void send_to(struct client *c, struct slice more)
{
    struct iovec parts[2] = {
        {c->out.ptr, c->out.len}
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    memcpy(&parts[1].iov_base, &more.ptr, sizeof more.ptr);
    parts[1].iov_len = more.len;
    ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    size_t n = sent > 0 ? (size_t)sent : 0, old = n < c->out.len ? n : c->out.len;
    buf_consume(&c->out, old);
    buf_append(&c->out, slice_tail(more, n - old));
    if (c->out.len == 0) {
        buf_deinit(&c->out);
    }
    if (c->waits != (c->out.len > 0)) {
        c->waits = c->out.len > 0;
        watch(c, EPOLL_CTL_MOD, c->waits ? EPOLLOUT : 0);
    }
}

static void publish_lines(void)
{
    buf_printf(&server.redis->out, "*3\r\n$7\r\nPUBLISH\r\n$4\r\n" CHANNEL "\r\n$%zu\r\n%.*s\r\n",
               server.lines.len, (int)server.lines.len, server.lines.ptr);
    mark(server.redis);
    buf_clear(&server.lines);
}

static void end_turn(void)
{
    if (server.lines.len > 0) {
        publish_lines();
    }
    if (server.turn.len > 0) {
        for (uint32_t i = 0; i < server.count; i++) {
            if (server.clients[i]->name[0] != '\0') {
                send_to(server.clients[i], buf_slice(&server.turn));
            }
        }
        buf_clear(&server.turn);
    }
    for (uint32_t i = 0; i < server.dirty_count; i++) {
        struct client *c = server.dirty[i];
        c->dirty = false;
        if (c->out.len > 0) {
            send_to(c, SLICE(""));
        }
    }
    server.dirty_count = 0;
}

/* ---- The chat -------------------------------------------------------------------------------- */

/* The text behind `key`, up to the next quote. */
static struct slice text_of(struct slice in, const char *key)
{
    const char *found = memmem(in.ptr, in.len, key, strlen(key));
    if (!found) {
        return SLICE("");
    }
    struct slice rest = slice_tail(in, (size_t)(found - in.ptr) + strlen(key));
    return slice_cut(&rest, '"');
}

static void say_change(const char *what, const char *name)
{
    struct buf json;
    buf_init(&json, 128);
    buf_printf(&json, "{\"%s\":[\"%s\"]}", what, name);
    put_frame(&server.turn, buf_slice(&json));
    buf_deinit(&json);
}

static void say_list(struct client *c)
{
    struct buf json;
    buf_init(&json, OUT_MAX);
    for (uint32_t i = 0; i < server.count; i++) {
        if (server.clients[i]->name[0] != '\0') {
            buf_printf(&json, "%s\"%s\"", json.len > 0 ? "," : "{\"users\":[",
                       server.clients[i]->name);
        }
    }
    buf_append(&json, SLICE("]}"));
    tell(c, buf_slice(&json));
    buf_deinit(&json);
}

static void log_in(struct client *c, struct slice name)
{
    uint32_t place = place_of(name);
    if (c->name[0] != '\0' || name.len == 0 || name.len > NAME_MAX_BYTES || server.names[place]) {
        tell(c, SLICE("{\"refused\":true}"));
        return;
    }
    memcpy(c->name, name.ptr, name.len);
    server.names[place] = c;
    tell(c, SLICE("{\"online\":true}"));
    if (server.lists) {
        say_list(c);
        say_change("joined", c->name);
    }
}

static void put_ack(struct client *c, struct slice ack, bool ok)
{
    struct buf json;
    buf_init(&json, 128);
    buf_printf(&json, "{\"ack\":%.*s,\"ok\":%s}", (int)ack.len, ack.ptr, ok ? "true" : "false");
    tell(c, buf_slice(&json));
    buf_deinit(&json);
}

/* To whoever of them is here.  `ack`: what the sender has asked for, or nothing. */
static void deliver(struct slice json, struct slice ack)
{
    struct slice receiver = text_of(json, "\"receiver\":\"");
    if (slice_equal(receiver, SLICE("group"))) {
        put_frame(&server.turn, json);
        return;
    }
    struct client *to = server.names[place_of(receiver)];
    struct client *from = server.names[place_of(text_of(json, "\"sender\":\""))];
    if (to) {
        tell(to, json);
    }
    if (from && (to || server.redis)) {
        tell(from, json); /* the echo */
    }
    if (from) {
        put_ack(from, ack, to || server.redis);
    }
}

static void send_message(const struct client *c, struct slice packet)
{
    struct slice receiver = text_of(packet, "\"receiver\":\"");
    struct slice text = text_of(packet, "\"message_text\":\"");
    struct slice ack = slice_starts(packet, SLICE("{\"ack\":")) ? slice_tail(packet, 7) : SLICE("");
    struct buf json;
    buf_init(&json, READ_MAX);
    ack = slice_cut(&ack, ',');
    buf_printf(
        &json,
        "{\"message_in\":{\"sender\":\"%s\",\"receiver\":\"%.*s\",\"message_text\":\"%.*s\"}}",
        c->name, (int)receiver.len, receiver.ptr, (int)text.len, text.ptr);
    if (server.redis) {
        buf_printf(&server.lines, "%.*s %.*s\n", (int)ack.len, ack.ptr, (int)json.len, json.ptr);
    } else {
        deliver(buf_slice(&json), ack);
    }
    if (server.other && slice_equal(receiver, SLICE("group"))) {
        tell(server.other, buf_slice(&json));
    }
    buf_deinit(&json);
}

static void take_packet(struct client *c, struct slice packet)
{
    if (c->kind == SERVER) {
        put_frame(&server.turn, packet);
    } else if (slice_equal(packet, SLICE("{\"server\":true}"))) {
        c->kind = SERVER;
        server.other = c;
    } else if (slice_starts(packet, SLICE("{\"login\":\""))) {
        log_in(c, text_of(packet, "{\"login\":\""));
    } else if (c->name[0] != '\0') {
        send_message(c, packet);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void drop(struct client *c)
{
    server.other = c->kind == SERVER ? NULL : server.other;
    if (c->name[0] != '\0') {
        forget_name(c);
        if (server.lists) {
            say_change("left", c->name);
        }
    }
    for (uint32_t i = 0; i < server.dirty_count; i++) {
        if (server.dirty[i] == c) {
            server.dirty[i] = server.dirty[--server.dirty_count];
            break;
        }
    }
    server.clients[c->at] = server.clients[--server.count];
    server.clients[c->at]->at = c->at;
    close(c->fd);
    buf_deinit(&c->in);
    buf_deinit(&c->out);
    free(c);
}

/* The bytes that were used: one frame, or 0 when it is not all there.  *gone: he closes. */
static size_t take_frame(struct client *c, struct buf *in, bool *gone)
{
    const unsigned char *b = (const unsigned char *)in->ptr;
    bool masked = in->len >= 2 && (b[1] & 0x80) != 0; /* not between servers */
    size_t length = in->len >= 2 ? b[1] & 0x7f : 0,
           head = (length == 126 ? 4u : 2u) + (masked ? 4u : 0u);
    if (in->len < head) {
        return 0;
    }
    if (length == 126) {
        length = (size_t)b[2] << 8 | b[3];
    }
    if (b[1] == 0xff || in->len < head + length) { /* none is above 64 KiB */
        *gone = b[1] == 0xff;
        return 0;
    }
    for (size_t i = 0; masked && i < length; i++) {
        in->ptr[head + i] = (char)(in->ptr[head + i] ^ in->ptr[head - 4 + (i & 3)]);
    }
    if ((b[0] & 0x0f) == 1) {
        take_packet(c, (struct slice){in->ptr + head, length});
    } else {
        *gone = (b[0] & 0x0f) == 8;
    }
    return head + length;
}

/* Whatever key he sent: the load generator always sends the same. */
static size_t take_request(struct client *c, const struct buf *in)
{
    const char *end = memmem(in->ptr, in->len, "\r\n\r\n", 4);
    if (!end) {
        return 0;
    }
    c->upgraded = true;
    if (c->kind == CLIENT) {
        buf_append(&c->out, SLICE("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                  "Upgrade: websocket\r\n"
                                  "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"));
        mark(c);
    }
    return (size_t)(end - in->ptr) + 4;
}

/* What Redis says on a subscribed connection: lines, "ack json", or that it is subscribed. */
static size_t take_push(const struct buf *in)
{
    struct slice rest = buf_slice(in),
                 head = SLICE("*3\r\n$7\r\nmessage\r\n$4\r\n" CHANNEL "\r\n$");
    size_t most = head.len + sizeof "18446744073709551615\r\n";
    uint64_t length;
    if (!slice_starts(rest, head)) {
        const char *end = memmem(in->ptr, in->len, "\r\n:1\r\n", 6);
        return end ? (size_t)(end - in->ptr) + 6 : 0;
    }
    rest = slice_tail(rest, head.len);
    if (!memchr(rest.ptr, '\n', rest.len < most ? rest.len : most) ||
        !slice_u64(slice_cut(&rest, '\r'), READ_MAX * 64, &length) || rest.len < length + 3) {
        return 0;
    }
    struct slice lines = {rest.ptr + 1, length};
    while (lines.len > 0) {
        struct slice line = slice_cut(&lines, '\n'), ack = slice_cut(&line, ' ');
        deliver(line, ack);
    }
    return (size_t)(rest.ptr + 1 + length + 2 - in->ptr);
}

/* The bytes that were used; *gone: it is over. */
static size_t take(struct client *c, struct buf *in, bool *gone)
{
    if (c->kind == PUBLISHER) {
        return in->len; /* to how many it went */
    } else if (c->kind == FEED) {
        return take_push(in);
    }
    return c->upgraded ? take_frame(c, in, gone) : take_request(c, in);
}

static void read_from(struct client *c)
{
    static char bytes[READ_MAX];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    bool gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    size_t used = 1;
    if (n > 0) {
        buf_append(&c->in, (struct slice){bytes, (size_t)n});
    }
    while (!gone && c->in.len > 0 && used > 0) {
        used = take(c, &c->in, &gone);
        buf_consume(&c->in, used);
    }
    if (c->in.len == 0) {
        buf_deinit(&c->in);
    }
    if (gone) {
        drop(c);
    }
}

static struct client *client_new(int fd)
{
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* not to Redis: it has none */
    struct client *c = must(calloc(1, sizeof *c));
    c->fd = fd;
    c->at = server.count;
    buf_init(&c->in, OUT_MAX);
    buf_init(&c->out, OUT_MAX);
    server.clients[server.count++] = c;
    watch(c, EPOLL_CTL_ADD, 0);
    return c;
}

static void take_client(void)
{
    int fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && server.count < CLIENTS_MAX) {
        client_new(fd);
    } else if (fd >= 0) {
        close(fd);
    }
}

static void turn(void)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(server.epoll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if (!c) {
            take_client();
            continue;
        }
        if ((events[i].events & EPOLLOUT) != 0) {
            send_to(c, SLICE(""));
        }
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
            read_from(c);
        }
    }
    end_turn();
}

static struct sockaddr_in local(uint64_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool start(uint64_t port)
{
    struct sockaddr_in at = local(port);
    struct epoll_event e = {.events = EPOLLIN};
    struct rlimit files;
    const int one = 1;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    buf_init(&server.turn, OUT_MAX);
    buf_init(&server.lines, OUT_MAX);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return setsockopt(server.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
           bind(server.listener, (struct sockaddr *)&at, sizeof at) == 0 &&
           listen(server.listener, SOMAXCONN) == 0 &&
           epoll_ctl(server.epoll, EPOLL_CTL_ADD, server.listener, &e) == 0;
}

/* Upgrades as a client does, and says what it is. */
static bool join(uint64_t port)
{
    struct sockaddr_in at = local(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        return false;
    }
    struct client *c = client_new(fd);
    c->kind = SERVER;
    server.other = c;
    buf_append(&c->out, SLICE("GET / HTTP/1.1\r\n\r\n"));
    tell(c, SLICE("{\"server\":true}"));
    send_to(c, SLICE(""));
    return true;
}

static struct client *reach(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    return connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? client_new(fd) : NULL;
}

static bool subscribe(const char *path)
{
    struct client *feed = reach(path);
    server.redis = reach(path);
    if (!feed || !server.redis) {
        return false;
    }
    feed->kind = FEED;
    server.redis->kind = PUBLISHER;
    buf_append(&feed->out, SLICE("SUBSCRIBE " CHANNEL "\r\n"));
    send_to(feed, SLICE(""));
    return true;
}

int main(void)
{
    const char *lists = getenv("LIST"), *redis = getenv("REDIS");
    struct slice other = slice_text(getenv("OTHER"));
    uint64_t port, other_port;
    if (!slice_u64(slice_text(getenv("PORT")), UINT16_MAX, &port) || !start(port)) {
        fprintf(stderr, "epoll: cannot listen on 127.0.0.1 at PORT\n");
        return 1;
    }
    if (other.len > 0 && !(slice_u64(other, UINT16_MAX, &other_port) && join(other_port))) {
        fprintf(stderr, "epoll: cannot reach OTHER\n");
        return 1;
    }
    if (redis && !subscribe(redis)) {
        fprintf(stderr, "epoll: cannot reach REDIS\n");
        return 1;
    }
    server.lists = lists && strcmp(lists, "1") == 0;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        turn();
    }
}
