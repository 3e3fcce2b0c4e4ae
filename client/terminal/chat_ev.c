/* chat_ev.c - signs in, runs a client on the loop until it is over, signs out */
#include "client/terminal/chat_ev.h"
#include "client/terminal/net.h"
#include "shared/clock.h"
#include "shared/stop_ev.h"
#include "shared/token.h"
#include <stdio.h>

#define ID_PREFIX 12
#define LOGOUT_S 3.0
#define PATH_MAX_BYTES 128
#define WORDS_MAX 1024

struct chat {
    struct ev_loop *loop;
    struct net *net;
    struct client *client; /* NULL until we are signed in */
    const struct chat_config *config;
    const struct chat_front *front;
    void *front_ctx;
    char token[CHAT_TOKEN_MAX + 1];
    enum exit_code code;
    bool quitting;
    ev_prepare prepare;
    ev_timer due;
    ev_timer logout_limit;
    struct stop stop;
    struct buf words; /* for standard error */
};

struct ev_loop *chat_loop(const struct chat *chat)
{
    return chat->loop;
}

struct client *chat_client(const struct chat *chat)
{
    return chat->client;
}

/* ---- The network, for the client ------------------------------------------------------------- */

static void on_opened(void *ctx)
{
    struct chat *chat = ctx;
    client_opened(chat->client, clock_mono_ms());
}

static void on_text(void *ctx, struct slice text)
{
    struct chat *chat = ctx;
    client_text(chat->client, text, clock_mono_ms());
}

static void on_binary(void *ctx)
{
    struct chat *chat = ctx;
    client_binary(chat->client, clock_mono_ms());
}

static void on_closed(void *ctx, struct slice why)
{
    struct chat *chat = ctx;
    client_closed(chat->client, why, clock_mono_ms());
}

static void net_connect_ws(void *ctx)
{
    static const struct net_ws_events events = {on_opened, on_text, on_binary, on_closed};
    struct chat *chat = ctx;
    net_ws_connect(chat->net, &events, chat);
}

static void net_send(void *ctx, struct slice text)
{
    struct chat *chat = ctx;
    net_ws_send(chat->net, text);
}

static void net_close(void *ctx)
{
    struct chat *chat = ctx;
    net_ws_close(chat->net);
}

static const struct client_net client_net = {net_connect_ws, net_send, net_close};

/* ---- The end --------------------------------------------------------------------------------- */

static void finish(struct chat *chat)
{
    ev_break(chat->loop, EVBREAK_ALL);
}

static void on_ended(void *ctx, enum exit_code code, const char *words)
{
    struct chat *chat = ctx;
    chat->front->view.ended(chat->front_ctx, code, words);
    if (chat->quitting) {
        return; /* that we are signed out is our own doing */
    }
    chat->code = code;
    buf_append(&chat->words, slice_text(words));
    chat->quitting = true;
    finish(chat);
}

static void on_signed_out(void *ctx, const struct net_answer *answer)
{
    (void)answer; /* if it failed, the session ends by itself after the grace period */
    finish(ctx);
}

static void on_logout_limit(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    finish(timer->data);
}

void chat_quit(struct chat *chat, enum exit_code code)
{
    char path[PATH_MAX_BYTES];
    if (chat->quitting) {
        return;
    }
    chat->quitting = true;
    chat->code = code;
    if (!chat->client) {
        finish(chat);
        return;
    }
    (void)snprintf(path, sizeof path, "/logout/%s", client_name(chat->client));
    ev_timer_start(chat->loop, &chat->logout_limit);
    net_get(chat->net, path, chat->token, on_signed_out, chat);
}

static void on_signal(void *ctx, int signum)
{
    struct chat *chat = ctx;
    (void)signum;
    bool unsent = chat->client && client_unsent(chat->client) > 0;
    chat_quit(chat, unsent ? EXIT_NOT_ALL_SENT : EXIT_DONE);
}

/* ---- The view, with us in between ------------------------------------------------------------ */

static void view_state(void *ctx)
{
    struct chat *chat = ctx;
    chat->front->view.state(chat->front_ctx);
}

static void view_message(void *ctx, const struct chat_message *m)
{
    struct chat *chat = ctx;
    chat->front->view.message(chat->front_ctx, m);
}

static void view_own(void *ctx, const struct own *own)
{
    struct chat *chat = ctx;
    chat->front->view.own(chat->front_ctx, own);
}

static void view_person(void *ctx, const char *name, bool joined)
{
    struct chat *chat = ctx;
    chat->front->view.person(chat->front_ctx, name, joined);
}

static void view_people(void *ctx)
{
    struct chat *chat = ctx;
    chat->front->view.people(chat->front_ctx);
}

static void view_missed(void *ctx)
{
    struct chat *chat = ctx;
    chat->front->view.missed(chat->front_ctx);
}

static const struct client_view chat_view = {.state = view_state,
                                             .message = view_message,
                                             .own = view_own,
                                             .person = view_person,
                                             .people = view_people,
                                             .missed = view_missed,
                                             .ended = on_ended};

/* ---- Signing in ------------------------------------------------------------------------------ */

