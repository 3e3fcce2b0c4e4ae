/* test_functions.c - loading of the function library and calls to it */
#include "shared/functions.h"
#include "shared/log.h"
#include "tests/support/redis_puppet.h"
#include "tests/support/redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the three above */
#include <cmocka.h>

#define CROWD 8

struct world {
    struct ev_loop *loop;
    struct redis_server server;
    struct redis_puppet fake;
    struct redis_conn_config config;
    struct functions_caller caller;
    struct functions *functions;
    bool free_on_null;
    unsigned ups, downs, answers, nulls, nulls_at_down;
    char why[256];
    char status[32];
    char epoch[EPOCH_MAX + 1];
};

static void on_up(void *ctx)
{
    struct world *w = ctx;
    w->ups++;
}

static void on_down(void *ctx, const char *why)
{
    struct world *w = ctx;
    w->downs++;
    w->nulls_at_down = w->nulls;
    snprintf(w->why, sizeof w->why, "%s", why);
}

static void on_answer(void *arg, const struct redis_reply *reply)
{
    struct world *w = arg;
    struct slice status = redis_reply_text_at(reply, 0);
    struct slice epoch = functions_epoch(reply);
    w->answers++;
    w->nulls += reply ? 0 : 1;
    snprintf(w->status, sizeof w->status, "%.*s", (int)status.len, status.ptr);
    snprintf(w->epoch, sizeof w->epoch, "%.*s", (int)epoch.len, epoch.ptr);
    if (!reply && w->free_on_null) {
        functions_free(w->functions);
        w->functions = NULL;
    }
}

static const struct redis_conn_handler handler = {.up = on_up, .down = on_down};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->loop = test_loop();
    redis_server_start(&w->server);
    redis_puppet_init(&w->fake, w->loop);
    w->caller = (struct functions_caller){.grace_ms = 30000, .lease_ms = 10000};
    w->config = (struct redis_conn_config){.url = w->server.url,
                                           .name = "test",
                                           .connect_timeout_ms = 20000,
                                           .command_timeout_ms = 20000,
                                           .backoff_min_ms = 2,
                                           .backoff_max_ms = 20};
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    functions_free(w->functions);
    redis_puppet_deinit(&w->fake);
    redis_server_stop(&w->server);
    ev_loop_destroy(w->loop);
    free(w);
    return 0;
}

static struct functions *start(struct world *w)
{
    return functions_new(w->loop, &w->config, &handler, w, "{chat}:", &w->caller);
}

static void start_and_come_up(struct world *w)
{
    unsigned before = w->ups;
    w->functions = start(w);
    UNTIL(w->loop, w->ups == before + 1);
}

/* An operator's command; the reply's text. */
static const char *admin(struct world *w, const char *a, const char *b, const char *c)
{
    static char text[256];
    const char *argv[] = {a, b, c};
    redisReply *reply = redisCommandArgv(w->server.admin, c ? 3 : 2, argv, NULL);
    snprintf(text, sizeof text, "%s", reply && reply->str ? reply->str : "");
    freeReplyObject(reply);
    return text;
}

static const char *loaded_version(struct world *w)
{
    return admin(w, "FCALL_RO", "parley_version", "0");
}

/* A library of our name that knows nothing but its version. */
static void preload(struct world *w, const char *version)
{
    char text[256];
    snprintf(text, sizeof text,
             "#!lua name=parley\n"
             "redis.register_function{function_name='parley_version', flags={'no-writes'},"
             " callback=function() return '%s' end}",
             version);
    assert_string_equal(admin(w, "FUNCTION", "LOAD", text), "parley");
}

static void sweep(struct world *w)
{
    unsigned before = w->answers;
    assert_true(functions_call(w->functions, "parley_sweep", NULL, 0, on_answer, w));
    UNTIL(w->loop, w->answers == before + 1);
}

/* ---- Loading --------------------------------------------------------------------------------- */

static void an_empty_server_is_loaded(void **state)
{
    struct world *w = *state;
    assert_non_null(strstr(loaded_version(w), "Function not found"));
    start_and_come_up(w);
    assert_true(functions_is_up(w->functions));
    assert_true(loaded_version(w)[0] >= '0' && loaded_version(w)[0] <= '9');
    sweep(w);
    assert_int_equal(strlen(w->epoch), 16);
    assert_int_equal(w->nulls, 0);
    assert_int_equal(w->downs, 0);
}

