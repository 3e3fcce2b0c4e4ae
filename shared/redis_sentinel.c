/* redis_sentinel.c - asking Redis Sentinel where the master is
 *
 * A connection is made for each question and closed with its answer: there is one question per
 * attempt to reach Redis, and a connection that is kept is one more that may have died unseen. */
#include "shared/redis_sentinel.h"

#include "shared/must.h"
#include "shared/redis_dial.h"
#include "shared/redis_queue.h"
#include "shared/redis_trouble.h"

#include <errno.h>
#include <ev.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTINEL_PORT 26379
#define REPLY_MAX_BYTES 65536
#define WHY_MAX 320

struct redis_sentinel {
    struct ev_loop *loop;
    struct redis_sentinels sentinels;
    uint32_t patience_ms;
    redis_sentinel_fn *done;
    void *ctx;
    struct redis_dial *dials[SENTINELS_MAX];
    size_t turn;  /* whom we ask */
    size_t asked; /* in this round */
    bool over;    /* the round is; `found` waits to be told */
    struct redis_url found;
    redisContext *context;
    redisContext *reading; /* on_readable works with it, and frees it then; NULL: it does not */
    ev_io readable;
    ev_io writable;
    ev_timer timer;
    struct redis_queue queue;
    char why[WHY_MAX];
};

/* ---- Texts: pure ----------------------------------------------------------------------------- */

static bool parse_place(struct slice text, struct redis_url *out)
{
    char url[sizeof out->host + 32];
    bool port = text.len > 0 && text.ptr[text.len - 1] != ']' && memchr(text.ptr, ':', text.len);
    if (text.len > sizeof out->host + 8 || memchr(text.ptr ? text.ptr : "", '@', text.len)) {
        return false;
    }
    int n = port ? snprintf(url, sizeof url, "redis://%.*s", (int)text.len, text.ptr)
                 : snprintf(url, sizeof url, "redis://%.*s:%d", (int)text.len,
                            text.ptr ? text.ptr : "", SENTINEL_PORT);
    return n > 0 && (size_t)n < sizeof url && redis_url_parse(slice_text(url), out);
}

bool redis_sentinels_parse(struct slice text, struct redis_sentinels *out)
{
    out->count = 0;
    while (text.len > 0) {
        struct slice rest = text;
        struct slice place = slice_cut(&rest, ',');
        bool comma = place.len < text.len;
        if (out->count == SENTINELS_MAX || (comma && rest.len == 0) ||
            !parse_place(place, &out->at[out->count])) {
            return false;
        }
        out->count++;
        text = rest;
    }
    return out->count > 0;
}

bool redis_sentinel_name_ok(struct slice name)
{
    return name.len <= SENTINEL_MASTER_MAX && slice_is_word(name, "._-");
}

bool redis_sentinel_address(struct slice host, struct slice port, struct redis_url *out)
{
    uint64_t number = 0;
    if (host.len >= sizeof out->host || !slice_is_word(host, "._-:%") ||
        !slice_u64(port, UINT16_MAX, &number) || number == 0) {
        return false;
    }
    memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    out->port = (int)number;
    out->local = false;
    return true;
}

/* ---- One sentinel ---------------------------------------------------------------------------- */

static void hang_up(struct redis_sentinel *s, bool worked)
{
    struct redis_expected *list = redis_queue_take(&s->queue);
    while (list) { /* nobody wants to know: the round goes on, or is over */
        struct redis_expected *next = list->next;
        free(list);
        list = next;
    }
    ev_io_stop(s->loop, &s->readable);
    ev_io_stop(s->loop, &s->writable);
    ev_timer_stop(s->loop, &s->timer);
    if (s->context && s->context != s->reading) {
        redisFree(s->context);
    }
    s->context = NULL;
    redis_dial_stop(s->dials[s->turn], worked);
}

static void ask_one(struct redis_sentinel *s);

static void arm(struct redis_sentinel *s, uint32_t delay_ms)
{
    ev_timer_stop(s->loop, &s->timer);
    ev_timer_set(&s->timer, (double)delay_ms / 1000.0, 0.0);
    ev_timer_start(s->loop, &s->timer);
}

/* Told from the timer, when nothing of ours is at work any more: whoever hears it may free us. */
static void end_round(struct redis_sentinel *s, const struct redis_url *address)
{
    s->found = *address;
    s->over = true;
    hang_up(s, address->host[0] != '\0');
    arm(s, 0);
}

/* The next one is asked; after the last one the round is over. */
static void next(struct redis_sentinel *s, const char *what, struct slice detail)
{
    (void)snprintf(s->why, sizeof s->why, "sentinel %zu of %zu: %s%s%s", s->turn + 1,
                   s->sentinels.count, what, detail.len > 0 ? ": " : "",
                   redis_trouble_words(detail));
    hang_up(s, false);
    s->turn = (s->turn + 1) % s->sentinels.count;
    if (s->asked < s->sentinels.count) {
        ask_one(s);
    } else {
        static const struct redis_url nowhere;
        end_round(s, &nowhere);
    }
}

static void on_auth(void *arg, const struct redis_reply *reply)
{
    if (redis_reply_is_error(reply, NULL)) {
        next(arg, "it refuses the password", redis_reply_text(reply));
    }
}

static void on_address(void *arg, const struct redis_reply *reply)
{
    struct redis_sentinel *s = arg;
    struct redis_url address = {0};
    if (redis_reply_is_error(reply, NULL)) {
        next(s, "it refuses", redis_reply_text(reply));
    } else if (redis_reply_count(reply) == 0) {
        next(s, "it knows no master of the name", slice_text(s->sentinels.master));
    } else if (redis_reply_count(reply) != 2 ||
               !redis_sentinel_address(redis_reply_text_at(reply, 0), redis_reply_text_at(reply, 1),
                                       &address)) {
        next(s, "its answer is no address", SLICE(""));
    } else {
        end_round(s, &address);
    }
}

