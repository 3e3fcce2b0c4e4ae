/* functions.c - calls to the Redis Functions library, and its loading
 *
 * After each connecting: the server's version, then the library's; load or replace what is missing
 * or older; ask again, so that `up` rests on what the server says and not on what we sent. */
#include "shared/functions.h"

#include "shared/clock.h"
#include "shared/decimal.h"
#include "shared/log.h"
#include "shared/must.h"
#include "shared/redis_trouble.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOADS_MAX 4 /* of one connection: others may be loading at the same time */
#define REDIS_MAJOR_MIN 7
#define WHY_MAX 320
#define SEND_FUNCTION "parley_send"
#define SEND_COMMAND SLICE("PARLEY.SEND") /* the same in shared/parley_module */

/* The path counts from the project's root, where make runs. */
#ifndef PARLEY_LUA
#define PARLEY_LUA "shared/parley.lua"
#endif
__asm__(".pushsection .rodata\n"
        "parley_lua_begin:\n"
        ".incbin \"" PARLEY_LUA "\"\n"
        "parley_lua_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const char parley_lua_begin[] __attribute__((visibility("hidden")));
extern const char parley_lua_end[] __attribute__((visibility("hidden")));

struct version {
    uint64_t major;
    uint64_t minor;
};

struct functions {
    struct redis_conn *conn;
    struct redis_conn_handler handler;
    void *owner;
    const char *prefix;
    const struct functions_caller *caller;
    struct version ours;
    unsigned loads; /* since the connection came up */
    bool up;
    bool use_module; /* if Redis has it */
    bool has_module;
    bool said_of_module; /* in the log */
    char why[WHY_MAX];   /* calls do not work; empty: they do */
    bool evicts;         /* was said in the log */
    bool *freed;         /* set when the owner frees us inside its callback */
    struct functions_stats stats;
};

/* One call under way; `fn` is the caller's. */
struct call {
    struct functions *functions;
    redis_reply_fn *fn;
    void *arg;
    uint64_t begun_us;
    size_t name; /* its place in the stats */
    bool by_module;
};

/* What stands behind the first `mark`; empty when it is not there. */
static struct slice behind(struct slice text, struct slice mark)
{
    while (text.len > 0 && !slice_starts(text, mark)) {
        text = slice_tail(text, 1);
    }
    return slice_tail(text, mark.len);
}

static struct slice library_text(void)
{
    /* cppcheck-suppress [comparePointers, subtractPointers] ; both are labels of one asm block */
    return (struct slice){parley_lua_begin, (size_t)(parley_lua_end - parley_lua_begin)};
}

/* "7.2.4" gives 7 and 2, "1.0" gives 1 and 0. */
static bool parse_version(struct slice text, struct version *out)
{
    struct slice major = slice_cut(&text, '.');
    struct slice minor = slice_cut(&text, '.');
    return slice_u64(major, UINT32_MAX, &out->major) && slice_u64(minor, UINT32_MAX, &out->minor);
}

/* The library's text says its version in one line: local VERSION = '1.0' */
static bool library_version(struct version *out)
{
    struct slice rest = behind(library_text(), SLICE("\nlocal VERSION = '"));
    return parse_version(slice_cut(&rest, '\''), out);
}

/* ---- Coming up ------------------------------------------------------------------------------- */

static void ask_version(struct functions *f);

static void reset_refused(struct functions *f, const char *what, const struct redis_reply *reply)
{
    char why[WHY_MAX];
    (void)snprintf(why, sizeof why, "%s: %s", what, redis_trouble_words(redis_reply_text(reply)));
    redis_conn_reset(f->conn, why);
}

static void on_loaded(void *arg, const struct redis_reply *reply)
{
    struct functions *f = arg;
    if (!reply) {
        return;
    }
    if (redis_reply_is_error(reply, NULL)) {
        /* Somebody else was quicker: fine, his version is looked at. */
        if (behind(redis_reply_text(reply), SLICE(" already exist")).len == 0) {
            reset_refused(f, "Redis refuses the function library", reply);
            return;
        }
    } else {
        log_info("function library loaded version=%" PRIu64 ".%" PRIu64, f->ours.major,
                 f->ours.minor);
    }
    ask_version(f);
}

static void load(struct functions *f, bool replace)
{
    struct slice argv[4] = {SLICE("FUNCTION"), SLICE("LOAD")};
    size_t argc = 2;
    if (f->loads++ >= LOADS_MAX) {
        redis_conn_reset(f->conn, "the function library does not stay loaded");
        return;
    }
    if (replace) {
        argv[argc++] = SLICE("REPLACE");
    }
    argv[argc++] = library_text();
    if (!redis_conn_send(f->conn, argv, argc, on_loaded, f)) {
        redis_conn_reset(f->conn, "cannot send the function library");
    }
}

static void on_version(void *arg, const struct redis_reply *reply)
{
    struct functions *f = arg;
    struct version theirs;
    if (!reply) {
        return;
    }
    if (redis_reply_is_error(reply, "ERR Function not found")) {
        load(f, false);
        return;
    }
    if (redis_reply_is_error(reply, NULL) || !parse_version(redis_reply_text(reply), &theirs)) {
        reset_refused(f, "Redis does not tell the function library's version", reply);
        return;
    }
    if (theirs.major > f->ours.major) {
        log_error("the function library in Redis has version %" PRIu64 ".%" PRIu64
                  ", newer than this program's %" PRIu64 ".%" PRIu64
                  ": run a program of that release",
                  theirs.major, theirs.minor, f->ours.major, f->ours.minor);
        exit(EXIT_FAILURE);
    }
    if (theirs.major < f->ours.major || theirs.minor < f->ours.minor) {
        log_info("function library is older version=%" PRIu64 ".%" PRIu64, theirs.major,
                 theirs.minor);
        load(f, true);
        return;
    }
    f->up = true;
    f->stats.up = 1;
    f->stats.connects++;
    f->handler.up(f->owner);
}

static void ask_version(struct functions *f)
{
    struct slice argv[] = {SLICE("FCALL_RO"), SLICE("parley_version"), SLICE("0")};
    if (!redis_conn_send(f->conn, argv, 3, on_version, f)) {
        redis_conn_reset(f->conn, "cannot ask for the function library's version");
    }
}

/* Sessions, and all else, could vanish at any time.  (An error is no reason for anything.) */
static void on_memory(void *arg, const struct redis_reply *reply)
{
    struct functions *f = arg;
    if (!reply || redis_reply_is_error(reply, NULL)) {
        return;
    }
    struct slice rest = behind(redis_reply_text(reply), SLICE("\nmaxmemory_policy:"));
    struct slice policy = slice_cut(&rest, '\r');
    bool evicts = policy.len > 0 && !slice_equal(policy, SLICE("noeviction"));
    if (evicts && !f->evicts) {
        log_warn(
            "REDIS MAY THROW USERS AND MESSAGES AWAY: its maxmemory-policy is \"%s\", and must "
            "be noeviction",
            log_escape(policy));
    }
    f->evicts = evicts;
}

static void on_server(void *arg, const struct redis_reply *reply)
{
    struct functions *f = arg;
    struct version server;
    if (!reply) {
        return;
    }
    struct slice text = behind(redis_reply_text(reply), SLICE("redis_version:"));
    if (text.len == 0) {
        reset_refused(f, "Redis does not tell its version", reply);
        return;
    }
    text = slice_cut(&text, '\r');
    if (!parse_version(text, &server) || server.major < REDIS_MAJOR_MIN) {
        log_error("Redis has version \"%s\", but Parley needs Redis %d or newer, or Valkey",
                  log_escape(text), REDIS_MAJOR_MIN);
        exit(EXIT_FAILURE);
    }
    ask_version(f);
}

/* Before all else Redis looks whether it has the command, and whether it is for us: any other error
 * ("NOREPLICAS ..." after a failover, "OOM ...") is one that parley_send has, too, and will pass.
 */
static bool lacks_module(const struct redis_reply *reply)
{
    return redis_reply_is_error(reply, "ERR unknown command") ||
           redis_reply_is_error(reply, "NOPERM");
}

/* It tells a version, if it can. */
static void on_module(void *arg, const struct redis_reply *reply)
{
    struct functions *f = arg;
    if (!reply) {
        return;
    }
    bool has = !lacks_module(reply);
    if (f->said_of_module && has == f->has_module) {
        return;
    }
    f->said_of_module = true;
    f->has_module = has;
    if (has && redis_reply_is_error(reply, NULL)) {
        log_info("redis has the module parley, but refuses why=\"%s\"",
                 redis_trouble_words(redis_reply_text(reply)));
    } else if (has) {
        log_info("redis has the module parley version=%s", log_escape(redis_reply_text(reply)));
    } else {
        log_info("redis has no module parley, so messages cost it more why=\"%s\"",
                 redis_trouble_words(redis_reply_text(reply)));
    }
}

static void ask_module(struct functions *f)
{
    const struct slice argv[] = {SEND_COMMAND, slice_text(f->prefix)};
    if (f->use_module && !redis_conn_send(f->conn, argv, 2, on_module, f)) {
        redis_conn_reset(f->conn, "cannot ask for the module");
    }
}

/* The version by itself: a Redis before 7 knows no INFO of two sections.  The memory with the
 * server, because that is what our user may ask (users.acl.in). */
static void on_up(void *ctx)
{
    struct functions *f = ctx;
    f->loads = 0;
    const struct slice argv[] = {SLICE("INFO"), SLICE("server"), SLICE("memory")};
    if (!redis_conn_send(f->conn, argv, 2, on_server, f) ||
        !redis_conn_send(f->conn, argv, 3, on_memory, f)) {
        redis_conn_reset(f->conn, "cannot ask for the version");
        return;
    }
    ask_module(f);
}

static void on_down(void *ctx, const char *why)
{
    struct functions *f = ctx;
    f->stats.losses += f->up ? 1 : 0;
    f->stats.up = 0;
    f->up = false;
    (void)snprintf(f->why, sizeof f->why, "redis is away: %s", why);
    f->handler.down(f->owner, why);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* Names are literals of ours, and few; should there ever be more, they share the last place. */
static size_t place_of(struct functions_stats *stats, const char *name)
{
    size_t i = 0;
    while (i < stats->count && strcmp(stats->names[i], name) != 0) {
        i++;
    }
    if (i == stats->count && i < FUNCTIONS_NAMES_MAX) {
        stats->names[stats->count++] = i < FUNCTIONS_NAMES_MAX - 1 ? name : "other";
    }
    return i < FUNCTIONS_NAMES_MAX ? i : FUNCTIONS_NAMES_MAX - 1;
}

static void count_answer(const struct call *call, const struct redis_reply *reply)
{
    struct functions_stats *stats = &call->functions->stats;
    if (!reply) {
        stats->unanswered++;
        return;
    }
    histogram_add(&stats->calls[call->name], clock_mono_us() - call->begun_us);
    stats->refused += redis_reply_is_error(reply, NULL) ? 1 : 0;
}

static void note_refusal(struct functions *f, struct slice error)
{
    (void)snprintf(f->why, sizeof f->why, "redis refuses calls: %s", redis_trouble_words(error));
}

/* Notes whether calls work; returns why the connection must be made anew, or NULL. */
static const char *judge(struct functions *f, const struct redis_reply *reply, bool by_module)
{
    if (!reply) {
        return NULL; /* `down` says more */
    }
    if (!redis_reply_is_error(reply, NULL)) {
        f->why[0] = '\0';
        return NULL;
    }
    if (redis_reply_is_error(reply, "ERR Function not found")) {
        return "Redis has lost the function library";
    }
    if (by_module && lacks_module(reply)) {
        return "Redis has lost the module, or keeps it from us";
    }
    enum redis_trouble trouble = redis_trouble_of(redis_reply_text(reply));
    if (trouble != REDIS_TROUBLE_NONE) {
        note_refusal(f, redis_reply_text(reply));
    }
    return trouble == REDIS_TROUBLE_LINK ? f->why : NULL;
}

static void on_answer(void *arg, const struct redis_reply *reply)
{
    struct call call = *(struct call *)arg;
    char why[WHY_MAX];
    bool freed = false;
    free(arg);
    count_answer(&call, reply);
    const char *lost = judge(call.functions, reply, call.by_module);
    if (!lost) {
        if (call.fn) {
            call.fn(call.arg, reply);
        }
        return;
    }
    (void)snprintf(why, sizeof why, "%s", lost);
    call.functions->freed = &freed;
    if (call.fn) {
        call.fn(call.arg, NULL);
    }
    if (!freed) {
        call.functions->freed = NULL;
        functions_reset(call.functions, why);
    }
}

/* FCALL name 1 prefix epoch seen grace lease: as `enter` in parley.lua reads them.  The module's
 * command stands in place of the first three. */
static bool send_call(struct functions *f, const char *name, const struct slice *args, size_t count,
                      struct call *call)
{
    const uint64_t numbers[] = {f->caller->seen, f->caller->grace_ms, f->caller->lease_ms};
    char texts[3][DECIMAL_MAX];
    static struct slice argv[8 + FUNCTIONS_ARGS_MAX]; /* large: a local one would be zeroed first */
    const struct slice head[] = {SLICE("FCALL"), slice_text(name), SLICE("1"),
                                 slice_text(f->prefix), slice_text(f->caller->epoch)};
    memcpy(argv, head, sizeof head);
    for (size_t i = 0; i < 3; i++) {
        argv[5 + i] = decimal(texts[i], numbers[i]);
    }
    if (count > 0) {
        memcpy(argv + 8, args, count * sizeof *args);
    }
    size_t skipped = 0;
    call->by_module = f->has_module && strcmp(name, SEND_FUNCTION) == 0;
    if (call->by_module) {
        skipped = 2;
        argv[skipped] = SEND_COMMAND;
    }
    return redis_conn_send(f->conn, argv + skipped, 8 + count - skipped, on_answer, call);
}

/* ---- Public ---------------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(readability-function-size): called once per program */
struct functions *functions_new(struct ev_loop *loop, const struct redis_conn_config *config,
                                const struct redis_conn_handler *handler, void *ctx,
                                const char *prefix, const struct functions_caller *caller)
{
    static const struct redis_conn_handler inner = {.up = on_up, .down = on_down};
    struct functions *f = must(calloc(1, sizeof *f));
    bool versioned = library_version(&f->ours);
    assert(versioned);
    (void)versioned;
    f->handler = *handler;
    f->owner = ctx;
    f->prefix = prefix;
    f->caller = caller;
    (void)snprintf(f->why, sizeof f->why, "redis has not answered yet");
    f->conn = redis_conn_new(loop, config, &inner, f);
    return f;
}

void functions_free(struct functions *f)
{
    if (!f) {
        return;
    }
    f->up = false;
    redis_conn_free(f->conn);
    if (f->freed) {
        *f->freed = true;
    }
    free(f);
}

void functions_use_module(struct functions *f)
{
    f->use_module = true;
}

bool functions_is_up(const struct functions *f)
{
    return f->up;
}

bool functions_works(const struct functions *f, struct buf *why)
{
    if (f->up && f->why[0] == '\0') {
        return true;
    }
    buf_append(why, slice_text(f->why));
    return false;
}

void functions_reset(struct functions *f, const char *why)
{
    redis_conn_reset(f->conn, why);
}

bool functions_local_host(const struct functions *f, char host[REDIS_CONN_HOST_MAX + 1])
{
    return redis_conn_local_host(f->conn, host);
}

/* NOLINTNEXTLINE(readability-function-size): args and count are one argument */
bool functions_call(struct functions *f, const char *name, const struct slice *args, size_t count,
                    redis_reply_fn *fn, void *arg)
{
    if (!f->up || count > FUNCTIONS_ARGS_MAX) {
        return false;
    }
    struct call *call = malloc(sizeof *call);
    if (!call) {
        return false;
    }
    *call = (struct call){.functions = f,
                          .fn = fn,
                          .arg = arg,
                          .begun_us = clock_mono_us(),
                          .name = place_of(&f->stats, name)};
    if (!send_call(f, name, args, count, call)) {
        free(call);
        return false;
    }
    return true;
}

bool functions_command(struct functions *f, const struct slice *argv, size_t argc,
                       redis_reply_fn *fn, void *arg)
{
    return f->up && redis_conn_send(f->conn, argv, argc, fn, arg);
}

const struct functions_stats *functions_stats(const struct functions *f)
{
    return &f->stats;
}