static void a_loaded_library_is_left_alone(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    functions_free(w->functions);
    admin(w, "CONFIG", "RESETSTAT", NULL);
    start_and_come_up(w);
    redisReply *stats = redisCommand(w->server.admin, "INFO commandstats");
    assert_non_null(strstr(stats->str, "cmdstat_fcall_ro"));
    assert_null(strstr(stats->str, "cmdstat_function|load"));
    freeReplyObject(stats);
}

static void a_lower_version_is_replaced(void **state)
{
    struct world *w = *state;
    preload(w, "0.9");
    start_and_come_up(w);
    assert_string_not_equal(loaded_version(w), "0.9");
    sweep(w);
    assert_int_equal(w->nulls, 0);
    assert_true(w->epoch[0] != '\0');
}

static void a_newer_minor_is_kept(void **state)
{
    struct world *w = *state;
    preload(w, "1.999");
    start_and_come_up(w);
    assert_string_equal(loaded_version(w), "1.999");
}

static void a_version_that_is_none_is_not_touched(void **state)
{
    struct world *w = *state;
    preload(w, "new");
    w->functions = start(w);
    UNTIL(w->loop, w->downs == 2);
    assert_int_equal(w->ups, 0);
    assert_non_null(strstr(w->why, "does not tell the function library's version: new"));
    assert_string_equal(loaded_version(w), "new");
}

/* How many times FUNCTION LOAD was refused. */
static unsigned long refused_loads(struct world *w)
{
    redisReply *stats = redisCommand(w->server.admin, "INFO commandstats");
    const char *line = strstr(stats->str, "cmdstat_function|load:");
    const char *failed = line ? strstr(line, "failed_calls=") : NULL;
    unsigned long count = failed ? strtoul(failed + strlen("failed_calls="), NULL, 10) : 0;
    freeReplyObject(stats);
    return count;
}

static void many_load_at_once(void **state)
{
    struct world *w = *state;
    struct functions *crowd[CROWD];
    while (refused_loads(w) == 0) { /* until somebody was the second */
        admin(w, "FUNCTION", "FLUSH", NULL);
        w->ups = 0;
        for (size_t i = 0; i < CROWD; i++) {
            crowd[i] = start(w);
        }
        UNTIL(w->loop, w->ups == CROWD);
        for (size_t i = 0; i < CROWD; i++) {
            functions_free(crowd[i]);
        }
    }
    assert_int_equal(w->downs, 0);
}

static void a_flushed_library_is_loaded_again(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    admin(w, "FUNCTION", "FLUSH", NULL);
    assert_true(functions_call(w->functions, "parley_sweep", NULL, 0, on_answer, w));
    assert_true(functions_call(w->functions, "parley_sweep", NULL, 0, on_answer, w));
    UNTIL(w->loop, w->downs == 1);
    assert_int_equal(w->nulls_at_down, 2);
    assert_string_equal(w->why, "Redis has lost the function library");
    assert_false(functions_is_up(w->functions));
    assert_false(functions_call(w->functions, "parley_sweep", NULL, 0, on_answer, w));
    UNTIL(w->loop, w->ups == 2);
    sweep(w);
    assert_int_equal(w->nulls, 2);
    assert_true(w->epoch[0] != '\0');
}

static void a_lost_library_may_end_its_owner(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    admin(w, "FUNCTION", "FLUSH", NULL);
    w->free_on_null = true;
    assert_true(functions_call(w->functions, "parley_sweep", NULL, 0, on_answer, w));
    UNTIL(w->loop, w->nulls == 1);
    assert_null(w->functions);
    assert_int_equal(w->downs, 0);
}

static void a_library_that_does_not_stay_is_given_up(void **state)
{
    struct world *w = *state;
    redis_puppet_listen(&w->fake);
    w->config.url = w->fake.url;
    w->fake.version = "-ERR Function not found\r\n";
    w->functions = start(w);
    UNTIL(w->loop, w->downs == 1);
    assert_string_equal(w->why, "the function library does not stay loaded");
    assert_in_range(w->fake.commands, 2, 8); /* FUNCTION LOAD */
    w->fake.version = "+1.999\r\n";
    UNTIL(w->loop, w->ups == 1);
}

