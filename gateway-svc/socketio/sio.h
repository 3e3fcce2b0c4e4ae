/* sio.h - a Socket.IO server (Socket.IO protocol 5 over Engine.IO protocol 4) on a libev loop
 *
 * The whole public contract of this folder.  The server knows packets, sessions, transports and
 * namespaces; what events mean is the application's business.  It knows nothing of chat or Redis.
 *
 *     struct sio_config config;
 *     sio_config_defaults(&config);                                        what to change: change
 *     struct sio_server *server = sio_server_new(loop, &config, &server_handler, app);
 *     struct sio_namespace *root = sio_namespace_open(server, "/", &handler, app);
 *     ev_run(loop, 0);                    clients come: handler.connect, .event, .disconnect
 *     sio_server_free(server);
 *
 * One loop, one thread: every function is called from the loop's thread, every callback comes from
 * it and must not block.  What is emitted during one turn of the loop leaves at its end, with one
 * system call for 64 connections where there is io_uring, else with one for each.
 *
 * Bytes are borrowed (struct slice): what a callback is given is gone when it returns, what a
 * function is given is copied before it returns, unless it says otherwise.  "Raw JSON" is text that
 * is sent as it is: it must be valid.  What comes from clients has been checked, and may be sent
 * on.
 *
 * A peer can not make it fail: whoever breaks the protocol or a limit is closed.  An assert stands
 * for a mistake of the application.  When memory runs out for an object that everything depends on,
 * the program ends (abort) after a line in the log.
 *
 * Protocols: https://github.com/socketio/engine.io-protocol (v4),
 *            https://github.com/socketio/socket.io-protocol (v5), RFC 6455. */
#ifndef PARLEY_SIO_H
#define PARLEY_SIO_H

#include "shared/slice.h"

struct ev_loop;
struct sio_server;
struct sio_server_handler; /* who may connect, see below */
struct sio_namespace;
struct sio_socket; /* one client in one namespace */
struct sio_frame;  /* an encoded packet, shared by all its receivers */

/* ---- The server ------------------------------------------------------------------------------ */

/* Always filled by sio_config_defaults first: zero is no good value for most fields.  Copied by
 * sio_server_new; the texts are borrowed for the server's life. */
struct sio_config {
    const char *host; /* to listen on: "127.0.0.1"; a name, an IPv4 or IPv6 address */
    uint16_t port;    /* 3000; not 0 */
    const char *path; /* "/socket.io/": begins and ends with '/'; served without the last one too */
    bool polling;     /* true: long-polling is served */
    bool websocket;   /* true: WebSocket is served */
    uint32_t ping_interval_ms; /* 25000 between heartbeats, up to 20 ms more */
    uint32_t ping_timeout_ms;  /* 20000 to answer one, or the connection is closed */
    uint32_t max_payload;     /* 1000000 bytes of one message from a client; of a binary event, with
                                 all its attachments; of one POST */
    uint32_t queue_max_bytes; /* 1048576 waiting for one client; above it is closed, code 4008 */
    const char *origins;      /* which web pages may connect.  NULL: any, and no CORS headers.
                                 "*": any, and told so.  Else those of the request's own origin and
                                 these, with commas ("https://a.example,https://b.example:8443");
                                 others get 403 and code 4, on both transports */

    /* Rarely changed. */
    uint32_t connect_timeout_ms; /* 45000: to join a first namespace */
    uint32_t upgrade_timeout_ms; /* 10000: for a WebSocket to take over from polling */
    uint32_t ack_timeout_ms;     /* 10000: for a client to answer sio_socket_ask */
    uint32_t max_fragments;      /* 1024 frames of one message, 16,777,214 at most */
    uint32_t max_namespaces;     /* 8 joined by one connection, 32 at most */
    bool allow_upgrades;         /* true: a polling connection may become a WebSocket */
    bool io_uring;               /* true: used where the kernel lets us have it */
    bool trust_forwarded;     /* false.  True behind a proxy that sets it: X-Forwarded-Proto tells
                                 the scheme that the client used */
    bool credentials;         /* false.  CORS: with cookies; not together with "*" */
    const char *cors_methods; /* "GET,HEAD,PUT,PATCH,POST,DELETE" */
    const char *cors_headers; /* NULL: whatever a preflight asks for */
    const char *cors_expose;  /* NULL: none */
    uint32_t cors_max_age_s;  /* 0: not said */
    const char *node;         /* NULL: alone.  Else this server's name in its sids: 1 to 48 of
                                 [A-Za-z0-9._-], see `find` */
};
/* The official defaults, and ours where there is none: those above. */
void sio_config_defaults(struct sio_config *config);

