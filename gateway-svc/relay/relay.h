/* relay.h - the gateway's half of the rules in Redis: sessions attached here, messages in and out
 *
 * Keeps the link (link.h), attaches and detaches sessions, sends, and receives from the three
 * channels.  Knows neither sockets nor what clients are told.  Loop thread only. */
#ifndef PARLEY_RELAY_H
#define PARLEY_RELAY_H

#include "gateway-svc/relay/link.h"
#include "gateway-svc/relay/page.h"
#include "gateway-svc/relay/sessions.h"
#include "gateway-svc/relay/where.h"
#include "shared/metrics.h"

struct ev_loop;
struct redis_sentinels;
struct relay;

struct relay_config {
    const char *redis_url;
    const struct redis_sentinels *sentinels; /* NULL: none */
    const char *key_prefix;
    const char *gateway_id; /* unique for this process's life: [A-Za-z0-9._-]+ */
    const char *address;    /* host:port at which other gateways reach this one; NULL: our end of
                               the connection to Redis, and `port` */
    uint16_t port;
    uint64_t grace_ms;
    uint64_t lease_ms;
    uint64_t keep_ms;   /* for so long a message is kept for who comes back: the time in which a
                           silent client is noticed, and the grace period */
    size_t queue_bytes; /* what may wait for a client: no more of what was missed comes at once */
};

enum relay_refusal {
    RELAY_UNKNOWN,    /* no such session, or it has ended: for good */
    RELAY_UNAVAILABLE /* Redis settles, or its answer never came: try again */
};

#define RELAY_WAS_HERE UINT64_MAX

enum relay_sent {
    RELAY_SENT_OK = 0,
    RELAY_SENT_DUP, /* accepted before under this client_id */
    RELAY_SENT_NO_SUCH_USER,
    RELAY_SENT_CONFLICT,   /* client_id was used for another message */
    RELAY_SENT_ENDED,      /* the session has ended */
    RELAY_SENT_UNAVAILABLE /* not accepted, or nobody knows */
};
/* message_id, and for RELAY_SENT_DUP the first message as JSON (borrowed). */
typedef void relay_sent_fn(void *arg, enum relay_sent sent, uint64_t message_id, struct slice json);

struct relay_handler {
    /* The session is attached, for the first time or again.  `left`: it has missed what came after
     * this id, because its user was away, in the grace period, or messages were quicker than the
     * answer; RELAY_WAS_HERE: it has missed nothing. */
    void (*attached)(void *app, struct session *s, uint64_t left);
    /* It is not, or no longer; the session is freed when this returns. */
    void (*refused)(void *app, struct session *s, enum relay_refusal why);
    /* It has ended (code: logged_out, kicked, session_expired); freed when this returns. */
    void (*ended)(void *app, struct session *s, struct slice code);
    /* A message.  receiver NULL: for the group, or the receiver is not here; sender NULL: not here.
     * Only attached sessions are given.  Each session gets ids that rise.  A message that was
     * missed on its way and fetched comes like any other, though to its receiver and its sender
     * with one call for each. */
    void (*message)(void *app, const struct bus_message *m, struct session *receiver,
                    struct session *sender);
    /* Messages for this session, or for everybody (NULL), are lost: nobody has them any more.
     * `upto`: their ids are not above this.  (Whoever has asked by relay_replay what came behind
     * his last message, and was answered from behind `upto`, has heard of it from the pages.)
     * First for single sessions, with all that is lost for them, then for everybody. */
    void (*lost)(void *app, struct session *s, uint64_t upto);
    /* Everybody missed too much to be fetched for all at once: whoever is here must ask for what
     * came after his last message, with relay_replay. */
    void (*behind)(void *app);
    /* The list of users: whole (names, then end), or one change; see roster.h.  `change` returns
     * false when something is missing before it. */
    void (*roster_begin)(void *app);
    void (*roster_name)(void *app, struct slice shown);
    void (*roster_end)(void *app, struct slice epoch, uint64_t version);
    bool (*roster_change)(void *app, struct slice epoch, uint64_t version, struct slice list);
    /* While Redis settles no leaves may be told. */
    void (*settling)(void *app, bool settling);
    uint64_t (*connections)(void *app); /* for gateway:<id> */
};