static void a_user_who_may_not_load_says_so(void **state)
{
    struct world *w = *state;
    char url[160];
    freeReplyObject(
        redisCommand(w->server.admin, "ACL SETUSER limited on >pw ~* &* +@all -function"));
    snprintf(url, sizeof url, "unix://limited:pw@%s", w->server.socket);
    w->config.url = url;
    w->functions = start(w);
    UNTIL(w->loop, w->downs == 2);
    assert_non_null(strstr(w->why, "refuses the function library: NOPERM"));
    assert_int_equal(w->ups, 0);
    assert_int_equal(functions_stats(w->functions)->losses, 0); /* nobody had it */
}

/* ---- Ending the program ---------------------------------------------------------------------- */

/* Runs `start` until the program ends, in a child; returns its exit status, or minus the signal
 * that ended it, and the beginning of its output.  All of the output is read: a child that has more
 * to say (a sanitizer's report) must not die of a pipe that nobody reads. */
static int end_of_child(struct world *w, char *output, size_t size)
{
    int ends[2];
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL); /* else the child, which ends by exit(), writes it once more */
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        alarm(WATCHDOG_S);
        ev_loop_fork(w->loop);
        w->functions = start(w);
        UNTIL(w->loop, w->ups > 0);
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    char bytes[1024];
    ssize_t n;
    while ((n = read(ends[0], bytes, sizeof bytes)) > 0) {
        size_t kept = (size_t)n < size - 1 - used ? (size_t)n : size - 1 - used;
        memcpy(output + used, bytes, kept);
        used += kept;
    }
    output[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_newer_major_ends_the_program(void **state)
{
    struct world *w = *state;
    char output[4096];
    preload(w, "99.1");
    int status = end_of_child(w, output, sizeof output);
    if (status != EXIT_FAILURE) {
        fail_msg("%d: %s", status, output);
    }
    assert_non_null(strstr(output, "the function library in Redis has version 99.1, newer than"));
    assert_string_equal(loaded_version(w), "99.1");
}

static void the_servers_version_decides(void **state)
{
    static const struct {
        const char *info;
        int status;
        const char *line;
    } cases[] = {
        {"+redis_version:7.0.15\r\n",                                                 0,            ""                                             },
        {"$56\r\n# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.1\r\nx:y\r\n", 0,            ""                                             },
        {"+redis_version:10.0.0\r\n",                                                 0,            ""                                             },
        {"+redis_version:6.2.6\r\n",                                                  EXIT_FAILURE, "Redis has version \"6.2.6\", but Parley needs"},
        {"$34\r\n# Server\r\nredis_version:6.2.14\r\n\r\n",                           EXIT_FAILURE,
         "Redis has version \"6.2.14\", but Parley needs"                                                                                          },
        {"+redis_version:255.255\x01.255\r\n",                                        EXIT_FAILURE, "255\\x01"                                     },
        {"+redis_version:unknown\r\n",                                                EXIT_FAILURE, "Redis has version \"unknown\""                },
    };
    struct world *w = *state;
    redis_puppet_listen(&w->fake);
    w->config.url = w->fake.url;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char output[4096];
        w->fake.info = cases[i].info;
        if (end_of_child(w, output, sizeof output) != cases[i].status ||
            !strstr(output, cases[i].line)) {
            fail_msg("%s gives: %s", cases[i].info, output);
        }
    }
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void a_call_says_who_calls(void **state)
{
    struct world *w = *state;
    struct slice args[] = {SLICE("alice"), SLICE("")};
    redis_puppet_listen(&w->fake);
    w->config.url = w->fake.url;
    start_and_come_up(w);
    buf_clear(&w->fake.log);
    snprintf(w->caller.epoch, sizeof w->caller.epoch, "0123abcd");
    w->caller.seen = 123456789012345ULL;
    assert_true(functions_call(w->functions, "parley_x", args, 2, on_answer, w));
    UNTIL(w->loop, w->answers == 1);
    assert_string_equal(w->fake.log.ptr,
                        "FCALL parley_x 1 {chat}: 0123abcd 123456789012345 30000 10000 alice \n");
    struct slice command[] = {SLICE("PUBLISH"), SLICE("a"), SLICE("b")};
    assert_true(functions_command(w->functions, command, 3, on_answer, w));
    UNTIL(w->loop, w->answers == 2);
    assert_non_null(strstr(w->fake.log.ptr, "\nPUBLISH a b\n"));
}

static void an_error_of_a_function_is_an_answer(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    assert_true(functions_call(w->functions, "parley_login", NULL, 0, on_answer, w));
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(w->nulls, 0);
    assert_int_equal(w->downs, 0);
}

static void the_number_of_arguments_is_limited(void **state)
{
    struct world *w = *state;
    struct slice args[FUNCTIONS_ARGS_MAX + 1];
    for (size_t i = 0; i < FUNCTIONS_ARGS_MAX + 1; i++) {
        args[i] = SLICE("x");
    }
    w->functions = start(w);
    assert_false(functions_call(w->functions, "parley_x", args, 1, on_answer, w)); /* not up */
    assert_false(functions_command(w->functions, args, 1, on_answer, w));
    UNTIL(w->loop, w->ups == 1);
    assert_false(
        functions_call(w->functions, "parley_sweep", args, FUNCTIONS_ARGS_MAX + 1, on_answer, w));
    assert_true(
        functions_call(w->functions, "parley_sweep", args, FUNCTIONS_ARGS_MAX, on_answer, w));
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(w->nulls, 0);
}

static void calls_under_way_get_null_when_freed(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    assert_true(functions_call(w->functions, "parley_sweep", NULL, 0, on_answer, w));
    assert_true(functions_call(w->functions, "parley_sweep", NULL, 0, NULL, NULL));
    functions_free(w->functions);
    w->functions = NULL;
    assert_int_equal(w->nulls, 1);
    assert_int_equal(w->downs, 0);
}

/* ---- What is counted ------------------------------------------------------------------------- */

static uint64_t observed(const struct histogram *h)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        sum += h->at[i];
    }
    return sum;
}