/* Listens.  NULL when it cannot, or something in `config` cannot be; the log says why.  `handler`
 * and `app`, which all its callbacks are given, are borrowed for the server's life.  Before the
 * loop runs, open namespaces.  From here on the process ignores SIGPIPE, and may have 65,536 files
 * open at most.
 *
 * libwebsockets loads its support of libev at run time: in Debian, package libwebsockets-evlib-ev.
 */
struct sio_server *sio_server_new(struct ev_loop *loop, const struct sio_config *config,
                                  const struct sio_server_handler *handler, void *app);
/* The first step of leaving others the work: from now on new connections get 503, so that whoever
 * balances the load asks another server, while those that are here go on.  Then close them one by
 * one (sio_socket_close, sio_server_close_carried) at a pace that the others can take, and the rest
 * with sio_server_close_all. */
void sio_server_refuse_new(struct sio_server *server);
/* WebSockets that are carried through this server to the one that has their connection (see `find`
 * in struct sio_server_handler): how many there are, and closes up to `count` of them. */
size_t sio_server_carried(const struct sio_server *server);
void sio_server_close_carried(struct sio_server *server, size_t count);
/* Closes the connections without a Socket.IO DISCONNECT, so that clients come back elsewhere, and
 * accepts no more.  Disconnect callbacks come before it returns.  Run the loop a little longer and
 * slow clients hear of it too.  Not from a callback of this server. */
void sio_server_close_all(struct sio_server *server);
/* The same, and frees everything but sockets of which a reference is held.  Not from a callback of
 * this server; the loop must still exist.  NULL is allowed. */
void sio_server_free(struct sio_server *server);

/* What the server has to say goes to stderr, one line each: errors that keep it from working, and
 * why it closed connections (10 a second at most).  `program` stands in each line ("parley" until
 * then) and is borrowed for ever; lines above `level` are left out.  For the whole process. */
enum sio_log_level { SIO_LOG_ERROR, SIO_LOG_WARN, SIO_LOG_INFO, SIO_LOG_DEBUG };
void sio_log(const char *program, enum sio_log_level level);

/* ---- The ends of a connection ---------------------------------------------------------------- */

/* Why a socket is gone; the names are the official ones. */
enum sio_reason {
    SIO_TRANSPORT_CLOSE = 0, /* the peer closed, or the network did */
    SIO_TRANSPORT_ERROR,
    SIO_PING_TIMEOUT,
    SIO_PARSE_ERROR,       /* bytes that are no packet, or a packet that is not allowed now */
    SIO_CLIENT_DISCONNECT, /* the client left the namespace */
    SIO_SERVER_DISCONNECT, /* sio_socket_disconnect */
    SIO_SERVER_CLOSE,      /* sio_socket_close */
    SIO_SERVER_SHUTDOWN,   /* sio_server_close_all */
    SIO_TOO_LARGE,         /* a message above max_payload or max_fragments */
    SIO_SLOW,              /* queue_max_bytes exceeded, or a frame waited for 30 s and more */
    SIO_CONNECT_TIMEOUT,
    SIO_REASONS
};
const char *sio_reason_name(enum sio_reason reason); /* "transport close"; a literal */

/* ---- Namespaces ------------------------------------------------------------------------------ */

/* An event from a client.  Everything is borrowed. */
struct sio_event {
    struct slice name; /* the name's JSON string content, quotes off, with no more escapes than JSON
                          demands, whatever the client wrote; one that is a number as sent.  Never
                          one of the reserved names */
    struct slice args; /* what follows the name, raw JSON: "" or "{...},1" */
    bool wants_ack;    /* then answer, at most once, now or later, with sio_socket_ack */
    uint64_t ack_id;
    const struct slice *data; /* its binary attachments; `args` holds
                                 {"_placeholder":true,"num":i} where the i-th belongs */
    size_t data_count;        /* 0 to SIO_DATA_MAX */
};
#define SIO_DATA_MAX 10

