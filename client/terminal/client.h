/* client.h - somebody who chats: from the token to the end of the session; pure
 *
 *     connecting -> online       the session was accepted
 *     connecting -> waiting      no connection came about
 *     online -> waiting          it was lost
 *     waiting -> connecting      the back-off is over
 *     any -> ended               the session is over, refused for good, or given up
 *
 * It asks the network for a WebSocket and is told what becomes of it; the view is told what is to
 * be shown.  Times are arguments. */
#ifndef PARLEY_TERMINAL_CLIENT_H
#define PARLEY_TERMINAL_CLIENT_H

#include "client/terminal/chat_event.h"
#include "client/terminal/own.h"
#include "client/terminal/people.h"
#include "client/terminal/words.h"

enum client_state { CLIENT_CONNECTING, CLIENT_ONLINE, CLIENT_WAITING, CLIENT_ENDED };

struct client_net {
    void (*connect)(void *ctx);                 /* then client_opened or client_closed */
    void (*send)(void *ctx, struct slice text); /* a text message */
    void (*close)(void *ctx);                   /* at once, without a word to client_closed */
};

struct client_view {
    void (*state)(void *ctx);                                 /* ask client_state and the like */
    void (*message)(void *ctx, const struct chat_message *m); /* none of these own ones */
    void (*own)(void *ctx, const struct own *own);            /* its new state */
    void (*person)(void *ctx, const char *name, bool joined); /* after the first list */
    void (*people)(void *ctx);                                /* the list has changed */
    void (*missed)(void *ctx); /* after a reconnect, messages may be missing */
    void (*ended)(void *ctx, enum exit_code code, const char *words); /* the last call */
};

struct client_config {
    const char *name;
    const char *token;
    struct own_policy own;
    uint64_t give_up_ms;   /* without a connection, and it ends; 0: never */
    const char *id_prefix; /* see own_new */
};

struct client;

/* Strings of the config are copied; the rest is borrowed.  client_start asks for the first
 * connection. */
struct client *client_new(const struct client_config *config, const struct client_net *net,
                          const struct client_view *view, void *net_ctx, void *view_ctx);
void client_free(struct client *c);
void client_start(struct client *c, uint64_t now_ms);

/* From the network: the WebSocket is open; a message came; it is gone, or none came about. */
void client_opened(struct client *c, uint64_t now_ms);
void client_text(struct client *c, struct slice text, uint64_t now_ms);
void client_binary(struct client *c, uint64_t now_ms);
void client_closed(struct client *c, struct slice why, uint64_t now_ms);

/* Says something, written at `unix_ms`; the number of the message, or 0: too many wait already. */
uint64_t client_say(struct client *c, struct slice receiver, struct slice text, uint64_t now_ms,
                    uint64_t unix_ms);
size_t client_retry(struct client *c, uint64_t now_ms);

/* Does what is due; and when something will be (UINT64_MAX: nothing by itself).  `random` makes
 * back-offs differ. */
void client_tick(struct client *c, uint64_t now_ms, uint32_t random);
uint64_t client_due_ms(const struct client *c);

enum client_state client_state(const struct client *c);
const char *client_name(const struct client *c);
/* While waiting: when the next attempt is, and why there was none or it ended, in words. */
uint64_t client_attempt_ms(const struct client *c);
const char *client_why(const struct client *c);
const struct people *client_people(const struct client *c);
size_t client_unsent(const struct client *c);

#endif
