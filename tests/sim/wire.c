/* wire.c - a Socket.IO server without wires */
#include "tests/sim/wire.h"
#include "shared/clock.h"
#include "shared/must.h"
#include "tests/sim/time.h"
#include <string.h>

#define SERVERS 256 /* in the whole of a simulation */

struct sio_namespace {
    struct sio_server *server;
    const struct sio_namespace_handler *handler;
    void *app;
};

struct sio_server {
    struct ev_loop *loop;
    struct sio_namespace nsp;
    struct sio_stats stats;
    bool refuses, closed;
};

struct sio_frame {
    unsigned refs;
    size_t name_len, args_len;
    char text[]; /* name, arguments */
};

struct sio_socket {
    struct wire *wire;
    void *data;
    bool accepted, gone, told;
};

/* The server's and the client's half of one connection.  It stays until the end, because what is on
 * its way points here. */
struct wire {
    struct wire *next;
    struct sio_server *server;
    struct sio_socket socket;
    const struct wire_client *client; /* NULL: it has left */
    void *ctx;
    uint64_t to_client, to_server; /* when the last packet arrives */
};

struct packet {
    struct wire *wire;
    enum { EVENT, ACK, ACCEPTED, REFUSED, GONE, PUT_OUT, FROM_CLIENT, CONNECT } kind;
    uint64_t ack_id;
    struct sio_frame *frame; /* NULL for those without text */
};

static struct {
    struct sio_server *servers[SERVERS];
    struct wire *wires;
    uint64_t latency_us;
} net;

static uint64_t way(void)
{
    return sim_chance(3) ? sim_about(net.latency_us / 2) : sim_about(net.latency_us / 20);
}

/* ---- Frames ---------------------------------------------------------------------------------- */

static struct sio_frame *frame_new(struct slice name, struct slice args)
{
    struct sio_frame *frame = must(malloc(sizeof *frame + name.len + args.len + 1));
    *frame = (struct sio_frame){1, name.len, args.len};
    if (name.len > 0) {
        memcpy(frame->text, name.ptr, name.len);
    }
    if (args.len > 0) {
        memcpy(frame->text + name.len, args.ptr, args.len);
    }
    return frame;
}

static struct slice frame_name(const struct sio_frame *frame)
{
    return (struct slice){frame->text, frame->name_len};
}

static struct slice frame_args(const struct sio_frame *frame)
{
    return (struct slice){frame->text + frame->name_len, frame->args_len};
}

struct sio_frame *sio_event_frame(struct sio_namespace *nsp, struct slice name, struct slice args)
{
    (void)nsp;
    return frame_new(name, args);
}

struct sio_frame *sio_frame_ref(struct sio_frame *frame)
{
    frame->refs++;
    return frame;
}

void sio_frame_unref(struct sio_frame *frame)
{
    if (frame && --frame->refs == 0) {
        free(frame);
    }
}

size_t sio_frame_size(const struct sio_frame *frame)
{
    return frame->name_len + frame->args_len;
}

/* Of a process that is gone the kernel answers. */
static uint64_t awake_us(const struct sio_server *server)
{
    return server->closed ? sim_now_us() : sim_awake_us(server->loop);
}

/* ---- Packets --------------------------------------------------------------------------------- */

static void on_packet(void *arg);

static void send_packet(struct packet packet, uint64_t *last)
{
    struct packet *p = must(malloc(sizeof *p));
    *p = packet;
    uint64_t at = sim_now_us() + way();
    *last = at > *last ? at : *last;
    sim_at(*last, on_packet, p);
}

static void to_client(struct wire *w, struct packet packet)
{
    packet.wire = w;
    send_packet(packet, &w->to_client);
}

static void on_client_packet(struct wire *w, const struct packet *p)
{
    const struct wire_client *client = w->client;
    if (!client) {
        return;
    }
    if (p->kind == GONE || p->kind == PUT_OUT) {
        w->client = NULL;
    }
    switch (p->kind) {
    case EVENT: client->event(w->ctx, frame_name(p->frame), frame_args(p->frame), 0); break;
    case ACK: client->event(w->ctx, SLICE(""), frame_args(p->frame), p->ack_id); break;
    case ACCEPTED: client->accepted(w->ctx); break;
    case REFUSED: client->refused(w->ctx, frame_args(p->frame)); break;
    case GONE: client->gone(w->ctx, false); break;
    case PUT_OUT: client->gone(w->ctx, true); break;
    case FROM_CLIENT:
    case CONNECT: break;
    }
}