struct sio_namespace_handler {
    /* A client wants in.  `auth` is a JSON object or empty, borrowed; `conn_data` is from `allow`,
     * or NULL.  The application answers now or later, exactly once, with accept, refuse or close;
     * until then no event is delivered. */
    void (*connect)(void *app, struct sio_socket *socket, void *conn_data, struct slice auth);
    /* Only for accepted sockets, in the order in which the client sent them. */
    void (*event)(void *app, struct sio_socket *socket, const struct sio_event *event);
    /* The socket is gone: exactly once for each `connect` that was not refused, whether it had been
     * answered or not.  Emitting to it does nothing any more.  Never called from inside a call that
     * the application makes (except sio_server_close_all and sio_server_free): what it asks for
     * happens at the end of the turn of the loop, though the socket counts as gone at once.  May be
     * NULL. */
    void (*disconnect)(void *app, struct sio_socket *socket, enum sio_reason reason);
    /* What sio_socket_when_drained asked for.  Comes at the end of a turn of the loop.  May be
     * NULL.
     */
    void (*drained)(void *app, struct sio_socket *socket);
};

/* Opens a namespace, for the server's life: "/", "/custom"; the name begins with '/', has no comma,
 * and is copied.  At most 32, each once.  `handler` and `app` are borrowed.  A client that asks for
 * another gets the error "Invalid namespace". */
struct sio_namespace *sio_namespace_open(struct sio_server *server, const char *name,
                                         const struct sio_namespace_handler *handler, void *app);

/* ---- Sockets --------------------------------------------------------------------------------- */

/* Lets the client in: sends CONNECT with a new public id.  False when it is gone already, or was
 * answered before. */
bool sio_socket_accept(struct sio_socket *socket);
/* Sends CONNECT_ERROR: `message`, a text (UTF-8), and `data_json`, raw JSON, may be empty.  Clients
 * do not try again by themselves after it.  The connection stays, up to 16 refusals; the socket is
 * gone, and freed unless a reference is held.  Nothing when it is gone or was answered. */
void sio_socket_refuse(struct sio_socket *socket, struct slice message, struct slice data_json);
/* Sends DISCONNECT behind everything emitted before; clients do not come back by themselves.  With
 * `close`, to every namespace that the client has joined, and the connection is closed after it. */
void sio_socket_disconnect(struct sio_socket *socket, bool close);
/* Closes the whole connection behind everything emitted before, without DISCONNECT: clients come
 * back by themselves.  `code` is the WebSocket close code, 0 for none. */
void sio_socket_close(struct sio_socket *socket, uint16_t code);

bool sio_socket_is_open(const struct sio_socket *socket); /* accepted and not gone */
/* The application's own pointer; NULL at first. */
void sio_socket_set_data(struct sio_socket *socket, void *data);
void *sio_socket_data(const struct sio_socket *socket);
/* Bytes waiting for this socket's connection; 0 when it is gone. */
size_t sio_socket_queued(const struct sio_socket *socket);

/* A socket lives until it is gone and its last reference is dropped; the server holds one until
 * `disconnect` has returned.  Whoever keeps a socket for longer, such as over a question to a
 * database, holds a reference, so that it never emits to freed memory: on one that is gone every
 * function does nothing. */
void sio_socket_ref(struct sio_socket *socket);
void sio_socket_unref(struct sio_socket *socket); /* NULL is allowed */

/* ---- Sending --------------------------------------------------------------------------------- */

/* Encodes an event once for any number of receivers, all of that namespace.  `name` needs no
 * escaping and is not reserved (checked by assert: it is our own literal); `args_json` is the raw
 * JSON of the arguments behind the name, as in struct sio_event: "" or "1" or "{...},[...]".  The
 * caller owns one reference. */
struct sio_frame *sio_event_frame(struct sio_namespace *nsp, struct slice name,
                                  struct slice args_json);
/* The same with binary attachments, at most SIO_DATA_MAX (checked by assert): official clients give
 * up a connection that sends more in one packet.  args_json holds their placeholders, see struct
 * sio_event.  With `count` 0 it is the plain one. */
struct sio_frame *sio_event_frame_data(struct sio_namespace *nsp, struct slice name,
                                       struct slice args_json, const struct slice *data,
                                       size_t count);
