/* test_where.c - where other gateways are: asked in Redis, told again for a while, never a wrong
 * key
 */
#include "gateway-svc/relay/where.h"
#include "shared/clock.h"
#include "tests/support/exact_copy.h"
#include "tests/support/fake_redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct functions_caller caller;
static struct functions *commands;
static struct where *where;
static char told[400]; /* "name=address;" of each answer */
static uint64_t now_ms;

uint64_t clock_mono_ms(void)
{
    return now_ms;
}

uint64_t clock_mono_us(void)
{
    return now_ms * 1000;
}

uint64_t clock_unix_ms(void)
{
    return now_ms;
}

static void on_up(void *ctx)
{
    (void)ctx;
}

static void on_down(void *ctx, const char *why)
{
    (void)ctx;
    (void)why;
}

static int setup(void **state)
{
    static const struct redis_conn_config config;
    static const struct redis_conn_handler handler = {.up = on_up, .down = on_down};
    (void)state;
    now_ms = 5000;
    told[0] = '\0';
    commands = functions_new(NULL, &config, &handler, NULL, "{chat}:", &caller);
    fake_commands_up();
    where = where_new(commands, "{chat}:");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    functions_free(commands);
    where_free(where);
    return 0;
}

static void on_told(void *arg, struct slice address)
{
    size_t n = strlen(told);
    (void)snprintf(told + n, sizeof told - n, "%s=%.*s;", (const char *)arg, (int)address.len,
                   address.ptr ? address.ptr : "");
}

static void ask(const char *id)
{
    static char name[] = "x";
    struct slice copy = exact_copy(slice_text(id));
    where_ask(where, copy, now_ms, on_told, name);
    exact_free(copy);
}

static void assert_told(const char *wanted)
{
    assert_string_equal(told, wanted);
    told[0] = '\0';
}

static void it_is_read_from_the_gateways_own_words(void **state)
{
    (void)state;
    ask("gateway-1.ab_C");
    assert_told("");
    assert_int_equal(fake_calls(), 1);
    assert_string_equal(fake_call(0), "GET {chat}:gateway:gateway-1.ab_C");
    fake_answer_text("{\"host\":\"h\",\"address\":\"10.0.0.7:3000\",\"connections\":3}");
    assert_told("x=10.0.0.7:3000;");
}

static void what_says_no_address_is_nowhere(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"address\":7}",
        "{\"address\":null}",
        "{\"address\":\"\"}",
        "{",
        "{\"address\":\"a\",\"address\":\"b\"}",
        "{\"a\":{\"address\":\"x:1\"}}",
    };
    char large[400];
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ask("g");
        fake_answer_text(texts[i]);
        assert_told("x=;");
    }
    (void)snprintf(large, sizeof large, "{\"address\":\"%0301d\"}", 0);
    ask("g");
    fake_answer_text(large);
    assert_told("x=;");
    ask("g");
    fake_answer_error("NOPERM no permission");
    assert_told("x=;");
}

static void what_can_be_no_id_reaches_no_key(void **state)
{
    static const char *const ids[] = {"",       "a b",      "a:b", "a*", "{x}",
                                      "a\r\nb", "\xc3\xa4", "a/b", "a?"};
    char longest[66];
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        ask(ids[i]);
        assert_told("x=;");
        assert_int_equal(fake_calls(), 0);
    }
    where_ask(where, SLICE("a\0b"), now_ms, on_told, told + sizeof told - 1);
    assert_told("=;");
    memset(longest, 'a', 65);
    longest[65] = '\0';
    ask(longest);
    assert_told("x=;");
    assert_int_equal(fake_calls(), 0);
    longest[64] = '\0';
    ask(longest);
    assert_int_equal(fake_calls(), 1);
    fake_answer_text("{\"address\":\"a:1\"}");
    assert_told("x=a:1;");
}

static void what_was_just_heard_is_told_again(void **state)
{
    (void)state;
    ask("g");
    fake_answer_text("{\"address\":\"a:1\"}");
    assert_told("x=a:1;");
    now_ms += 999;
    ask("g");
    assert_told("x=a:1;");
    ask("h"); /* another is asked for */
    assert_string_equal(fake_call(0), "GET {chat}:gateway:h");
    fake_answer_text("");
    assert_told("x=;");
    now_ms += 1;
    ask("g");
    assert_told("");
    fake_answer_text("{\"address\":\"b:2\"}"); /* it has moved */
    assert_told("x=b:2;");
}

static void one_that_is_nowhere_is_asked_for_each_time(void **state)
{
    (void)state;
    ask("g");
    fake_answer_text("");
    assert_told("x=;");
    ask("g");
    assert_int_equal(fake_calls(), 1);
    fake_answer_text("{\"address\":\"a:1\"}");
    assert_told("x=a:1;");
}

static void while_redis_is_away_what_was_heard_last_counts(void **state)
{
    (void)state;
    ask("g");
    fake_answer_text("{\"address\":\"a:1\"}");
    assert_told("x=a:1;");
    now_ms += 60000;
    ask("g");
    ask("h");
    fake_commands_down(); /* with two questions out */
    assert_told("x=a:1;x=;");
    ask("g");
    ask("h");
    assert_told("x=a:1;x=;");
    fake_commands_up();
    fake_commands_full(true);
    ask("g");
    assert_told("x=a:1;");
}

static void one_that_has_gone_is_forgotten(void **state)
{
    (void)state;
    ask("g");
    fake_answer_text("{\"address\":\"a:1\"}");
    assert_told("x=a:1;");
    now_ms += 1000;
    ask("g");
    fake_answer_text("");
    assert_told("x=;");
    fake_commands_down();
    ask("g");
    assert_told("x=;");
}

static void many_gateways_make_room_for_each_other(void **state)
{
    char id[16], wanted[40];
    (void)state;
    for (int i = 0; i < 200; i++) {
        char text[60];
        (void)snprintf(id, sizeof id, "g%d", i);
        (void)snprintf(text, sizeof text, "{\"address\":\"h:%d\"}", i);
        now_ms++;
        ask(id);
        fake_answer_text(text);
        (void)snprintf(wanted, sizeof wanted, "x=h:%d;", i);
        assert_told(wanted);
    }
    fake_commands_down();
    for (int i = 0; i < 200; i++) { /* the last 64 */
        (void)snprintf(id, sizeof id, "g%d", i);
        (void)snprintf(wanted, sizeof wanted, "x=h:%d;", i);
        ask(id);
        assert_told(i < 200 - 64 ? "x=;" : wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(it_is_read_from_the_gateways_own_words),
        T(what_says_no_address_is_nowhere),
        T(what_can_be_no_id_reaches_no_key),
        T(what_was_just_heard_is_told_again),
        T(one_that_is_nowhere_is_asked_for_each_time),
        T(while_redis_is_away_what_was_heard_last_counts),
        T(one_that_has_gone_is_forgotten),
        T(many_gateways_make_room_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