static void on_server_packet(struct wire *w, const struct packet *p)
{
    struct sio_namespace *nsp = &w->server->nsp;
    if (w->server->closed || (w->server->refuses && p->kind == CONNECT)) {
        to_client(w, (struct packet){.kind = GONE});
    } else if (p->kind == CONNECT) {
        w->server->stats.connections++;
        nsp->handler->connect(nsp->app, &w->socket, NULL, frame_args(p->frame));
    } else if (w->socket.accepted && !w->socket.gone) {
        struct sio_event event = {.name = frame_name(p->frame),
                                  .args = frame_args(p->frame),
                                  .wants_ack = p->ack_id > 0,
                                  .ack_id = p->ack_id};
        nsp->handler->event(nsp->app, &w->socket, &event);
    }
}

static void on_packet(void *arg)
{
    struct packet *p = arg;
    struct wire *w = p->wire;
    bool for_server = p->kind == FROM_CLIENT || p->kind == CONNECT;
    uint64_t awake = awake_us(w->server);
    if (for_server && awake > sim_now_us()) {
        sim_at(awake, on_packet, p);
        return;
    }
    if (for_server) {
        on_server_packet(w, p);
    } else {
        on_client_packet(w, p);
    }
    sio_frame_unref(p->frame);
    free(p);
}

/* ---- The application's half: sio.h ----------------------------------------------------------- */

static void tell_gone(void *arg)
{
    struct sio_socket *socket = arg;
    struct sio_server *server = socket->wire->server;
    if (!socket->told && !server->closed) {
        socket->told = true;
        server->stats.connections--;
        server->nsp.handler->disconnect(server->nsp.app, socket, SIO_TRANSPORT_CLOSE);
    }
}

static void end_socket(struct sio_socket *socket)
{
    if (!socket->gone) {
        socket->gone = true;
        sim_in(0, tell_gone, socket);
    }
}

bool sio_socket_accept(struct sio_socket *socket)
{
    if (socket->gone || socket->accepted) {
        return false;
    }
    socket->accepted = true;
    to_client(socket->wire, (struct packet){.kind = ACCEPTED});
    return true;
}

void sio_socket_refuse(struct sio_socket *socket, struct slice message, struct slice data_json)
{
    (void)message;
    if (!socket->gone && !socket->accepted) {
        socket->gone = socket->told = true; /* a refused one is not told */
        socket->wire->server->stats.connections--;
        to_client(socket->wire,
                  (struct packet){.kind = REFUSED, .frame = frame_new(SLICE(""), data_json)});
    }
}

void sio_socket_disconnect(struct sio_socket *socket, bool close)
{
    (void)close;
    if (!socket->gone) {
        to_client(socket->wire, (struct packet){.kind = PUT_OUT});
        end_socket(socket);
    }
}

void sio_socket_close(struct sio_socket *socket, uint16_t code)
{
    (void)code;
    if (!socket->gone) {
        to_client(socket->wire, (struct packet){.kind = GONE});
        end_socket(socket);
    }
}

void sio_socket_set_data(struct sio_socket *socket, void *data)
{
    socket->data = data;
}

void *sio_socket_data(const struct sio_socket *socket)
{
    return socket->data;
}

void sio_socket_ref(struct sio_socket *socket)
{
    (void)socket; /* they stay until the end */
}

void sio_socket_unref(struct sio_socket *socket)
{
    (void)socket;
}

void sio_socket_emit(struct sio_socket *socket, struct sio_frame *frame)
{
    if (socket->accepted && !socket->gone) {
        to_client(socket->wire, (struct packet){.kind = EVENT, .frame = sio_frame_ref(frame)});
    }
}

void sio_socket_ack(struct sio_socket *socket, uint64_t ack_id, struct slice args)
{
    if (socket->accepted && !socket->gone) {
        to_client(
            socket->wire,
            (struct packet){.kind = ACK, .ack_id = ack_id, .frame = frame_new(SLICE(""), args)});
    }
}

static void on_drained(void *arg)
{
    struct sio_socket *socket = arg;
    struct sio_namespace *nsp = &socket->wire->server->nsp;
    if (!socket->gone && !socket->wire->server->closed) {
        nsp->handler->drained(nsp->app, socket);
    }
}

void sio_socket_when_drained(struct sio_socket *socket)
{
    if (!socket->gone) {
        sim_in(sim_chance(50) ? 0 : way(), on_drained, socket);
    }
}

/* None: whoever wants one sets it. */
void sio_config_defaults(struct sio_config *config)
{
    memset(config, 0, sizeof *config);
}

struct sio_server *sio_server_new(struct ev_loop *loop, const struct sio_config *config,
                                  const struct sio_server_handler *handler, void *app)
{
    (void)config;
    (void)handler;
    (void)app;
    struct sio_server *server = must(calloc(1, sizeof *server));
    server->loop = loop;
    server->nsp.server = server;
    size_t i = 0;
    while (net.servers[i]) {
        i++;
    }
    net.servers[i] = server;
    return server;
}