struct sio_frame *sio_frame_ref(struct sio_frame *frame); /* returns `frame` */
void sio_frame_unref(struct sio_frame *frame);            /* NULL is allowed */
size_t sio_frame_size(const struct sio_frame *frame);     /* bytes on the wire, over WebSocket */

/* Queues a frame; it leaves at the end of this turn of the loop.  Takes its own reference.  Frames
 * arrive in the order of the calls.  Above queue_max_bytes the connection is closed (SIO_SLOW).
 * Nothing when the socket is not open. */
void sio_socket_emit(struct sio_socket *socket, struct sio_frame *frame);

/* For whoever has much to send and sends it piece by piece: asks for one `drained`, which comes
 * when no more than SIO_DRAINED bytes wait for the socket's connection, at the end of this turn if
 * that is so already.  Nothing when the socket is not open, and none comes once it is gone. */
#define SIO_DRAINED 65536
void sio_socket_when_drained(struct sio_socket *socket);

/* Answers an event that wanted an ack; args_json as above, also the attachments. */
void sio_socket_ack(struct sio_socket *socket, uint64_t ack_id, struct slice args_json);
void sio_socket_ack_data(struct sio_socket *socket, uint64_t ack_id, struct slice args_json,
                         const struct slice *data, size_t count);

/* What a client answers to an event of ours; borrowed. */
struct sio_answer {
    struct slice args; /* raw JSON, and */
    const struct slice *data;
    size_t data_count; /* as in struct sio_event */
};
/* `answer` is NULL when none came within ack_timeout_ms, or the socket has gone: then it comes
 * before `disconnect`. */
typedef void sio_ack_fn(void *arg, struct sio_socket *socket, const struct sio_answer *answer);
/* Emits an event that asks for an answer; `fn` is called exactly once, never from inside.  False,
 * and `fn` is not called, when the socket is not open or SIO_ACKS_MAX answers are outstanding. */
#define SIO_ACKS_MAX 256
bool sio_socket_ask(struct sio_socket *socket, struct slice name, struct slice args_json,
                    sio_ack_fn *fn, void *arg);

/* ---- Who may connect ------------------------------------------------------------------------- */

/* An HTTP request that wants to become a connection; borrowed for the length of the callback. */
struct sio_request;
/* A header by its name, without regard to case ("Cookie"); of several of that name the last.  Empty
 * when absent. */
struct slice sio_request_header(struct sio_request *req, const char *name);
struct slice sio_request_scheme(struct sio_request *req); /* "http"; "https": see trust_forwarded */
struct slice sio_request_query(struct sio_request *req);  /* raw, without '?' */
struct slice sio_request_peer(struct sio_request *req);   /* numeric address of the TCP peer */

struct sio_lookup; /* a question that waits for its answer */

/* What a plain HTTP GET is answered with. */
struct sio_page {
    const char *type;  /* of the content; a literal.  Plain text, unless it is set */
    struct slice body; /* borrowed until the next such request, or the server's end */
};

/* Each may be NULL; all NULL ({0}) is a server that lets everybody in. */
struct sio_server_handler {
    /* May this request connect?  NULL: yes.  Otherwise the text of the refusal (a literal): the
     * client gets 403 and Engine.IO error code 4.  *conn_data, NULL unless set here, is handed to
     * the `connect` of each namespace that the connection joins, and to `closed`. */
    const char *(*allow)(void *app, struct sio_request *req, void **conn_data);
    /* The connection is gone, or never came about after it was allowed: the place to free
     * conn_data.  Behind the `disconnect` of its sockets. */
    void (*closed)(void *app, void *conn_data);
    /* Answers a plain HTTP GET on the port of sio_server_http_port, for example /readyz; the
     * clients' port answers 404 to all but `path`.  Fills `page`, returns the status. */
    unsigned (*http)(void *app, struct slice path, struct sio_page *page);
    /* Several servers, each with its own `node` (struct sio_config), can serve as one: a request
     * that names a connection of another is carried there, so that no load balancer has to send a
     * client to the same server twice.  (One that can saves that way: the answer to a polling
     * handshake names the node, in X-Parley-Node.)  Where does that node listen for clients?
     * Answered now or later, exactly once, with sio_lookup_answer, also when the server has been
     * freed meanwhile.  `node` comes from a client: of the right letters and length, no more.
     * NULL: this server is alone. */
    void (*find)(void *app, struct slice node, struct sio_lookup *lookup);
};
/* `host` is a numeric address; NULL: there is no such node, and the client learns that its
 * connection is unknown. */
