/* redis_conn.h - one asynchronous connection to Redis that comes back by itself (over hiredis)
 *
 * A host name is looked up for each attempt, without stopping the loop; of several addresses one is
 * tried per attempt, in turn.  hiredis 0.14 has no timeouts of its own in asynchronous mode:
 * connecting, and the oldest unanswered command, are timed here.  When either time is up, or the
 * peer closes, the connection is dropped, every unanswered command gets a NULL reply (its outcome
 * is unknown), `down` is called, and after a back-off with jitter a new connection is made.  A late
 * reply can therefore never be taken for the answer to another command.
 *
 * Only a master will do: its role is asked at connecting and, with idle_ask_ms, from time to time.
 * With sentinels (redis_sentinel.h) the master's address is asked for anew at each attempt.  Loop
 * thread only. */
#ifndef PARLEY_REDIS_CONN_H
#define PARLEY_REDIS_CONN_H

#include "shared/resolver_ev.h"
#include "shared/slice.h"

struct ev_loop;
struct redis_conn;
struct redis_sentinels;
struct redis_reply; /* borrowed for the length of the callback */

struct redis_conn_config {
    const char *url;             /* redis://[user[:password]@]host[:port] or
                                    unix://[user[:password]@]/path/to/socket */
    const char *name;            /* CLIENT SETNAME, for operators; [a-z0-9.-]+ */
    uint32_t connect_timeout_ms; /* from looking the host name up to the first answer */
    uint32_t command_timeout_ms; /* age of the oldest unanswered command */
    uint32_t backoff_min_ms;     /* wait before the first new attempt; doubled each time ... */
    uint32_t backoff_max_ms; /* ... up to this, each with +-50 % jitter, never above it; it begins
                                anew once a connection has lasted for this long */
    uint32_t idle_ask_ms;    /* ROLE when nothing was sent for so long; 0: never */
    resolver_lookup_fn *lookup; /* of host names; NULL: getaddrinfo */
    /* NULL: the Redis of `url` itself.  Read by redis_conn_new. */
    const struct redis_sentinels *sentinels;
};

struct redis_conn_handler {
    /* Connected to a master, authenticated and named; commands may be sent. */
    void (*up)(void *ctx);
    /* No longer (or a new attempt failed); unanswered commands have had their NULL reply. */
    void (*down)(void *ctx, const char *why);
};

/* reply NULL: no answer came, the command may or may not have been executed. */
typedef void redis_reply_fn(void *arg, const struct redis_reply *reply);
typedef void redis_message_fn(void *ctx, struct slice channel, struct slice payload);

/* Starts connecting at once.  Strings in `config` are borrowed for the connection's life, but for
 * the url, which is read here. */
struct redis_conn *redis_conn_new(struct ev_loop *loop, const struct redis_conn_config *config,
                                  const struct redis_conn_handler *handler, void *ctx);
/* Unanswered commands get their NULL reply; `down` is not called. */
void redis_conn_free(struct redis_conn *conn);

bool redis_conn_is_up(const struct redis_conn *conn);
/* The numeric address of our end of the connection, at which whoever shares a network with Redis
 * reaches this machine; 127.0.0.1 over a unix socket.  False while it is not up. */
#define REDIS_CONN_HOST_MAX 45 /* the longest IPv6 address */
bool redis_conn_local_host(const struct redis_conn *conn, char host[REDIS_CONN_HOST_MAX + 1]);
/* Drops the connection, or the attempt, now and makes a new one after the back-off; calls `down`
 * before it returns.  Nothing happens while the back-off runs.  For a peer that answers nonsense,
 * or a link that its owner no longer trusts. */
void redis_conn_reset(struct redis_conn *conn, const char *why);

/* Sends a command; arguments are copied.  False when the connection is not up, or too many
 * commands wait that Redis has not taken, 8 to 16 MiB (what it took of them counts until it is
 * half): `fn` is not called.  `fn` may be NULL. */
bool redis_conn_send(struct redis_conn *conn, const struct slice *argv, size_t argc,
                     redis_reply_fn *fn, void *arg);
/* Subscribes this connection, from then on for nothing else (no redis_conn_send, no idle question),
 * to channels or, with `patterns`, to patterns; to be called again after each `up`.  At most 8. */
bool redis_conn_subscribe(struct redis_conn *conn, const struct slice *channels, size_t count,
                          bool patterns, redis_message_fn *fn, void *ctx);

/* Reading replies.  Bytes from Redis are not trusted either: every accessor answers a wrong shape
 * with an empty value. */
bool redis_reply_is_error(const struct redis_reply *reply, const char *starts_with);
struct slice redis_reply_text(const struct redis_reply *reply); /* string, status or error */
size_t redis_reply_count(const struct redis_reply *reply);      /* of an array, else 0 */
const struct redis_reply *redis_reply_at(const struct redis_reply *reply,
                                         size_t index); /* or NULL */
/* Shorthands on an array's item: */
struct slice redis_reply_text_at(const struct redis_reply *reply, size_t index);
/* Integer, or text of digits; 0 when it is neither. */
uint64_t redis_reply_u64_at(const struct redis_reply *reply, size_t index);

#endif
