/* sio.h - a Socket.IO server (Socket.IO protocol 5 over Engine.IO protocol 4) on a libev loop
 *
 * The whole public contract of this folder.  The server knows packets, sessions, transports and
 * namespaces; what events mean is the application's business.  It knows nothing of chat or Redis.
 *
 * One loop, one thread: every function is called from the loop's thread, every callback comes from
 * it. What is emitted during one turn of the loop leaves with one system call per connection at its
 * end.
 *
 * Protocols: https://github.com/socketio/engine.io-protocol (v4),
 *            https://github.com/socketio/socket.io-protocol (v5), RFC 6455. */
#ifndef PARLEY_SIO_H
#define PARLEY_SIO_H

#include "shared/slice.h"

struct ev_loop;
struct sio_server;
struct sio_namespace;
struct sio_socket; /* one client in one namespace */
struct sio_frame;  /* an encoded packet, shared by all its receivers */

/* ---- The server ------------------------------------------------------------------------------ */

struct sio_config {
    const char *host; /* address to listen on */
    uint16_t port;
    const char *path;          /* "/socket.io/"; the same without the last slash is accepted too */
    uint32_t ping_interval_ms; /* 25000 */
    uint32_t ping_timeout_ms;  /* 20000 */
    uint32_t connect_timeout_ms; /* 45000: to join a first namespace */
    uint32_t max_payload;        /* 1000000 bytes of one message from a client */
    uint32_t queue_max_bytes;    /* 1048576 waiting for one client; above it is closed, code 4008 */
    uint32_t max_fragments;      /* 1024 frames of one message */
    uint32_t max_namespaces;     /* 8 joined by one connection */
};
/* The official defaults, and ours where there is none. */
void sio_config_defaults(struct sio_config *config);

/* An HTTP request that wants to become a connection; borrowed for the length of the callback. */
struct sio_request;
/* A header by its lower-case name with colon ("cookie:", "x-forwarded-proto:"); appended to
 * nothing: points into a buffer that the next call overwrites.  Empty when absent. */
struct slice sio_request_header(struct sio_request *req, const char *name);
struct slice sio_request_query(struct sio_request *req); /* raw, without '?' */
struct slice sio_request_peer(struct sio_request *req);  /* address of the TCP peer */

struct sio_server_handler {
    /* May this request connect?  NULL: yes.  Otherwise the text of the refusal (a literal): the
     * client gets 403 and Engine.IO error code 4.  *conn_data is handed to the `connect` of each
     * namespace that the connection joins, and to `closed`.  May itself be NULL: everybody may. */
    const char *(*allow)(void *app, struct sio_request *req, void **conn_data);
    /* The connection is gone, or never came about after it was allowed.  May be NULL. */
    void (*closed)(void *app, void *conn_data);
    /* Answers a plain HTTP GET on the port of sio_server_http_port, for example /readyz; the
     * clients' port answers 404 to all but `path`.  May be NULL: 404.  Returns the status; text is
     * a literal. */
    unsigned (*http)(void *app, struct slice path, const char **text);
};

/* NULL when it cannot listen (one line is logged).  `handler` and `app` are borrowed. */
struct sio_server *sio_server_new(struct ev_loop *loop, const struct sio_config *config,
                                  const struct sio_server_handler *handler, void *app);
/* Adds a second port on which only `http` is answered; for health checks.  False when taken. */
bool sio_server_http_port(struct sio_server *server, const char *host, uint16_t port);
/* Closes the connections without a Socket.IO DISCONNECT, so that clients come back elsewhere, and
 * accepts no more.  Disconnect callbacks come before it returns. */
void sio_server_close_all(struct sio_server *server);
void sio_server_free(struct sio_server *server);

struct sio_stats {
    uint64_t connections;  /* open now */
    uint64_t accepted;     /* ever */
    uint64_t packets_in;   /* Socket.IO packets received */
    uint64_t frames_out;   /* frames handed to the kernel */
    uint64_t queued_bytes; /* waiting in all queues */
    uint64_t closed[16];   /* ever, by enum sio_reason */
};
const struct sio_stats *sio_server_stats(const struct sio_server *server);

/* ---- The ends of a connection --------------------------------------------------------------- */

/* Why a socket is gone; the names are the official ones. */
enum sio_reason {
    SIO_TRANSPORT_CLOSE = 0, /* the peer closed, or the network did */
    SIO_TRANSPORT_ERROR,
    SIO_PING_TIMEOUT,
    SIO_PARSE_ERROR,       /* bytes that are no packet, or a packet that is not allowed now */
    SIO_CLIENT_DISCONNECT, /* the client left the namespace */
    SIO_SERVER_DISCONNECT, /* sio_socket_disconnect */
    SIO_SERVER_CLOSE,      /* sio_socket_close */
    SIO_SERVER_SHUTDOWN,
    SIO_TOO_LARGE, /* a message above max_payload or max_fragments */
    SIO_SLOW,      /* queue_max_bytes exceeded */
    SIO_CONNECT_TIMEOUT,
    SIO_REASONS
};
const char *sio_reason_name(enum sio_reason reason);