static void calls_are_counted_by_name(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    const struct functions_stats *stats = functions_stats(w->functions);
    assert_int_equal(stats->count, 0);
    assert_int_equal(stats->up, 1);
    sweep(w);
    sweep(w);
    assert_true(functions_call(w->functions, "parley_login", NULL, 0, on_answer, w)); /* an error */
    UNTIL(w->loop, w->answers == 3);
    assert_int_equal(stats->count, 2);
    assert_string_equal(stats->names[0], "parley_sweep");
    assert_string_equal(stats->names[1], "parley_login");
    assert_int_equal(observed(&stats->calls[0]), 2);
    assert_int_equal(observed(&stats->calls[1]), 1);
    assert_true(stats->calls[0].sum_us > 0);
    assert_int_equal(stats->refused, 1);
    assert_int_equal(stats->unanswered, 0);
}

static void losses_and_lost_calls_are_counted(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    const struct functions_stats *stats = functions_stats(w->functions);
    assert_true(functions_call(w->functions, "parley_sweep", NULL, 0, NULL, NULL));
    functions_reset(w->functions, "test");
    assert_int_equal(stats->unanswered, 1);
    assert_int_equal(stats->losses, 1);
    assert_int_equal(stats->up, 0);
    assert_int_equal(observed(&stats->calls[0]), 0);
    UNTIL(w->loop, w->ups == 2);
    assert_int_equal(stats->connects, 2);
    assert_int_equal(stats->losses, 1);
    assert_int_equal(stats->up, 1);
}

/* Ours are few; should there be more, nothing grows. */
static void too_many_names_share_the_last_place(void **state)
{
    static char names[FUNCTIONS_NAMES_MAX + 3][16];
    struct world *w = *state;
    redis_puppet_listen(&w->fake);
    w->config.url = w->fake.url;
    start_and_come_up(w);
    const struct functions_stats *stats = functions_stats(w->functions);
    for (size_t i = 0; i < FUNCTIONS_NAMES_MAX + 3; i++) {
        snprintf(names[i], sizeof names[i], "x%zu", i);
        assert_true(functions_call(w->functions, names[i], NULL, 0, on_answer, w));
    }
    UNTIL(w->loop, w->answers == FUNCTIONS_NAMES_MAX + 3);
    assert_int_equal(stats->count, FUNCTIONS_NAMES_MAX);
    assert_string_equal(stats->names[FUNCTIONS_NAMES_MAX - 1], "other");
    assert_int_equal(observed(&stats->calls[0]), 1);
    assert_int_equal(observed(&stats->calls[FUNCTIONS_NAMES_MAX - 1]), 4);
}

