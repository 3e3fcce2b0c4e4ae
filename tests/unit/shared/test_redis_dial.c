/* test_redis_dial.c - a connection's way to its Redis: names, several addresses, sockets */
#include "tests/support/lookup.h"
#include "tests/support/redis_world.h"

#include <sys/un.h>

#define NAME "redis.example"
#define SHORT_MS 300 /* for lookups that hang, while a connection is to come up within it */

static char url[128];

static int setup(void **state)
{
    struct world *w;
    int result = redis_world_setup(state);
    w = *state;
    lookup_begin();
    w->config.lookup = lookup_play;
    snprintf(url, sizeof url, "redis://" NAME ":%u", w->fake.port);
    w->config.url = url;
    return result;
}

static int teardown(void **state)
{
    int result = redis_world_teardown(state);
    lookup_end();
    return result;
}

/* Only 127.0.0.1 listens. */
static void dead_address_first(void)
{
    lookup_script.addresses[0] = "127.0.0.2";
    lookup_script.addresses[1] = "127.0.0.1";
}

static void a_name_is_looked_up(void **state)
{
    struct world *w = *state;
    char service[8];
    lookup_script.addresses[0] = "127.0.0.1";
    start_and_come_up(w);
    snprintf(service, sizeof service, "%u", w->fake.port);
    assert_string_equal(lookup_script.host, NAME);
    assert_string_equal(lookup_script.service, service);
    assert_int_equal(w->downs, 0);
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->replies == 1);
}

static void localhost_is_known(void **state)
{
    struct world *w = *state;
    w->config.lookup = NULL;
    snprintf(url, sizeof url, "redis://localhost:%u", w->fake.port);
    start_and_come_up(w); /* by its second address, maybe */
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->replies == 1);
}

static void an_address_is_not_looked_up(void **state)
{
    static const char *const urls[] = {
        "redis://127.0.0.1:1",
        "redis://[::1]:1",
        "unix:///nonexistent/redis.sock",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        unsigned before = w->downs;
        w->config.url = urls[i];
        start(w);
        UNTIL(w->loop, w->downs > before);
        assert_non_null(strstr(w->why, "cannot connect: "));
        perform(w, FREE);
    }
    w->config.url = w->fake.url;
    start_and_come_up(w);
    assert_int_equal(lookup_script.begun, 0);
}

static void a_name_that_is_none_is_tried_again(void **state)
{
    struct world *w = *state;
    lookup_script.error = EAI_NONAME;
    redis_puppet_listen(&w->fake);
    start(w);
    UNTIL(w->loop, w->downs == 2);
    assert_string_equal(w->why, "cannot connect: host name: Name or service not known");
    assert_int_equal(w->ups, 0);
    perform(w, FREE);
    lookup_wait(2);
}

static void a_dead_address_is_passed_by(void **state)
{
    struct world *w = *state;
    dead_address_first();
    start_and_come_up(w);
    assert_int_equal(w->downs, 1);
    assert_non_null(strstr(w->why, "Connection refused"));
    assert_int_equal(lookup_script.begun, 2);
}

static void an_address_that_worked_stays_the_first(void **state)
{
    struct world *w = *state;
    dead_address_first();
    start_and_come_up(w);
    for (unsigned i = 1; i <= 3; i++) {
        perform(w, RESET);
        UNTIL(w->loop, w->ups == 1 + i);
        assert_int_equal(w->downs, 1 + i);
    }
}

static void every_address_has_its_turn(void **state)
{
    struct world *w = *state;
    lookup_script.addresses[0] = "127.0.0.2";
    lookup_script.addresses[1] = "::1";
    lookup_script.addresses[2] = "127.0.0.3";
    lookup_script.addresses[3] = "127.0.0.1";
    start_and_come_up(w);
    assert_int_equal(w->downs, 3);
}

