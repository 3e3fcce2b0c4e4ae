/* eio_ws_context_lws.c - libwebsockets on the loop, and the WebSockets that are handed to it
 *                        (eio_ws_lws.h) */
#include "gateway-svc/socketio/eio_ws_lws.h"
#include "gateway-svc/socketio/file_limit.h"
#include "shared/clock.h"
#include "shared/log.h"
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Per read and connection, and resident as long as it lives: a short message.  What is longer comes
 * in several reads, at once (eio_ws_read_on).  With what libwebsockets and malloc add it is 176
 * bytes. */
#define RX_BYTES 148
#define TX_BYTES 65536 /* what one lws_write may hand to the kernel */
#define HEAD_BYTES 1024
#define READ_ON_BYTES (16U << 10) /* of a message in one turn: others want to be read, too */
#define CLOSE_S 5                 /* for a peer to take what libwebsockets still has for it */
#define LOG_LINES_PER_S 10
/* libwebsockets has a place for each file that the process may open, and looks at all of them when
 * a connection closes: 0.1 ms with so many, but 2 ms with the million that containers often get. */
#define FILES_MAX 65536
#define TIMES_S 1.0 /* how late a time limit of libwebsockets' may be */

/* libwebsockets would ping by itself, and keep all connections in a list for that, through which it
 * walks for each that comes.  (Said of the context alone, this is passed over.) */
static const lws_retry_bo_t no_validity_timer;

struct eio_ws {
    struct ev_loop *loop; /* first, as the fuzz target has it */
    struct lws_context *context;
    struct lws_vhost *vhost;
    ev_timer times;
    struct lws_protocols protocols[3];
    /* Of the one that is being accepted: */
    char subprotocol[EIO_SUBPROTOCOL_MAX + 1];
    const struct eio_ws_owner *owner;
    void *ctx;
    bool opened;
    /* That reads again in this turn: */
    const struct lws *reading;
    unsigned turn;
};

/* ---- Callbacks ------------------------------------------------------------------------------- */

static int on_established(struct eio_ws *ws, struct lws *wsi)
{
    if (!ws->owner) {
        return -1; /* that it is adopted at once or not at all is not in its contract */
    }
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): the pointer of libwebsockets is not const */
    lws_set_wsi_user(wsi, (void *)(uintptr_t)ws->owner);
    lws_set_opaque_user_data(wsi, ws->ctx);
    ws->opened = true;
    const struct eio_ws_owner *owner = ws->owner;
    ws->owner = NULL;
    owner->opened(ws->ctx, wsi);
    return 0;
}

/* It has been let go; what it answers is not answered. */
static int on_unowned(struct lws *wsi, enum lws_callback_reasons why)
{
    if (why == LWS_CALLBACK_SERVER_WRITEABLE && !lws_partial_buffered(wsi)) {
        (void)shutdown(lws_get_socket_fd(wsi), SHUT_RDWR);
    }
    return why == LWS_CALLBACK_WS_PEER_INITIATED_CLOSE ? -1 : 0;
}

static int on_callback(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
                       size_t len)
{
    void *ctx = lws_get_opaque_user_data(wsi);
    const struct eio_ws_owner *owner = lws_wsi_user(wsi);
    (void)user;
    if (why == LWS_CALLBACK_ESTABLISHED) {
        return on_established(lws_context_user(lws_get_context(wsi)), wsi);
    }
    return ctx ? owner->callback(ctx, wsi, why, in, len) : on_unowned(wsi, why);
}

/* ---- The context ----------------------------------------------------------------------------- */

/* Lines of libwebsockets; peers can provoke them. */
static void on_log(int level, const char *line)
{
    static struct log_limit limit;
    size_t len = strlen(line);
    (void)level;
    if (log_limit_ok(&limit, LOG_LINES_PER_S, clock_mono_ms())) {
        len -= len > 0 && line[len - 1] == '\n' ? 1 : 0;
        log_debug("libwebsockets line=\"%s\"", log_escape((struct slice){line, len}));
    }
}

static struct lws_context *new_context(struct eio_ws *ws, struct ev_loop *loop)
{
    void *loops[] = {loop};
    struct lws_context_creation_info info = {0};
    info.options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = loops;
    info.max_http_header_data = HEAD_BYTES;
    info.user = ws;
    lws_set_log_level(LLL_WARN, on_log); /* its errors are notes on every socket that it is given */
    return lws_create_context(&info);
}

/* libwebsockets looks at its own time limits only when something comes in: on a quiet server a peer
 * that does not answer a close would stay. */
static void on_times(struct ev_loop *loop, ev_timer *timer, int events)
{
    const struct eio_ws *ws = timer->data;
    (void)loop;
    (void)events;
    lws_cancel_service(ws->context); /* comes in, and means nothing else */
}

/* A client may name subprotocols, which mean nothing to us.  libwebsockets would refuse a name that
 * it does not know; so the second entry takes the name that the client asks for. */
