/* test_resolver_ev.c - names are looked up on the side, and may be given up at any moment */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*) */
#define _GNU_SOURCE /* pthread_setattr_default_np */
#include "shared/log.h"
#include "shared/resolver_ev.h"
#include "tests/support/lookup.h"
#include "tests/support/loop.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the others */
#include <cmocka.h>

#define NAME "redis.example"

struct world {
    struct ev_loop *loop;
    struct resolver *resolver;
    unsigned answers;
    unsigned addresses; /* in the last answer */
    char why[160];
    bool free_in_done;
};

static void on_done(void *ctx, const struct addrinfo *found, const char *why)
{
    struct world *w = ctx;
    w->answers++;
    w->addresses = 0;
    snprintf(w->why, sizeof w->why, "%s", found ? "" : why);
    if (w->free_in_done) {
        resolver_free(w->resolver);
        w->resolver = NULL;
    }
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        w->addresses++;
    }
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->loop = test_loop();
    lookup_begin();
    lookup_script.addresses[0] = "192.0.2.1";
    lookup_script.addresses[1] = "2001:db8::1";
    w->resolver = resolver_new(&(const struct resolver_config){.loop = w->loop,
                                                               .host = NAME,
                                                               .port = 65535,
                                                               .lookup = lookup_play,
                                                               .done = on_done,
                                                               .ctx = w});
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    resolver_free(w->resolver);
    lookup_end();
    ev_loop_destroy(w->loop);
    free(w);
    return 0;
}

static void count_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    unsigned *turns = timer->data;
    (void)loop;
    (void)events;
    (*turns)++;
}

/* Turns the loop `count` times. */
static void turn(struct world *w, unsigned count)
{
    unsigned turns = 0;
    ev_timer timer;
    ev_timer_init(&timer, count_turn, 0.001, 0.001);
    timer.data = &turns;
    ev_timer_start(w->loop, &timer);
    UNTIL(w->loop, turns >= count);
    ev_timer_stop(w->loop, &timer);
}

static void every_address_is_told(void **state)
{
    struct world *w = *state;
    resolver_ask(w->resolver);
    assert_int_equal(w->answers, 0);
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(w->addresses, 2);
    assert_string_equal(lookup_script.host, NAME);
    assert_string_equal(lookup_script.service, "65535");
    assert_int_equal(lookup_script.hints.ai_flags, AI_ADDRCONFIG | AI_NUMERICSERV);
    assert_int_equal(lookup_script.hints.ai_socktype, SOCK_STREAM);
    assert_int_equal(lookup_script.hints.ai_family, AF_UNSPEC);
}

static void each_ask_looks_anew(void **state)
{
    struct world *w = *state;
    for (unsigned i = 1; i <= 50; i++) {
        resolver_ask(w->resolver);
        UNTIL(w->loop, w->answers == i);
        assert_int_equal(w->addresses, 2);
    }
    assert_int_equal(lookup_script.begun, 50);
}

static void the_real_one_knows_localhost(void **state)
{
    struct world *w = *state;
    const struct resolver_config config = {
        .loop = w->loop, .host = "localhost", .port = 1, .done = on_done, .ctx = w};
    struct resolver *real = resolver_new(&config);
    resolver_ask(real);
    UNTIL(w->loop, w->answers == 1);
    assert_in_range(w->addresses, 1, 4);
    resolver_free(real);
}

static void the_loop_turns_while_a_lookup_hangs(void **state)
{
    struct world *w = *state;
    lookup_script.hang = true;
    resolver_ask(w->resolver);
    turn(w, 20);
    assert_int_equal(w->answers, 0);
    lookup_release();
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(w->addresses, 2);
}

static void the_thread_takes_no_signals(void **state)
{
    struct world *w = *state;
    sigset_t blocked;
    resolver_ask(w->resolver);
    UNTIL(w->loop, w->answers == 1);
    assert_false(lookup_script.takes_signals);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGALRM)); /* ours are as before */
}

static void failures_say_why(void **state)
{
    static const struct {
        int error, error_number;
    } cases[] = {
        {EAI_NONAME, 0     },
        {EAI_AGAIN,  ENOENT},
        {EAI_SYSTEM, EMFILE},
    };
    struct world *w = *state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        lookup_script.error = cases[i].error;
        lookup_script.error_number = cases[i].error_number;
        resolver_ask(w->resolver);
        UNTIL(w->loop, w->answers == i + 1);
        assert_int_equal(w->addresses, 0);
        assert_string_equal(w->why, cases[i].error == EAI_SYSTEM ? strerror(EMFILE)
                                                                 : gai_strerror(cases[i].error));
        lookup_wait(i + 1); /* the script may change again */
    }
}

/* As where the number of processes is limited: the stack is larger than any memory. */
static void a_thread_that_cannot_be_had_is_a_failure(void **state)
{
    struct world *w = *state;
    pthread_attr_t before, huge;
    assert_int_equal(pthread_getattr_default_np(&before), 0);
    assert_int_equal(pthread_attr_init(&huge), 0);
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    resolver_ask(w->resolver);
    assert_int_equal(pthread_setattr_default_np(&before), 0);
    assert_int_equal(w->answers, 0);
    UNTIL(w->loop, w->answers == 1);
    assert_string_equal(w->why, strerror(EAGAIN));
    assert_int_equal(lookup_script.begun, 0);
    resolver_ask(w->resolver);
    UNTIL(w->loop, w->answers == 2);
    assert_int_equal(w->addresses, 2);
}

