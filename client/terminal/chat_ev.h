/* chat_ev.h - signs in, runs a client on the loop until it is over, signs out
 *
 * What is shown, and what the user does, is a front's: pipe_ev.c for scripts, tui_ev.c for people.
 */
#ifndef PARLEY_TERMINAL_CHAT_EV_H
#define PARLEY_TERMINAL_CHAT_EV_H

#include "client/terminal/client.h"
#include "client/terminal/url.h"
#include <ev.h>

struct chat;

struct chat_front {
    struct client_view view;
    /* Signed in; from now on the view is called.  False: it cannot work (it has said why). */
    bool (*start)(void *ctx, struct chat *chat);
    /* Before the loop waits: time for what was put off. */
    void (*turn)(void *ctx);
    /* The loop has ended, for whatever reason; comes once if start was called. */
    void (*stop)(void *ctx);
};

struct chat_config {
    struct url url;
    const char *cafile;
    const char *name;
    struct own_policy own;
    uint64_t give_up_ms;
};

/* Runs until it is over.  What went wrong is told on standard error, in words. */
enum exit_code chat_run(const struct chat_config *config, const struct chat_front *front,
                        void *ctx);

/* For fronts: */
struct ev_loop *chat_loop(const struct chat *chat);
struct client *chat_client(const struct chat *chat);
/* Signs out, and ends with that code once that is done, or has taken too long. */
void chat_quit(struct chat *chat, enum exit_code code);

#endif