struct sio_namespace *sio_namespace_open(struct sio_server *server, const char *name,
                                         const struct sio_namespace_handler *handler, void *app)
{
    (void)name;
    server->nsp.handler = handler;
    server->nsp.app = app;
    return &server->nsp;
}

void sio_server_close_all(struct sio_server *server)
{
    for (struct wire *w = net.wires; w; w = w->next) {
        struct sio_socket *s = &w->socket;
        if (w->server == server && !s->told && s->data) {
            if (!s->gone) {
                to_client(w, (struct packet){.kind = GONE});
            }
            s->gone = true;
            tell_gone(s);
        }
    }
}

void sio_server_free(struct sio_server *server)
{
    sio_server_close_all(server);
    server->closed = true;
}

const struct sio_stats *sio_server_stats(const struct sio_server *server)
{
    return &server->stats;
}

size_t sio_socket_queued(const struct sio_socket *socket)
{
    (void)socket;
    return 0;
}

const char *sio_reason_name(enum sio_reason reason)
{
    (void)reason;
    return "gone";
}

bool sio_server_http_port(struct sio_server *server, const char *host, uint16_t port)
{
    (void)server;
    (void)host;
    (void)port;
    return true;
}

void sio_server_file(struct sio_server *server, const char *name, const char *type,
                     struct slice body)
{
    (void)server;
    (void)name;
    (void)type;
    (void)body;
}

void sio_server_page(struct sio_server *server, const char *path, const char *type,
                     const char *headers, struct slice body)
{
    (void)server;
    (void)path;
    (void)type;
    (void)headers;
    (void)body;
}

/* Who comes now comes elsewhere. */
void sio_server_refuse_new(struct sio_server *server)
{
    server->refuses = true;
}

size_t sio_server_carried(const struct sio_server *server)
{
    (void)server;
    return 0;
}

void sio_server_close_carried(struct sio_server *server, size_t count)
{
    (void)server;
    (void)count;
}

const char *sio_refusal_name(enum sio_refusal refusal)
{
    (void)refusal;
    return "refused";
}

void sio_lookup_answer(struct sio_lookup *lookup, const char *host, uint16_t port)
{
    (void)lookup;
    (void)host;
    (void)port;
}

struct slice sio_request_header(struct sio_request *req, const char *name)
{
    (void)req;
    (void)name;
    return SLICE("");
}

struct slice sio_request_scheme(struct sio_request *req)
{
    (void)req;
    return SLICE("http");
}

/* ---- The clients' half ----------------------------------------------------------------------- */

void wire_latency(uint64_t us)
{
    net.latency_us = us;
}

static struct sio_server *server_of(const struct ev_loop *loop)
{
    for (size_t i = 0; i < SERVERS && net.servers[i]; i++) {
        if (net.servers[i]->loop == loop) {
            return net.servers[i];
        }
    }
    return NULL;
}

struct wire *wire_connect(const struct ev_loop *loop, struct slice auth,
                          const struct wire_client *client, void *ctx)
{
    struct wire *w = must(calloc(1, sizeof *w));
    w->server = server_of(loop);
    w->socket.wire = w;
    w->client = client;
    w->ctx = ctx;
    w->next = net.wires;
    net.wires = w;
    send_packet((struct packet){.wire = w, .kind = CONNECT, .frame = frame_new(SLICE(""), auth)},
                &w->to_server);
    return w;
}

void wire_send(struct wire *w, struct slice name, struct slice args, uint64_t ack_id)
{
    send_packet(
        (struct packet){
            .wire = w, .kind = FROM_CLIENT, .ack_id = ack_id, .frame = frame_new(name, args)},
        &w->to_server);
}

/* The server's heartbeat runs out, or its TCP ends: behind what the client has sent. */
static void on_noticed(void *arg)
{
    struct wire *w = arg;
    uint64_t awake = awake_us(w->server);
    awake = w->to_server > awake ? w->to_server : awake;
    if (awake > sim_now_us()) {
        sim_at(awake, on_noticed, w);
    } else {
        end_socket(&w->socket);
    }
}

void wire_leave(struct wire *w, uint64_t us)
{
    w->client = NULL;
    sim_in(us, on_noticed, w);
}

void wire_end(void)
{
    while (net.wires) {
        struct wire *w = net.wires;
        net.wires = w->next;
        free(w);
    }
    for (size_t i = 0; i < SERVERS; i++) {
        free(net.servers[i]);
    }
    memset(&net, 0, sizeof net);
}
