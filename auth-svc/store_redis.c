/* store_redis.c - the store port on Redis */
#include "auth-svc/store_redis.h"

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/redis_trouble.h"
#include "shared/username.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 24
#define ERRORS_LOGGED_PER_SECOND 1

enum question { ASK_LOGIN, ASK_LOGOUT, ASK_SESSION };

static const char *const function_names[] = {
    [ASK_LOGIN] = "parley_login",
    [ASK_LOGOUT] = "parley_logout",
    [ASK_SESSION] = "parley_session",
};

/* What stands where in their answers, behind status and epoch. */
enum { LOGIN_TAKEN_AT_MS = 2 };
enum { SESSION_OK_AT_NAME = 2, SESSION_OK_AT_MS };

static const struct {
    const char *word;
    enum store_status status;
} statuses[] = {
    {"ok",          STORE_OK         },
    {"taken",       STORE_TAKEN      },
    {"unknown",     STORE_UNKNOWN    },
    {"forbidden",   STORE_FORBIDDEN  },
    {"unavailable", STORE_UNAVAILABLE},
};

/* One question on its way. */
struct call {
    struct store_redis *state;
    enum question question;
    store_answer_fn *fn;
    void *arg;
};

static const struct store_answer unavailable = {.status = STORE_UNAVAILABLE};

static void complain(struct store_redis *state, enum question question,
                     const struct redis_reply *reply)
{
    struct log_limit *limit = &state->limit;

    if (log_limit_ok(limit, ERRORS_LOGGED_PER_SECOND, clock_mono_ms())) {
        log_warn("redis refused call=%s reply=\"%s\" epoch=\"%s\" suppressed=%" PRIu64,
                 function_names[question], redis_trouble_words(redis_reply_text(reply)),
                 log_escape(functions_epoch(reply)), limit->suppressed);
    }
}

/* False: an error, or a shape that no version of ours answers. */
static bool read_status(const struct redis_reply *reply, enum store_status *out)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (functions_status_is(reply, statuses[i].word)) {
            *out = statuses[i].status;
            return true;
        }
    }
    return false;
}

static bool read_answer(enum question question, const struct redis_reply *reply,
                        struct store_answer *out)
{
    if (!read_status(reply, &out->status)) {
        return false;
    }
    if (out->status == STORE_TAKEN) {
        out->ms = redis_reply_u64_at(reply, LOGIN_TAKEN_AT_MS);
    }
    if (out->status == STORE_OK && question == ASK_SESSION) {
        out->name = redis_reply_text_at(reply, SESSION_OK_AT_NAME);
        out->ms = redis_reply_u64_at(reply, SESSION_OK_AT_MS);
        return username_check(out->name) == USERNAME_OK;
    }
    return true;
}

static void call_answered(void *arg, const struct redis_reply *reply)
{
    struct call *call = arg;
    struct store_answer answer = {.status = STORE_UNAVAILABLE};

    if (!reply || !read_answer(call->question, reply, &answer) ||
        !functions_note_epoch(reply, call->state->caller->epoch)) {
        if (reply) {
            complain(call->state, call->question, reply);
        }
        answer = unavailable;
    }
    call->fn(call->arg, &answer);
    free(call);
}

static void ask(const struct call *question, const struct slice *args, size_t count)
{
    struct call *call = malloc(sizeof *call);

    if (call) {
        *call = *question;
        if (functions_call(call->state->functions, function_names[call->question], args, count,
                           call_answered, call)) {
            return;
        }
        free(call);
    }
    question->fn(question->arg, &unavailable);
}

static struct slice decimal(char out[NUMBER_MAX], uint64_t value)
{
    snprintf(out, NUMBER_MAX, "%" PRIu64, value);
    return slice_text(out);
}

static void store_login(void *ctx, const struct store_login *login, store_answer_fn *fn, void *arg)
{
    char pending[NUMBER_MAX], longest[NUMBER_MAX];
    const struct slice args[] = {login->name, login->shown, login->hash,
                                 decimal(pending, login->pending_ms),
                                 decimal(longest, login->longest_ms)};

    ask(&(struct call){ctx, ASK_LOGIN, fn, arg}, args, sizeof args / sizeof *args);
}

static void store_logout(void *ctx, struct slice name, struct slice hash, store_answer_fn *fn,
                         void *arg)
{
    const struct slice args[] = {name, hash};

    ask(&(struct call){ctx, ASK_LOGOUT, fn, arg}, args, sizeof args / sizeof *args);
}

static void store_session(void *ctx, struct slice hash, store_answer_fn *fn, void *arg)
{
    ask(&(struct call){ctx, ASK_SESSION, fn, arg}, &hash, 1);
}

static void probed(void *arg, const struct redis_reply *reply)
{
    struct store_redis *state = arg;
    enum store_status status;

    state->probing = false;
    if (!reply) {
        return; /* functions_works says why */
    }
    state->why[0] = '\0';
    if (redis_reply_is_error(reply, NULL)) {
        (void)snprintf(state->why, sizeof state->why, "redis refuses a call: %s",
                       redis_trouble_words(redis_reply_text(reply)));
    } else if (!read_status(reply, &status) || !functions_note_epoch(reply, state->caller->epoch)) {
        (void)snprintf(state->why, sizeof state->why, "redis answers oddly: status=%s epoch=%s",
                       log_escape(redis_reply_text_at(reply, 0)),
                       log_escape(functions_epoch(reply)));
    }
    if (state->why[0] != '\0') {
        complain(state, ASK_LOGOUT, reply); /* nobody is sent here while we are not ready */
    }
}

void store_redis_probe(struct store_redis *state)
{
    /* No hash has one digit.  This function, because it changes nothing then, not even the presence
     * time, and yet is one that writes, which a Redis in trouble refuses. */
    const struct slice nobody[] = {SLICE("nobody"), SLICE("0")};

    if (!state->probing) {
        state->probing =
            functions_call(state->functions, function_names[ASK_LOGOUT], nobody, 2, probed, state);
    }
}

bool store_redis_works(const struct store_redis *state, struct buf *why)
{
    bool works = functions_works(state->functions, why);

    if (works && state->why[0] != '\0') {
        buf_append(why, slice_text(state->why));
    }
    return works && state->why[0] == '\0';
}

struct store store_redis_port(struct store_redis *state)
{
    return (struct store){
        .ctx = state, .login = store_login, .logout = store_logout, .session = store_session};
}