static void fill_protocols(struct eio_ws *ws)
{
    ws->protocols[0] = (struct lws_protocols){.name = "engine.io",
                                              .callback = on_callback,
                                              .rx_buffer_size = RX_BYTES,
                                              .tx_packet_size = TX_BYTES};
    ws->protocols[1] = ws->protocols[0];
    ws->protocols[1].name = ws->subprotocol;
}

struct eio_ws *eio_ws_new(struct ev_loop *loop)
{
    struct eio_ws *ws = calloc(1, sizeof *ws);
    struct lws_context_creation_info info = {0};
    if (!ws) {
        return NULL;
    }
    ws->loop = loop;
    ev_timer_init(&ws->times, on_times, TIMES_S, TIMES_S);
    ws->times.data = ws;
    fill_protocols(ws);
    if (file_limit_lower(FILES_MAX)) {
        log_info("at most %d open files", FILES_MAX);
    }
    ws->context = new_context(ws, loop);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.vhost_name = "clients";
    info.protocols = ws->protocols;
    info.retry_and_idle_policy = &no_validity_timer;
    ws->vhost = ws->context ? lws_create_vhost(ws->context, &info) : NULL;
    if (!ws->vhost) {
        log_error("cannot start libwebsockets; is its libev plugin installed?");
        eio_ws_free(ws);
        return NULL;
    }
    ev_timer_start(loop, &ws->times);
    return ws;
}

void eio_ws_free(struct eio_ws *ws)
{
    ev_timer_stop(ws->loop, &ws->times);
    if (ws->context) {
        lws_context_destroy(ws->context);
    }
    free(ws);
}

/* ---- WebSockets ------------------------------------------------------------------------------ */

/* The handshake as libwebsockets shall see it: what it answers depends on nothing else, and nothing
 * that a peer has written gets to it unchecked. */
static bool print_head(struct buf *head, const struct eio_handshake *handshake)
{
    buf_printf(head,
               "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
               handshake->key);
    if (handshake->subprotocol[0] != '\0') {
        buf_printf(head, "Sec-WebSocket-Protocol: %s\r\n", handshake->subprotocol);
    }
    return buf_append(head, SLICE("\r\n"));
}

/* While corked, what is written waits, so that it leaves in one piece. */
static void cork(int fd, int corked)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &corked, sizeof corked); /* works without */
}

/* Is the socket libwebsockets' now?  It writes its 101 itself, and the owner may add to it. */
static bool adopt(struct eio_ws *ws, int fd, const struct buf *bytes)
{
    ws->opened = false;
    cork(fd, 1);
    struct lws *wsi = lws_adopt_socket_vhost_readbuf(ws->vhost, fd, bytes->ptr, bytes->len);
    if (ws->opened) {
        cork(fd, 0);
    } else if (wsi) {
        (void)shutdown(fd, SHUT_RDWR); /* then it closes it */
    }
    return ws->opened;
}

bool eio_ws_accept(struct eio_ws *ws, const struct eio_ws_client *client,
                   const struct eio_ws_owner *owner, void *ctx)
{
    struct buf bytes;
    buf_init(&bytes, HEAD_BYTES + client->early.len);
    memcpy(ws->subprotocol, client->handshake->subprotocol, sizeof ws->subprotocol);
    ws->owner = owner;
    ws->ctx = ctx;
    bool good = print_head(&bytes, client->handshake) && buf_append(&bytes, client->early);
    if (good) {
        good = adopt(ws, client->fd, &bytes);
    } else {
        close(client->fd);
    }
    ws->owner = NULL;
    buf_deinit(&bytes);
    return good;
}

/* Not for a frame that begins a message in a read that was such a one itself: else whoever has sent
 * many would keep the others waiting. */
void eio_ws_read_on(struct lws *wsi, size_t had, size_t len)
{
    struct eio_ws *ws = lws_context_user(lws_get_context(wsi));
    unsigned turn = ev_iteration(ws->loop);
    bool again = ws->reading == wsi && ws->turn == turn;
    bool enough = had / READ_ON_BYTES != (had + len) / READ_ON_BYTES;
    if (!enough && (had > 0 || !again)) {
        ws->reading = wsi;
        ws->turn = turn;
        ev_feed_fd_event(ws->loop, lws_get_socket_fd(wsi), EV_READ); /* the next thing it does */
    }
}

void eio_ws_let_go(struct lws *wsi, uint16_t code, bool told)
{
    lws_set_opaque_user_data(wsi, NULL);
    if (!told) {
        struct sio_frame *frame = sio_frame_close(code);
        (void)lws_write(wsi, frame->ws, frame->len, LWS_WRITE_HTTP); /* bytes as they are */
        sio_frame_unref(frame);
    }
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_S);
    if (lws_partial_buffered(wsi)) {
        lws_callback_on_writable(wsi);
    } else {
        (void)shutdown(lws_get_socket_fd(wsi), SHUT_RDWR);
    }
}