/* Nothing is found, and nothing is wrong: it is not taken for an address. */
static void an_empty_answer_is_a_failure(void **state)
{
    struct world *w = *state;
    lookup_script.addresses[0] = NULL;
    resolver_ask(w->resolver);
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(w->addresses, 0);
    assert_string_equal(w->why, gai_strerror(EAI_NONAME));
}

static void whoever_asks_while_one_hangs_waits_for_it(void **state)
{
    struct world *w = *state;
    lookup_script.hang = true;
    for (unsigned i = 0; i < 5; i++) {
        resolver_ask(w->resolver);
        turn(w, 3);
        resolver_give_up(w->resolver);
        turn(w, 3);
    }
    resolver_ask(w->resolver);
    lookup_release();
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(w->addresses, 2);
    assert_int_equal(lookup_script.begun, 1);
}

static void an_answer_that_comes_too_late_is_for_the_next(void **state)
{
    struct world *w = *state;
    lookup_script.hang = true;
    resolver_ask(w->resolver);
    resolver_give_up(w->resolver);
    lookup_release();
    lookup_wait(1);
    turn(w, 2);
    assert_int_equal(w->answers, 0);
    resolver_ask(w->resolver);
    assert_int_equal(w->answers, 0);
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(w->addresses, 2);
    assert_int_equal(lookup_script.begun, 1);
    lookup_script.hang = false;
    resolver_ask(w->resolver); /* once */
    UNTIL(w->loop, w->answers == 2);
    assert_int_equal(lookup_script.begun, 2);
}

static void a_failure_that_comes_too_late_is_for_nobody(void **state)
{
    struct world *w = *state;
    lookup_script.error = EAI_AGAIN;
    resolver_ask(w->resolver);
    resolver_give_up(w->resolver);
    lookup_wait(1);
    turn(w, 2);
    lookup_script.error = 0;
    resolver_ask(w->resolver);
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(w->addresses, 2);
    assert_int_equal(lookup_script.begun, 2);
}

static void what_was_kept_may_be_given_up_again(void **state)
{
    struct world *w = *state;
    resolver_ask(w->resolver);
    resolver_give_up(w->resolver);
    lookup_wait(1);
    turn(w, 2);
    resolver_ask(w->resolver);
    resolver_give_up(w->resolver);
    turn(w, 2);
    assert_int_equal(w->answers, 0);
    resolver_ask(w->resolver);
    UNTIL(w->loop, w->answers == 1);
    assert_int_equal(lookup_script.begun, 1);
}

static void may_be_freed_while_a_lookup_hangs(void **state)
{
    struct world *w = *state;
    lookup_script.hang = true;
    resolver_ask(w->resolver);
    while (lookup_script.begun == 0) {
        turn(w, 1);
    }
    resolver_free(w->resolver); /* at once: nobody has released it */
    w->resolver = NULL;
    turn(w, 3);
    lookup_release();
    lookup_wait(1);
    turn(w, 3);
    assert_int_equal(w->answers, 0);
}

static void may_be_freed_before_the_loop_heard_the_answer(void **state)
{
    struct world *w = *state;
    resolver_ask(w->resolver);
    lookup_wait(1);
    resolver_free(w->resolver);
    w->resolver = NULL;
    turn(w, 3);
    assert_int_equal(w->answers, 0);
}

static void may_be_freed_by_who_hears_the_answer(void **state)
{
    struct world *w = *state;
    w->free_in_done = true;
    resolver_ask(w->resolver);
    UNTIL(w->loop, w->answers == 1);
    assert_null(w->resolver);
    assert_int_equal(w->addresses, 2); /* still there */
}

/* Both ends at any moment: what is wrong shows under the sanitizers. */
static void freeing_may_cross_the_answer(void **state)
{
    struct world *w = *state;
    const struct resolver_config config = {
        .loop = w->loop, .host = NAME, .port = 1, .lookup = lookup_play, .done = on_done, .ctx = w};
    for (unsigned i = 0; i < 300; i++) {
        struct resolver *resolver = resolver_new(&config);
        resolver_ask(resolver);
        for (volatile unsigned spin = 0; spin < i * 500; spin++) {
        }
        resolver_free(resolver);
        lookup_wait(i + 1);
    }
    turn(w, 2);
    assert_int_equal(w->answers, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_address_is_told),
        T(each_ask_looks_anew),
        T(the_real_one_knows_localhost),
        T(the_loop_turns_while_a_lookup_hangs),
        T(the_thread_takes_no_signals),
        T(failures_say_why),
        T(a_thread_that_cannot_be_had_is_a_failure),
        T(an_empty_answer_is_a_failure),
        T(whoever_asks_while_one_hangs_waits_for_it),
        T(an_answer_that_comes_too_late_is_for_the_next),
        T(a_failure_that_comes_too_late_is_for_nobody),
        T(what_was_kept_may_be_given_up_again),
        T(may_be_freed_while_a_lookup_hangs),
        T(may_be_freed_before_the_loop_heard_the_answer),
        T(may_be_freed_by_who_hears_the_answer),
        T(freeing_may_cross_the_answer),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("resolver_ev", tests, NULL, NULL);
}
