/* fake_redis.c - Redis as a script plays it */
#include "tests/support/fake_redis.h"
#include "shared/buf.h"
#include "tests/support/exact_copy.h"
#include "tests/support/reply.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX FUNCTIONS_ARGS_MAX
#define CHANNELS_MAX 8

struct call {
    struct call *next;
    char *text;
    char *args[ARGS_MAX];
    size_t count;
    struct functions_caller caller;
    redis_reply_fn *fn;
    void *arg;
};

struct functions {
    struct redis_conn_handler handler;
    void *owner;
    const struct functions_caller *caller;
    bool up, full;
    struct call *oldest;
};

struct redis_conn {
    struct redis_conn_handler handler;
    void *owner;
    bool up;
    char *channels[CHANNELS_MAX];
    size_t count;
    redis_message_fn *message;
    void *message_ctx;
};

static struct functions *commands;
static struct redis_conn *feed;
static bool subscribe_fails;
static unsigned resets;

static char *copy_of(struct slice s)
{
    char *text = calloc(1, s.len + 1);
    assert(text);
    if (s.len > 0) {
        memcpy(text, s.ptr, s.len);
    }
    return text;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void call_free(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        free(call->args[i]);
    }
    free(call->text);
    free(call);
}

static struct call *call_at(size_t i)
{
    struct call *call = commands->oldest;
    while (i-- > 0) {
        call = call->next;
    }
    return call;
}

static char *call_text(const char *name, const struct slice *args, size_t count)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    buf_append(&text, slice_text(name));
    for (size_t i = 0; i < count; i++) {
        buf_byte(&text, ' ');
        buf_append(&text, args[i]);
    }
    char *copy = copy_of(buf_slice(&text));
    buf_deinit(&text);
    return copy;
}

static void answer_oldest(const struct redis_reply *reply)
{
    struct call *call = commands->oldest;
    assert(call);
    commands->oldest = call->next;
    if (call->fn) {
        call->fn(call->arg, reply);
    }
    call_free(call);
}

static void answer_null(struct functions *f)
{
    struct call *list = f->oldest;
    f->oldest = NULL;
    while (list) {
        struct call *call = list;
        list = call->next;
        if (call->fn) {
            call->fn(call->arg, NULL);
        }
        call_free(call);
    }
}

/* NOLINTNEXTLINE(readability-function-size): the contract's */
bool functions_call(struct functions *f, const char *name, const struct slice *args, size_t count,
                    redis_reply_fn *fn, void *arg)
{
    if (!f->up || f->full || count > ARGS_MAX) {
        return false;
    }
    struct call *call = calloc(1, sizeof *call);
    assert(call);
    call->text = call_text(name, args, count);
    call->count = count;
    for (size_t i = 0; i < count; i++) {
        call->args[i] = copy_of(args[i]);
    }
    call->caller = *f->caller;
    call->fn = fn;
    call->arg = arg;
    struct call **end = &f->oldest;
    while (*end) {
        end = &(*end)->next;
    }
    *end = call;
    return true;
}

/* A plain command is noted like a call. */
bool functions_command(struct functions *f, const struct slice *argv, size_t argc,
                       redis_reply_fn *fn, void *arg)
{
    char *name = copy_of(argv[0]);
    bool sent = functions_call(f, name, argv + 1, argc - 1, fn, arg);
    free(name);
    return sent;
}

/* ---- The connections ------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(readability-function-size): the contract's */
struct functions *functions_new(struct ev_loop *loop, const struct redis_conn_config *config,
                                const struct redis_conn_handler *handler, void *ctx,
                                const char *prefix, const struct functions_caller *caller)
{
    (void)loop;
    (void)config;
    (void)prefix;
    assert(!commands);
    commands = calloc(1, sizeof *commands);
    assert(commands);
    commands->handler = *handler;
    commands->owner = ctx;
    commands->caller = caller;
    return commands;
}

void functions_free(struct functions *f)
{
    f->up = false;
    answer_null(f);
    free(f);
    commands = NULL;
}

static void commands_lost(struct functions *f, const char *why)
{
    f->full = true; /* nothing is taken any more, but the owner is not told yet */
    answer_null(f);
    f->up = false;
    f->full = false;
    f->handler.down(f->owner, why);
}

void functions_reset(struct functions *f, const char *why)
{
    if (f->up) {
        resets++;
        commands_lost(f, why);
    }
}

bool functions_local_host(const struct functions *f, char host[REDIS_CONN_HOST_MAX + 1])
{
    snprintf(host, REDIS_CONN_HOST_MAX + 1, "2001:db8::7");
    return f->up;
}