/* ---- Engine.IO without Socket.IO --------------------------------------------------------------
 */

/* A connection to a raw path: messages without events, namespaces and acks. */
struct eio_conn;

struct sio_raw_handler {
    void (*open)(void *app, struct eio_conn *conn);
    void (*message)(void *app, struct eio_conn *conn, struct slice data, bool binary);
    /* Exactly once for each `open`; `conn` is gone when it returns. */
    void (*closed)(void *app, struct eio_conn *conn, enum sio_reason reason);
};
/* Serves raw Engine.IO on a second path ("/engine.io/") of the same port. */
void sio_server_raw(struct sio_server *server, const char *path,
                    const struct sio_raw_handler *handler, void *app);
void sio_raw_send(struct eio_conn *conn, struct slice data, bool binary);

/* ---- Namespaces and sockets ------------------------------------------------------------------ */

/* An event from a client. */
struct sio_event {
    struct slice name; /* the name's JSON string content, quotes off, escapes as sent */
    struct slice args; /* what follows the name, raw JSON: "" or "{...},1"; borrowed */
    bool wants_ack;
    uint64_t ack_id;
};

struct sio_namespace_handler {
    /* A client wants in.  `auth` is a JSON object or empty, borrowed.  The application answers now
     * or later, exactly once, with accept, refuse or close; until then no event is delivered. */
    void (*connect)(void *app, struct sio_socket *socket, void *conn_data, struct slice auth);
    /* Only for accepted sockets. */
    void (*event)(void *app, struct sio_socket *socket, const struct sio_event *event);
    /* The socket is gone: exactly once for each `connect` that was not refused, whether it had been
     * answered or not.  Emitting to it does nothing any more.  Never called from inside a call that
     * the application makes (except sio_server_close_all and sio_server_free): what it asks for
     * happens at the end of the turn of the loop, though the socket counts as gone at once. */
    void (*disconnect)(void *app, struct sio_socket *socket, enum sio_reason reason);
};

/* Opens a namespace ("/", "/custom").  A client that asks for another gets "Invalid namespace". */
struct sio_namespace *sio_namespace_open(struct sio_server *server, const char *name,
                                         const struct sio_namespace_handler *handler, void *app);

/* Sends CONNECT with a new public id.  False when the socket is gone already. */
bool sio_socket_accept(struct sio_socket *socket);
/* Sends CONNECT_ERROR: `message` and `data_json` (raw JSON, may be empty).  Clients do not try
 * again by themselves after it.  The connection stays; the socket is gone. */
void sio_socket_refuse(struct sio_socket *socket, struct slice message, struct slice data_json);
/* Sends DISCONNECT behind everything emitted before; clients do not come back by themselves.  With
 * `close`, the connection is closed after it. */
void sio_socket_disconnect(struct sio_socket *socket, bool close);
/* Closes the whole connection behind everything emitted before, without DISCONNECT: clients come
 * back by themselves.  `code` is the WebSocket close code, 0 for none. */
void sio_socket_close(struct sio_socket *socket, uint16_t code);

bool sio_socket_is_open(const struct sio_socket *socket); /* accepted and not gone */
/* The application's own pointer. */
void sio_socket_set_data(struct sio_socket *socket, void *data);
void *sio_socket_data(const struct sio_socket *socket);

/* A socket lives until it is gone and its last reference is dropped.  The application holds a
 * reference while an answer is outstanding, so that it never emits to freed memory. */
void sio_socket_ref(struct sio_socket *socket);
void sio_socket_unref(struct sio_socket *socket);

/* ---- Sending --------------------------------------------------------------------------------- */

/* Encodes an event once for any number of receivers.  `name` needs no escaping and is not reserved
 * (checked by assert: it is our own literal); `args_json` is the raw JSON of the arguments behind
 * the name, or empty.  The caller owns one reference. */
struct sio_frame *sio_event_frame(struct sio_namespace *nsp, struct slice name,
                                  struct slice args_json);
struct sio_frame *sio_frame_ref(struct sio_frame *frame);
void sio_frame_unref(struct sio_frame *frame);
size_t sio_frame_size(const struct sio_frame *frame);

/* Queues a frame; it leaves at the end of this turn of the loop.  Takes its own reference.  Above
 * queue_max_bytes the connection is closed (SIO_SLOW). */
void sio_socket_emit(struct sio_socket *socket, struct sio_frame *frame);
/* Answers an event that wanted an ack; args_json as above. */
void sio_socket_ack(struct sio_socket *socket, uint64_t ack_id, struct slice args_json);
/* Bytes waiting for this socket's connection. */
size_t sio_socket_queued(const struct sio_socket *socket);

#endif