struct relay *relay_new(struct ev_loop *loop, const struct relay_config *config,
                        const struct relay_handler *handler, void *app);
/* Gives the lease back if the link is open (the command is sent; relay_free may follow after the
 * loop had a turn). */
void relay_leave(struct relay *r);
void relay_free(struct relay *r);

/* True while users are served: the link is up, the last nonce came back, and Redis takes calls.
 * Else `why` gets the reason, in one printable line. */
bool relay_is_ready(const struct relay *r, struct buf *why);

struct relay_stats {
    /* Ever: */
    uint64_t links;          /* that came up */
    uint64_t losses;         /* of a link */
    uint64_t epochs;         /* that Redis opened since we first heard of it */
    uint64_t own_holes;      /* stretches of the own channel that did not arrive */
    uint64_t group_holes;    /* the same of the channel of messages to the group */
    uint64_t fills;          /* of such holes, and of those between two links, from Redis */
    uint64_t bad_lines;      /* on our channels, but not ours: ignored */
    uint64_t refused;        /* sessions that clients showed and Redis did not know or not let in */
    struct histogram nonces; /* from asking Redis to publish on the own channel to its arrival */
    /* Now: */
    uint64_t sessions;           /* served here */
    uint64_t settling;           /* 1: Redis settles, as far as we know */
    uint64_t state[LINK_STATES]; /* 1 at the link's, else 0 */
};
const struct relay_stats *relay_stats(struct relay *r);
/* Through which it calls Redis. */
const struct functions *relay_functions(const struct relay *r);

/* Where that gateway listens for clients; see where.h. */
void relay_where(struct relay *r, struct slice gateway_id, where_fn *fn, void *arg);

/* The session of a token's hash, to be served here.  One that is here already is returned as it is
 * (see its `attached`); otherwise attaching begins, and `attached` or `refused` follows, never
 * before this returns.  NULL while the link is not open: try again later. */
struct session *relay_open(struct relay *r, struct slice hash);
/* Up to this id the attached session's messages have come, or were not for it, or are lost. */
uint64_t relay_given(const struct relay *r, const struct session *s);
/* Its last socket is gone, which had got everything up to this id; RELAY_WAS_HERE: everything that
 * was given to `message`.  Frees the session; Redis is told. */
void relay_close(struct relay *r, struct session *s, uint64_t upto);

/* Bytes of one message, all parts together: above what its longest text is as a JSON string. */
#define RELAY_MESSAGE_MAX ((size_t)512 << 10)

struct relay_text {
    struct slice to;        /* lower case, or "group" */
    struct slice client_id; /* JSON string, or empty */
    struct slice text;      /* JSON string */
};
/* Sends a message of an attached session, with all others of this turn of the loop; `fn` is called
 * exactly once if true is returned, also when the link breaks, and perhaps from inside.  False:
 * nothing was sent (unavailable, or above RELAY_MESSAGE_MAX). */
bool relay_send(struct relay *r, struct session *s, const struct relay_text *message,
                relay_sent_fn *fn, void *arg);

enum relay_page {
    RELAY_PAGE_OK,
    RELAY_PAGE_LOST,   /* the link broke: ask again when the session is attached again */
    RELAY_PAGE_REFUSED /* this will not do; trouble that passes, or the session has ended */
};
/* `page` is borrowed; NULL if it is not RELAY_PAGE_OK. */
typedef void relay_page_fn(void *arg, enum relay_page result, const struct page *page);
/* Asks for one page of what an attached session missed after that id, of the group and its own.
 * Whatever is published later comes by `message`, perhaps before the page does.  `fn` is called
 * exactly once if true is returned, never from inside.  False: nothing was asked. */
bool relay_replay(struct relay *r, const struct session *s, uint64_t after, relay_page_fn *fn,
                  void *arg);

#endif
