/* test_store_redis.c - what auth-svc makes of what Redis answers */
#include "auth-svc/store_redis.h"
#include "tests/support/log_lines.h"
#include "tests/support/redis_puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the three above */
#include <cmocka.h>

#define EPOCH "0123456789abcdef"
#define ANSWER(status, epoch) "*2\r\n+" status "\r\n$" epoch "\r\n"
#define GOOD "16\r\n" EPOCH

struct world {
    struct ev_loop *loop;
    struct redis_puppet fake;
    struct functions_caller caller;
    struct store_redis state;
    struct store store;
    bool up;
    unsigned answers;
    enum store_status status;
};

static void on_up(void *ctx)
{
    struct world *w = ctx;
    w->up = true;
}

static void on_down(void *ctx, const char *why)
{
    (void)ctx;
    (void)why;
}

static void on_answer(void *arg, const struct store_answer *answer)
{
    struct world *w = arg;
    w->answers++;
    w->status = answer->status;
}

static int setup(void **state)
{
    static const struct redis_conn_handler handler = {.up = on_up, .down = on_down};
    struct world *w = calloc(1, sizeof *w);
    w->loop = test_loop();
    redis_puppet_init(&w->fake, w->loop);
    redis_puppet_listen(&w->fake);
    w->caller = (struct functions_caller){.grace_ms = 30000, .lease_ms = 10000};
    const struct redis_conn_config config = {.url = w->fake.url,
                                             .name = "test",
                                             .connect_timeout_ms = 20000,
                                             .command_timeout_ms = 20000,
                                             .backoff_min_ms = 2,
                                             .backoff_max_ms = 20};
    w->state.caller = &w->caller;
    w->state.functions = functions_new(w->loop, &config, &handler, w, "{chat}:", &w->caller);
    w->store = store_redis_port(&w->state);
    UNTIL(w->loop, w->up);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    functions_free(w->state.functions);
    redis_puppet_deinit(&w->fake);
    ev_loop_destroy(w->loop);
    free(w);
    return 0;
}

/* Why it does not work; "" when it does. */
static const char *trouble(const struct world *w)
{
    static char text[1024];
    struct buf why;
    buf_init(&why, sizeof text);
    bool works = store_redis_works(&w->state, &why);
    snprintf(text, sizeof text, "%.*s", (int)why.len, why.len > 0 ? why.ptr : "");
    buf_deinit(&why);
    assert_int_equal(works, text[0] == '\0');
    return text;
}

static enum store_status login(struct world *w)
{
    const struct store_login alice = {SLICE("alice"), SLICE("Alice"), SLICE("00"), 60000, 0};
    unsigned before = w->answers;
    w->store.login(w->store.ctx, &alice, on_answer, w);
    UNTIL(w->loop, w->answers == before + 1);
    return w->status;
}

static void probe(struct world *w)
{
    store_redis_probe(&w->state);
    assert_true(w->state.probing);
    UNTIL(w->loop, !w->state.probing);
}

/* An epoch that the library would refuse must not be called on with: no answer would ever come that
 * corrects it. */
static void an_epoch_that_cannot_be_one_is_not_called_on_with(void **state)
{
    struct world *w = *state;
    w->fake.answer = ANSWER("ok", GOOD);
    assert_int_equal(login(w), STORE_OK);
    assert_string_equal(w->caller.epoch, EPOCH);
    w->fake.answer = ANSWER("ok", "2\r\nzz");
    assert_int_equal(login(w), STORE_UNAVAILABLE);
    assert_string_equal(w->caller.epoch, EPOCH);
    w->fake.answer = ANSWER("taken", "2\r\nab");
    assert_int_equal(login(w), STORE_TAKEN);
    assert_string_equal(w->caller.epoch, "ab");
}

static void whatever_a_probe_must_not_be_answered_is_trouble_until_the_next(void **state)
{
    /* clang-format off */
    static const struct {
        const char *answer, *why; /* why: "" no trouble */
    } cases[] = {
        {ANSWER("unavailable", GOOD), ""},
        {"-WRONGTYPE \x01\r\n", "redis refuses a call: WRONGTYPE \\x01"},
        {"-ERR parley: bad epoch\r\n", "redis refuses a call: ERR parley: bad epoch"},
        {"-NOPERM no\r\n", "redis refuses calls: NOPERM no"},
        {ANSWER("unknown", "3\r\nz\"z"), "redis answers oddly: status=unknown epoch=z\\x22z"},
        {ANSWER("what", GOOD), "redis answers oddly: status=what epoch=" EPOCH},
        {"+OK\r\n", "redis answers oddly: status= epoch="},
    };
    /* clang-format on */
    struct world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        w->fake.answer = ANSWER("unknown", GOOD);
        probe(w);
        assert_string_equal(trouble(w), "");
        assert_string_equal(w->caller.epoch, EPOCH);
        w->fake.answer = cases[i].answer;
        probe(w);
        assert_string_equal(trouble(w), cases[i].why);
        assert_string_equal(w->caller.epoch, EPOCH);
    }
}

/* Nobody is sent to who is not ready, so no request would say it. */
static void a_probe_that_is_refused_is_logged(void **state)
{
    struct world *w = *state;
    struct log_lines log = log_lines_begin();
    w->fake.answer = ANSWER("unknown", GOOD);
    probe(w);
    assert_int_equal(log_lines_with(&log, "redis refused"), 0);
    w->fake.answer = "-NOREPLICAS Not enough good replicas to write.\r\n";
    probe(w);
    log_lines_end(&log);
    assert_int_equal(log_lines_with(&log,
                                    "redis refused call=parley_logout "
                                    "reply=\"NOREPLICAS Not enough good replicas to write.\""),
                     1);
    log_lines_free(&log);
}

/* One bad name, say, is not everybody's. */
static void what_a_user_is_answered_is_no_trouble(void **state)
{
    struct world *w = *state;
    w->fake.answer = ANSWER("unknown", GOOD);
    probe(w);
    w->fake.answer = "-WRONGTYPE x\r\n";
    assert_int_equal(login(w), STORE_UNAVAILABLE);
    assert_string_equal(trouble(w), "");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_epoch_that_cannot_be_one_is_not_called_on_with),
        T(whatever_a_probe_must_not_be_answered_is_trouble_until_the_next),
        T(a_probe_that_is_refused_is_logged),
        T(what_a_user_is_answered_is_no_trouble),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("store_redis", tests, NULL, NULL);
}