/* ---- Does Redis take calls? ------------------------------------------------------------------ */

static const char *trouble(struct world *w)
{
    static char text[256];
    struct buf why;
    buf_init(&why, 256);
    bool works = functions_works(w->functions, &why);
    snprintf(text, sizeof text, "%.*s", (int)why.len, why.len ? why.ptr : "");
    assert_int_equal(works, why.len == 0);
    buf_deinit(&why);
    return text;
}

static void only_an_answer_proves_that_calls_work(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    assert_string_equal(trouble(w), "redis has not answered yet");
    sweep(w);
    assert_string_equal(trouble(w), "");
    functions_reset(w->functions, "the test wants it");
    assert_string_equal(trouble(w), "redis is away: the test wants it");
    UNTIL(w->loop, w->ups == 2);
    assert_string_equal(trouble(w), "redis is away: the test wants it");
    sweep(w);
    assert_string_equal(trouble(w), "");
}

static void a_refusal_of_all_calls_is_trouble_until_one_is_answered(void **state)
{
    static const struct {
        const char *answer, *why; /* why: "" no trouble */
    } cases[] = {
        {"-NOPERM no\r\n",     "redis refuses calls: NOPERM no"   },
        {"-BUSY \x01 \r\n",    "redis refuses calls: BUSY \\x01 " },
        {"-MISCONF disk\r\n",  "redis refuses calls: MISCONF disk"},
        {"-OOM full\r\n",      ""                                 },
        {"-ERR parley: x\r\n", ""                                 },
        {"-WRONGTYPE x\r\n",   ""                                 },
    };
    struct world *w = *state;
    redis_puppet_listen(&w->fake);
    w->config.url = w->fake.url;
    start_and_come_up(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        w->fake.answer = "+OK\r\n";
        sweep(w);
        assert_string_equal(trouble(w), "");
        w->fake.answer = cases[i].answer;
        sweep(w);
        assert_string_equal(trouble(w), cases[i].why);
    }
    assert_int_equal(w->downs, 0);
    assert_int_equal(w->nulls, 0);
}

static void a_replica_is_left(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    sweep(w);
    redisFree(w->server.admin); /* it stays as it is; a new one must be no slower to answer */
    w->server.admin = redisConnectUnix(w->server.socket);
    redisReply *reply = redisCommand(w->server.admin, "REPLICAOF 127.0.0.1 1");
    assert_non_null(reply);
    assert_string_equal(reply->str, "OK");
    freeReplyObject(reply);
    assert_true(functions_call(w->functions, "parley_sweep", NULL, 0, on_answer, w));
    UNTIL(w->loop, w->downs == 1);
    assert_int_equal(w->nulls_at_down, 1);
    assert_non_null(strstr(w->why, "READONLY"));
    UNTIL(w->loop, w->downs == 2);
    assert_non_null(strstr(w->why, "not a master, but: slave"));
    assert_int_equal(w->ups, 1);
    reply = redisCommand(w->server.admin, "REPLICAOF NO ONE");
    assert_non_null(reply);
    freeReplyObject(reply);
    UNTIL(w->loop, w->ups == 2);
    sweep(w);
    assert_string_equal(trouble(w), "");
}

/* ---- The module ------------------------------------------------------------------------------ */

/* Comes up, and sends. */
static void send_with(struct world *w, const char *module)
{
    const struct slice args[] = {SLICE("gw"), SLICE("1")};
    w->fake.module = module;
    if (!w->functions) {
        redis_puppet_listen(&w->fake);
        w->config.url = w->fake.url;
        w->functions = start(w);
        functions_use_module(w->functions);
    }
    unsigned before = w->answers;
    UNTIL(w->loop, functions_is_up(w->functions));
    buf_clear(&w->fake.log);
    assert_true(functions_call(w->functions, "parley_send", args, 2, on_answer, w));
    UNTIL(w->loop, w->answers == before + 1);
}