void sio_lookup_answer(struct sio_lookup *lookup, const char *host, uint16_t port);

/* ---- Beside Socket.IO ------------------------------------------------------------------------ */

/* Adds a second port on which only `http` is answered; for health checks.  Once.  False when it
 * cannot listen; the log says why. */
bool sio_server_http_port(struct sio_server *server, const char *host, uint16_t port);

/* Why a request was refused.  The first six are the codes of Engine.IO. */
enum sio_refusal {
    SIO_REFUSED_TRANSPORT = 0, /* a transport that is unknown or not served */
    SIO_REFUSED_SID,           /* no such connection */
    SIO_REFUSED_METHOD,
    SIO_REFUSED_REQUEST,   /* not possible on that connection, or not now */
    SIO_REFUSED_FORBIDDEN, /* `origins`, or `allow` */
    SIO_REFUSED_VERSION,   /* not Engine.IO 4 */
    SIO_REFUSED_HANDSHAKE, /* no correct handshake of a WebSocket */
    SIO_REFUSED_CLOSING,   /* sio_server_refuse_new or sio_server_close_all was called */
    SIO_REFUSED_HTTP,      /* no HTTP that we read, or too slow */
    SIO_REFUSALS
};
const char *sio_refusal_name(enum sio_refusal refusal); /* "unknown sid"; a literal */

/* Serves a file under the path: `name` "socket.io.min.js" at /socket.io/socket.io.min.js, with ETag
 * and 304; a page that may connect may read it too.  Everything is borrowed for the server's life,
 * and the body is sent from where it lies: no client, however slow, costs a copy.  Files and pages
 * together at most 64 (checked by assert). */
void sio_server_file(struct sio_server *server, const char *name, const char *type,
                     struct slice body);
/* The same at a whole path of the clients' port, "/" or "/web/app.js", for GET and HEAD: for a web
 * page of yours.  `path` begins with '/' (checked by assert) and means what is written, nothing of
 * a request is decoded.  The answer says Cache-Control: no-cache, so that browsers ask each time
 * and mostly get a 304, X-Content-Type-Options: nosniff, and `headers`: further header lines, each
 * with its "\r\n", or "".  It has no CORS headers: other origins' pages cannot read it. */
void sio_server_page(struct sio_server *server, const char *path, const char *type,
                     const char *headers, struct slice body);

struct sio_stats {
    uint64_t connections;           /* open now */
    uint64_t polling;               /* of these, the ones that long-polling carries */
    uint64_t accepted;              /* ever */
    uint64_t upgraded;              /* ever: from long-polling to WebSocket */
    uint64_t packets_in;            /* Socket.IO packets received */
    uint64_t frames_out;            /* frames handed to the kernel */
    uint64_t bytes_out;             /* of these, without HTTP heads and base64 */
    uint64_t queued_bytes;          /* waiting in all queues */
    uint64_t closed[SIO_REASONS];   /* ever, by enum sio_reason */
    uint64_t refused[SIO_REFUSALS]; /* requests ever, by enum sio_refusal */
    uint64_t carried[3]; /* requests carried to another server ever: GET, POST, WebSocket */
};
const struct sio_stats *sio_server_stats(const struct sio_server *server); /* always current */

/* ---- Engine.IO without Socket.IO ------------------------------------------------------------- */

/* A connection to a raw path: messages without events, namespaces and acks. */
struct eio_conn;

struct sio_raw_handler { /* all three are needed */
    void (*open)(void *app, struct eio_conn *conn);
    void (*message)(void *app, struct eio_conn *conn, struct slice data, bool binary);
    /* Exactly once for each `open`; `conn` is gone when it returns. */
    void (*closed)(void *app, struct eio_conn *conn, enum sio_reason reason);
};
/* Serves raw Engine.IO on a second path ("/engine.io/", written as `path` of the configuration) of
 * the same port.  Everything is borrowed for the server's life. */
void sio_server_raw(struct sio_server *server, const char *path,
                    const struct sio_raw_handler *handler, void *app);
/* Text must be UTF-8.  Queued as by sio_socket_emit; nothing when the connection is closing. */
void sio_raw_send(struct eio_conn *conn, struct slice data, bool binary);

#endif