void functions_use_module(struct functions *f)
{
    (void)f;
}

bool functions_is_up(const struct functions *f)
{
    return f->up;
}

bool functions_works(const struct functions *f, struct buf *why)
{
    if (!f->up) {
        buf_append(why, SLICE("redis is away: as the script says"));
    }
    return f->up;
}

struct redis_conn *redis_conn_new(struct ev_loop *loop, const struct redis_conn_config *config,
                                  const struct redis_conn_handler *handler, void *ctx)
{
    (void)loop;
    (void)config;
    assert(!feed);
    feed = calloc(1, sizeof *feed);
    assert(feed);
    feed->handler = *handler;
    feed->owner = ctx;
    return feed;
}

static void unsubscribe(struct redis_conn *conn)
{
    for (size_t i = 0; i < conn->count; i++) {
        free(conn->channels[i]);
    }
    conn->count = 0;
}

void redis_conn_free(struct redis_conn *conn)
{
    unsubscribe(conn);
    free(conn);
    feed = NULL;
}

static void feed_lost(struct redis_conn *conn, const char *why)
{
    unsubscribe(conn);
    conn->up = false;
    conn->handler.down(conn->owner, why);
}

void redis_conn_reset(struct redis_conn *conn, const char *why)
{
    if (conn->up) {
        resets++;
        feed_lost(conn, why);
    }
}

/* NOLINTNEXTLINE(readability-function-size): the contract's */
bool redis_conn_subscribe(struct redis_conn *conn, const struct slice *channels, size_t count,
                          bool patterns, redis_message_fn *fn, void *ctx)
{
    if (!conn->up || patterns || count > CHANNELS_MAX || subscribe_fails) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        conn->channels[i] = copy_of(channels[i]);
    }
    conn->count = count;
    conn->message = fn;
    conn->message_ctx = ctx;
    return true;
}

/* ---- For the script -------------------------------------------------------------------------- */

void fake_commands_up(void)
{
    commands->up = true;
    commands->handler.up(commands->owner);
}

void fake_commands_down(void)
{
    commands_lost(commands, "script");
}

void fake_commands_full(bool full)
{
    commands->full = full;
}

size_t fake_calls(void)
{
    size_t n = 0;
    for (const struct call *call = commands->oldest; call; call = call->next) {
        n++;
    }
    return n;
}

const char *fake_call(size_t i)
{
    const struct call *call = call_at(i);
    return call ? call->text : "(no call)";
}

const char *fake_call_arg(size_t i, size_t k)
{
    const struct call *call = call_at(i);
    return call && k < call->count ? call->args[k] : "";
}

const struct functions_caller *fake_call_caller(size_t i)
{
    return &call_at(i)->caller;
}

void fake_answer(const char *items)
{
    struct slice rest = slice_text(items);
    struct redis_reply *reply = calloc(1, sizeof *reply);
    assert(reply);
    reply->count = 1;
    for (const char *c = items; *c; c++) {
        reply->count += *c == '|';
    }
    reply->items = calloc(reply->count, sizeof *reply->items);
    assert(reply->items);
    for (size_t i = 0; i < reply->count; i++) {
        reply->items[i].text = slice_cut(&rest, '|');
    }
    answer_oldest(reply);
    reply_free(reply);
}

void fake_answer_text(const char *text)
{
    answer_oldest(&(struct redis_reply){.text = slice_text(text)});
}

void fake_answer_error(const char *text)
{
    answer_oldest(&(struct redis_reply){.error = true, .text = slice_text(text)});
}

void fake_feed_up(void)
{
    feed->up = true;
    feed->handler.up(feed->owner);
}

void fake_feed_down(void)
{
    feed_lost(feed, "script");
}

bool fake_feed_is_subscribed(const char *channel)
{
    for (size_t i = 0; feed && i < feed->count; i++) {
        if (strcmp(feed->channels[i], channel) == 0) {
            return true;
        }
    }
    return false;
}

void fake_subscribe_fails(bool fails)
{
    subscribe_fails = fails;
}

void fake_publish(const char *channel, const char *line)
{
    if (fake_feed_is_subscribed(channel)) {
        struct slice copy = exact_copy(slice_text(line));
        feed->message(feed->message_ctx, slice_text(channel), copy);
        exact_free(copy);
    }
}

unsigned fake_resets(void)
{
    unsigned n = resets;
    resets = 0;
    return n;
}