static void messages_go_to_a_module_that_is_there(void **state)
{
    struct world *w = *state;
    send_with(w, "$3\r\n1.7\r\n");
    assert_string_equal(w->fake.log.ptr, "PARLEY.SEND {chat}:  0 30000 10000 gw 1\n");
    buf_clear(&w->fake.log);
    sweep(w);
    assert_string_equal(w->fake.log.ptr, "FCALL parley_sweep 1 {chat}:  0 30000 10000\n");
    assert_string_equal(functions_stats(w->functions)->names[0], "parley_send");
}

static void they_do_when_it_is_there_and_redis_refuses_messages(void **state)
{
    struct world *w = *state;
    const char *answers[] = {"-NOREPLICAS Not enough good replicas to write.\r\n",
                             "-OOM command not allowed when used memory > 'maxmemory'.\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        send_with(w, answers[i]);
        assert_string_equal(w->fake.log.ptr, "PARLEY.SEND {chat}:  0 30000 10000 gw 1\n");
        functions_reset(w->functions, "once more");
        UNTIL(w->loop, !functions_is_up(w->functions));
    }
}

static void without_one_that_is_for_us_they_go_to_the_library(void **state)
{
    struct world *w = *state;
    const char *answers[] = {"-ERR unknown command 'PARLEY.SEND'\r\n",
                             "-NOPERM this user has no permissions\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        send_with(w, answers[i]);
        assert_string_equal(w->fake.log.ptr, "FCALL parley_send 1 {chat}:  0 30000 10000 gw 1\n");
        functions_reset(w->functions, "once more");
        UNTIL(w->loop, !functions_is_up(w->functions));
    }
}

static void one_that_goes_is_done_without(void **state)
{
    struct world *w = *state;
    const struct slice args[] = {SLICE("gw"), SLICE("1")};
    const char *answers[] = {"-ERR unknown command 'PARLEY.SEND', with args beginning with: \r\n",
                             "-NOPERM this user has no permissions to run the command\r\n"};
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        send_with(w, "$3\r\n1.7\r\n");
        assert_non_null(strstr(w->fake.log.ptr, "PARLEY.SEND"));
        w->fake.answer = w->fake.module = answers[i];
        assert_true(functions_call(w->functions, "parley_send", args, 2, on_answer, w));
        UNTIL(w->loop, w->downs == 2 * i + 1);
        assert_string_equal(w->why, "Redis has lost the module, or keeps it from us");
        assert_int_equal(w->nulls_at_down, i + 1);
        w->fake.answer = "+OK\r\n";
        send_with(w, w->fake.module);
        assert_string_equal(w->fake.log.ptr, "FCALL parley_send 1 {chat}:  0 30000 10000 gw 1\n");
        functions_reset(w->functions, "once more");
        UNTIL(w->loop, !functions_is_up(w->functions));
    }
}

static void who_sends_no_messages_asks_for_no_module(void **state)
{
    struct world *w = *state;
    redis_puppet_listen(&w->fake);
    w->config.url = w->fake.url;
    start_and_come_up(w);
    assert_null(strstr(w->fake.log.ptr, "PARLEY.SEND"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_empty_server_is_loaded),
        T(a_loaded_library_is_left_alone),
        T(a_lower_version_is_replaced),
        T(a_newer_minor_is_kept),
        T(a_version_that_is_none_is_not_touched),
        T(many_load_at_once),
        T(a_flushed_library_is_loaded_again),
        T(a_lost_library_may_end_its_owner),
        T(a_library_that_does_not_stay_is_given_up),
        T(a_user_who_may_not_load_says_so),
        T(a_newer_major_ends_the_program),
        T(the_servers_version_decides),
        T(a_call_says_who_calls),
        T(an_error_of_a_function_is_an_answer),
        T(the_number_of_arguments_is_limited),
        T(calls_under_way_get_null_when_freed),
        T(calls_are_counted_by_name),
        T(losses_and_lost_calls_are_counted),
        T(too_many_names_share_the_last_place),
        T(only_an_answer_proves_that_calls_work),
        T(a_refusal_of_all_calls_is_trouble_until_one_is_answered),
        T(a_replica_is_left),
        T(messages_go_to_a_module_that_is_there),
        T(they_do_when_it_is_there_and_redis_refuses_messages),
        T(without_one_that_is_for_us_they_go_to_the_library),
        T(one_that_goes_is_done_without),
        T(who_sends_no_messages_asks_for_no_module),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("functions", tests, NULL, NULL);
}
