/* redis_world.h - a puppet Redis, a connection to it, and a note of everything that it calls */
#ifndef PARLEY_TESTS_REDIS_WORLD_H
#define PARLEY_TESTS_REDIS_WORLD_H

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/redis_conn.h"
#include "tests/support/redis_puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the three above */
#include <cmocka.h>

#define PATIENT_MS 30000

/* What a callback does to the connection that it belongs to. */
enum deed { NOTHING, RESET, FREE };

struct world {
    struct ev_loop *loop;
    struct redis_puppet fake;
    struct redis_conn_config config;
    struct redis_conn *conn;
    unsigned ups;
    unsigned downs;
    unsigned replies;
    unsigned nulls;
    unsigned messages;
    unsigned nulls_at_down; /* replies that were NULL when `down` was told */
    enum deed in_up, in_down, in_reply, in_null, in_message;
    char why[256];
    char text[256]; /* of the last reply that was not NULL */
    char message[256];
};

static inline void perform(struct world *w, enum deed deed)
{
    if (deed == RESET) {
        redis_conn_reset(w->conn, "the test wants it");
    } else if (deed == FREE && w->conn) {
        struct redis_conn *conn = w->conn;
        w->conn = NULL;
        redis_conn_free(conn);
    }
}

static inline void on_up(void *ctx)
{
    struct world *w = ctx;
    w->ups++;
    perform(w, w->in_up);
}

static inline void on_down(void *ctx, const char *why)
{
    struct world *w = ctx;
    w->downs++;
    w->nulls_at_down = w->nulls;
    snprintf(w->why, sizeof w->why, "%s", why);
    perform(w, w->in_down);
}

static inline void on_reply(void *arg, const struct redis_reply *reply)
{
    struct world *w = arg;
    if (!reply) {
        w->nulls++;
        perform(w, w->in_null);
        return;
    }
    struct slice text = slice_head(redis_reply_text(reply), sizeof w->text - 1);
    w->replies++;
    snprintf(w->text, sizeof w->text, "%.*s", (int)text.len, text.len > 0 ? text.ptr : "");
    perform(w, w->in_reply);
}

static inline void on_message(void *ctx, struct slice channel, struct slice payload)
{
    struct world *w = ctx;
    w->messages++;
    snprintf(w->message, sizeof w->message, "%.*s|%.*s", (int)channel.len, channel.ptr,
             (int)payload.len, payload.ptr);
    perform(w, w->in_message);
}

static const struct redis_conn_handler handler = {.up = on_up, .down = on_down};

/* Short waits before the next attempt; nothing is late unless a test shortens its limit. */
static inline int redis_world_setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->loop = test_loop();
    redis_puppet_init(&w->fake, w->loop);
    w->config = (struct redis_conn_config){.url = w->fake.url,
                                           .name = "test.0",
                                           .connect_timeout_ms = PATIENT_MS,
                                           .command_timeout_ms = PATIENT_MS,
                                           .backoff_min_ms = 2,
                                           .backoff_max_ms = 20};
    *state = w;
    return 0;
}

static inline int redis_world_teardown(void **state)
{
    struct world *w = *state;
    redis_conn_free(w->conn);
    redis_puppet_deinit(&w->fake);
    ev_loop_destroy(w->loop);
    free(w);
    return 0;
}

static inline void start(struct world *w)
{
    w->conn = redis_conn_new(w->loop, &w->config, &handler, w);
}

static inline void start_and_come_up(struct world *w)
{
    redis_puppet_listen(&w->fake);
    start(w);
    UNTIL(w->loop, w->ups == 1);
}

static inline bool send_word(struct world *w, const char *word)
{
    return redis_conn_send(w->conn, (struct slice[]){SLICE("SAY"), slice_text(word)}, 2, on_reply,
                           w);
}

static inline void subscribe(struct world *w, bool patterns)
{
    struct slice channels[] = {SLICE("one"), SLICE("two")};
    assert_true(redis_conn_subscribe(w->conn, channels, 2, patterns, on_message, w));
    UNTIL(w->loop, w->fake.commands == 1);
}

static inline void say(struct world *w, const char *bytes)
{
    redis_puppet_say(&w->fake, bytes, strlen(bytes));
}

#endif