static void start_client(struct chat *chat, const char *name)
{
    char prefix[ID_PREFIX + 1];
    random_text(prefix, ID_PREFIX);
    const struct client_config config = {.name = name,
                                         .token = chat->token,
                                         .own = chat->config->own,
                                         .give_up_ms = chat->config->give_up_ms,
                                         .id_prefix = prefix};
    chat->client = client_new(&config, &client_net, &chat_view, chat, chat);
}

static void on_login(struct chat *chat, struct slice body)
{
    struct chat_login login;
    if (!chat_login_read(body, &login)) {
        buf_append(&chat->words, SLICE("What answers at that address is no Parley."));
        chat->code = EXIT_NOT_REACHED;
        finish(chat);
        return;
    }
    (void)snprintf(chat->token, sizeof chat->token, "%s", login.token);
    start_client(chat, login.username);
    if (!chat->front->start(chat->front_ctx, chat)) {
        chat_quit(chat, EXIT_USAGE);
        return;
    }
    client_start(chat->client, clock_mono_ms());
}

static void on_refused(struct chat *chat, const struct net_answer *answer)
{
    struct login_refusal refusal = {.status = answer->status, .retry_after = answer->retry_after};
    (void)chat_login_error_read(answer->body, &refusal.error);
    chat->code = words_for_login(&chat->words, chat->config->name, &refusal);
    finish(chat);
}

static void on_login_answer(void *ctx, const struct net_answer *answer)
{
    struct chat *chat = ctx;
    if (chat->quitting) {
        return;
    }
    if (answer->status == 0) {
        buf_append(&chat->words, SLICE("The server cannot be reached: "));
        words_for_connecting(&chat->words, answer->body);
        buf_byte(&chat->words, '.');
        chat->code = EXIT_NOT_REACHED;
        finish(chat);
    } else if (answer->status == 200) {
        on_login(chat, answer->body);
    } else {
        on_refused(chat, answer);
    }
}

static void sign_in(struct chat *chat)
{
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "/login/%s", chat->config->name);
    net_get(chat->net, path, NULL, on_login_answer, chat);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct chat *chat = timer->data;
    uint32_t random;
    (void)loop;
    (void)events;
    random_bytes(&random, sizeof random);
    client_tick(chat->client, clock_mono_ms(), random);
}

/* Before the loop waits. */
static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct chat *chat = prepare->data;
    (void)events;
    if (!chat->client) {
        return;
    }
    chat->front->turn(chat->front_ctx);
    uint64_t now_ms = clock_mono_ms(), due_ms = client_due_ms(chat->client);
    ev_timer_stop(loop, &chat->due);
    if (due_ms != UINT64_MAX && client_state(chat->client) != CLIENT_ENDED) {
        ev_now_update(loop);
        ev_timer_set(&chat->due, due_ms > now_ms ? (double)(due_ms - now_ms) / 1000 : 0, 0);
        ev_timer_start(loop, &chat->due);
    }
}

static void start_watchers(struct chat *chat)
{
    ev_prepare_init(&chat->prepare, on_prepare);
    ev_timer_init(&chat->due, on_due, 0, 0);
    ev_timer_init(&chat->logout_limit, on_logout_limit, LOGOUT_S, 0);
    chat->prepare.data = chat->due.data = chat->logout_limit.data = chat;
    ev_prepare_start(chat->loop, &chat->prepare);
    stop_init(&chat->stop, chat->loop, on_signal, chat);
}

static void stop_watchers(struct chat *chat)
{
    ev_prepare_stop(chat->loop, &chat->prepare);
    ev_timer_stop(chat->loop, &chat->due);
    ev_timer_stop(chat->loop, &chat->logout_limit);
    stop_deinit(&chat->stop, chat->loop);
}

static void run(struct chat *chat)
{
    start_watchers(chat);
    sign_in(chat);
    if (chat->code == EXIT_DONE) { /* else it has failed already */
        ev_run(chat->loop, 0);
    }
    if (chat->client) {
        chat->front->stop(chat->front_ctx);
    }
    stop_watchers(chat);
}

enum exit_code chat_run(const struct chat_config *config, const struct chat_front *front, void *ctx)
{
    struct chat chat = {.config = config, .front = front, .front_ctx = ctx, .code = EXIT_DONE};
    const char *why = NULL;
    buf_init(&chat.words, WORDS_MAX);
    chat.loop = ev_loop_new(EVFLAG_AUTO);
    chat.net = chat.loop ? net_new(chat.loop, &config->url, config->cafile, &why) : NULL;
    if (chat.net) {
        run(&chat);
        net_free(chat.net);
    } else {
        buf_printf(&chat.words, "%s.", why ? why : "there is no event loop");
        chat.code = EXIT_USAGE;
    }
    if (chat.client) {
        client_free(chat.client);
    }
    if (chat.loop) {
        ev_loop_destroy(chat.loop);
    }
    if (chat.words.len > 0) {
        (void)fprintf(stderr, "parley: %s\n", chat.words.ptr);
    }
    buf_deinit(&chat.words);
    return chat.code;
}