static void a_lookup_that_hangs_is_timed_and_waited_for(void **state)
{
    struct world *w = *state;
    lookup_script.addresses[0] = "127.0.0.1";
    lookup_script.hang = true;
    w->config.connect_timeout_ms = SHORT_MS;
    redis_puppet_listen(&w->fake);
    uint64_t begun_ms = clock_mono_ms();
    start(w);
    UNTIL(w->loop, w->downs == 1);
    assert_true(clock_mono_ms() - begun_ms >= SHORT_MS);
    assert_string_equal(w->why, "cannot find the address: Connection timed out");
    UNTIL(w->loop, w->downs == 3);
    assert_int_equal(lookup_script.begun, 1);
    lookup_release();
    UNTIL(w->loop, w->ups == 1);
    assert_int_equal(lookup_script.begun, 1);
}

/* Until an address was refused or taken; true when it was refused. */
static bool is_refused(struct world *w)
{
    UNTIL(w->loop, w->ups > 0 || strstr(w->why, "refused"));
    return w->ups == 0;
}

/* Else two addresses and two kinds of failure could for ever meet in the wrong order. */
static void a_slow_lookup_does_not_move_the_turn(void **state)
{
    struct world *w = *state;
    dead_address_first();
    w->config.connect_timeout_ms = SHORT_MS;
    redis_puppet_listen(&w->fake);
    lookup_script.hang = true;
    start(w);
    UNTIL(w->loop, w->downs == 1); /* the lookup took too long */
    lookup_release();
    assert_true(is_refused(w));
    unsigned before = w->downs;
    UNTIL(w->loop, w->downs > before); /* and so did the next one */
    lookup_release();
    assert_false(is_refused(w));
    assert_int_equal(lookup_script.begun, 2);
}

static void may_be_freed_and_reset_while_a_lookup_hangs(void **state)
{
    struct world *w = *state;
    lookup_script.addresses[0] = "127.0.0.1";
    lookup_script.hang = true;
    redis_puppet_listen(&w->fake);
    start(w);
    while (lookup_script.begun == 0) {
        ev_run(w->loop, EVRUN_NOWAIT);
    }
    perform(w, RESET);
    assert_int_equal(w->downs, 1);
    assert_string_equal(w->why, "the test wants it");
    perform(w, FREE);
    lookup_release();
    lookup_wait(1);
    ev_run(w->loop, EVRUN_NOWAIT);
    assert_int_equal(w->downs, 1);
    assert_int_equal(w->fake.accepted, 0);
}

static void may_be_freed_in_down_by_a_lookup(void **state)
{
    struct world *w = *state;
    lookup_script.error = EAI_AGAIN;
    w->in_down = FREE;
    start(w);
    UNTIL(w->loop, w->downs == 1);
    assert_null(w->conn);
}

/* A path of the greatest length that a socket may have. */
static void unix_sockets_are_reached(void **state)
{
    struct world *w = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/parley-dial-XXXXXX";
    assert_non_null(mkdtemp(folder));
    int n = snprintf(at.sun_path, sizeof at.sun_path, "%s/", folder);
    memset(at.sun_path + n, 's', sizeof at.sun_path - 1 - (size_t)n);
    ev_io_stop(w->loop, &w->fake.accepting);
    close(w->fake.listener);
    w->fake.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(w->fake.listener, (struct sockaddr *)&at, sizeof at), 0);
    ev_io_set(&w->fake.accepting, w->fake.listener, EV_READ);
    char local[160];
    snprintf(local, sizeof local, "unix://user:pw@%s", at.sun_path);
    w->config.url = local;
    start_and_come_up(w);
    assert_string_equal(w->fake.log.ptr, "AUTH user pw\nCLIENT SETNAME test.0\nPING\nROLE\n");
    assert_int_equal(w->downs, 0);
    unlink(at.sun_path);
    rmdir(folder);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_name_is_looked_up),
        T(localhost_is_known),
        T(an_address_is_not_looked_up),
        T(a_name_that_is_none_is_tried_again),
        T(a_dead_address_is_passed_by),
        T(an_address_that_worked_stays_the_first),
        T(every_address_has_its_turn),
        T(a_lookup_that_hangs_is_timed_and_waited_for),
        T(a_slow_lookup_does_not_move_the_turn),
        T(may_be_freed_and_reset_while_a_lookup_hangs),
        T(may_be_freed_in_down_by_a_lookup),
        T(unix_sockets_are_reached),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("redis_dial", tests, NULL, NULL);
}