static bool command(struct redis_sentinel *s, const struct slice *argv, size_t argc,
                    redis_reply_fn *fn)
{
    const struct redis_expected expected = {.fn = fn, .arg = s};
    return redis_queue_push(&s->queue, argv, argc, &expected, 1);
}

static void put_question(struct redis_sentinel *s)
{
    const struct redis_url *at = &s->sentinels.at[s->turn];
    const struct slice auth[] = {SLICE("AUTH"), slice_text(at->password)};
    const struct slice where[] = {SLICE("SENTINEL"), SLICE("GET-MASTER-ADDR-BY-NAME"),
                                  slice_text(s->sentinels.master)};
    if ((at->secured && !command(s, auth, 2, on_auth)) || !command(s, where, 3, on_address)) {
        next(s, "no memory", SLICE(""));
    }
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct redis_sentinel *s = watcher->data;
    (void)loop;
    (void)events;
    int error = redis_dial_outcome(s->context->fd);
    int done = error != 0 ? -1 : redis_queue_flush(&s->queue, s->context->fd);
    if (done < 0) {
        next(s, "cannot connect", slice_text(strerror(error != 0 ? error : errno)));
    } else if (done > 0) {
        ev_io_stop(s->loop, &s->writable);
    }
}

/* Returns false when the context is not ours any more. */
static bool take_reply(struct redis_sentinel *s, const redisContext *context, void *reply)
{
    if (!s->queue.oldest) {
        next(s, "it says more than it was asked", SLICE(""));
        return false;
    }
    struct redis_expected expected = redis_queue_pop(&s->queue);
    expected.fn(expected.arg, reply);
    return s->context == context;
}

static void read_replies(struct redis_sentinel *s, redisContext *context)
{
    bool ours = true;
    if (redisBufferRead(context) != REDIS_OK) {
        next(s, "connection lost", slice_text(context->errstr));
        return;
    }
    while (ours) {
        void *reply = NULL;
        if (redisReaderGetReply(context->reader, &reply) != REDIS_OK) {
            next(s, "not the Redis protocol", SLICE(""));
            return;
        }
        if (!reply) {
            break;
        }
        ours = take_reply(s, context, reply);
        freeReplyObject(reply);
    }
    if (ours && context->reader->len > REPLY_MAX_BYTES) {
        next(s, "its answer is too long", SLICE(""));
    }
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct redis_sentinel *s = watcher->data;
    redisContext *context = s->context;
    (void)loop;
    (void)events;
    s->reading = context;
    read_replies(s, context);
    s->reading = NULL;
    if (s->context != context) {
        redisFree(context);
    }
}

static void on_dialled(void *ctx, struct redisContext *context, const char *why)
{
    struct redis_sentinel *s = ctx;
    if (!context) {
        next(s, "cannot connect", slice_text(why));
        return;
    }
    s->context = context;
    ev_io_set(&s->readable, context->fd, EV_READ);
    ev_io_set(&s->writable, context->fd, EV_WRITE);
    ev_io_start(s->loop, &s->readable);
    ev_io_start(s->loop, &s->writable);
    put_question(s);
}

static void ask_one(struct redis_sentinel *s)
{
    s->asked++;
    arm(s, s->patience_ms);
    redis_dial_start(s->dials[s->turn]);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct redis_sentinel *s = watcher->data;
    (void)loop;
    (void)events;
    if (!s->over) {
        next(s, "no answer in time", SLICE(""));
        return;
    }
    char why[WHY_MAX];
    struct redis_url found = s->found;
    memcpy(why, s->why, sizeof why);
    s->over = false;
    s->done(s->ctx, &found, why);
}

/* ---- Public ---------------------------------------------------------------------------------- */

struct redis_sentinel *redis_sentinel_new(struct ev_loop *loop,
                                          const struct redis_sentinel_config *config,
                                          redis_sentinel_fn *done, void *ctx)
{
    struct redis_sentinel *s = must(calloc(1, sizeof *s));
    s->loop = loop;
    s->sentinels = *config->sentinels;
    s->patience_ms = config->patience_ms;
    s->done = done;
    s->ctx = ctx;
    for (size_t i = 0; i < s->sentinels.count; i++) {
        s->dials[i] = redis_dial_new(loop, &s->sentinels.at[i], config->lookup, on_dialled, s);
    }
    redis_queue_init(&s->queue);
    ev_init(&s->readable, on_readable);
    ev_init(&s->writable, on_writable);
    ev_init(&s->timer, on_timer);
    s->readable.data = s->writable.data = s->timer.data = s;
    return s;
}

void redis_sentinel_ask(struct redis_sentinel *s)
{
    s->asked = 0;
    s->over = false;
    ask_one(s);
}

void redis_sentinel_stop(struct redis_sentinel *s, bool worked)
{
    hang_up(s, worked);
    s->over = false;
    if (!worked && s->asked > 0) {
        s->turn = (s->turn + 1) % s->sentinels.count;
    }
    s->asked = 0;
}

void redis_sentinel_free(struct redis_sentinel *s)
{
    if (!s) {
        return;
    }
    hang_up(s, true);
    for (size_t i = 0; i < s->sentinels.count; i++) {
        redis_dial_free(s->dials[i]);
    }
    redis_queue_deinit(&s->queue);
    explicit_bzero(s, sizeof *s); /* passwords */
    free(s);
}
