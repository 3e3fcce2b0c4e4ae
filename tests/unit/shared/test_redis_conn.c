/* test_redis_conn.c - coming up, commands and their time limits, against a puppet Redis */
#include "tests/support/redis_world.h"

/* ---- Coming up ------------------------------------------------------------------------------- */

static void comes_up_after_auth_name_and_ping(void **state)
{
    struct world *w = *state;
    char url[128];
    snprintf(url, sizeof url, "redis://ga%%74e:p%%40ss%%3a%%20x@127.0.0.1:%u", w->fake.port);
    w->config.url = url;
    start_and_come_up(w);
    assert_true(redis_conn_is_up(w->conn));
    assert_string_equal(w->fake.log.ptr, "AUTH gate p@ss: x\nCLIENT SETNAME test.0\nPING\nROLE\n");
    assert_int_equal(w->downs, 0);
}

static void our_end_has_an_address_while_it_is_up(void **state)
{
    struct world *w = *state;
    char host[REDIS_CONN_HOST_MAX + 1] = "";
    start(w);
    assert_false(redis_conn_local_host(w->conn, host));
    redis_puppet_listen(&w->fake);
    UNTIL(w->loop, w->ups == 1);
    assert_true(redis_conn_local_host(w->conn, host));
    assert_string_equal(host, "127.0.0.1");
    redis_conn_reset(w->conn, "the test wants it");
    assert_false(redis_conn_local_host(w->conn, host));
}

static void a_password_alone_is_the_default_users(void **state)
{
    struct world *w = *state;
    char url[128];
    snprintf(url, sizeof url, "redis://:secret@127.0.0.1:%u", w->fake.port);
    w->config.url = url;
    start_and_come_up(w);
    assert_string_equal(w->fake.log.ptr, "AUTH secret\nCLIENT SETNAME test.0\nPING\nROLE\n");
}

static void nothing_is_called_before_new_returns(void **state)
{
    struct world *w = *state;
    w->config.url = "unix:///nonexistent/parley.sock";
    start(w);
    assert_int_equal(w->downs, 0);
    assert_false(send_word(w, "x"));
    UNTIL(w->loop, w->downs == 3);
    assert_non_null(strstr(w->why, "cannot connect"));
    assert_int_equal(w->ups, 0);
}

static void a_refused_handshake_is_a_failed_attempt(void **state)
{
    static const struct {
        const char *auth, *setname, *ping, *why;
    } cases[] = {
        {"-WRONGPASS invalid username-password pair\r\n",                                "-NOAUTH no\r\n", "-NOAUTH no\r\n",
         "user name or password: WRONGPASS"                                                                                                                                              },
        {"+OK\r\n",                                                                      "-NOPERM no\r\n", "+PONG\r\n",              "refuses the connection: NOPERM"                    },
        {"-ERR unknown command 'AUTH', with args beginning with: 'user' 'hunter2' \r\n", "+OK\r\n",
         "+PONG\r\n",                                                                                                                "refuses the connection: ERR unknown command 'AUTH'"},
        {"+OK\r\n",                                                                      "+OK\r\n",        "-LOADING in memory\r\n", "not ready: LOADING"                                },
    };
    struct world *w = *state;
    char url[128];
    snprintf(url, sizeof url, "redis://user:hunter2@127.0.0.1:%u", w->fake.port);
    w->config.url = url;
    redis_puppet_listen(&w->fake);
    start(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned before = w->downs;
        w->fake.auth = cases[i].auth;
        w->fake.setname = cases[i].setname;
        w->fake.ping = cases[i].ping;
        UNTIL(w->loop, w->downs >= before + 2); /* the second is surely of this case */
        assert_non_null(strstr(w->why, cases[i].why));
        assert_null(strstr(w->why, "hunter2"));
        assert_int_equal(w->ups, 0);
    }
    w->fake.ping = "+PONG\r\n";
    UNTIL(w->loop, w->ups == 1);
}

#define SLAVE "*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$9\r\nconnected\r\n:1\r\n"

static void only_a_master_will_do(void **state)
{
    static const struct {
        const char *role, *why;
    } cases[] = {
        {SLAVE,                           "Redis is not a master, but: slave"             },
        {"*1\r\n$8\r\nsentinel\r\n",      "Redis is not a master, but: sentinel"          },
        {"-NOPERM no 'role' for you\r\n", "Redis does not tell its role: NOPERM no 'role'"},
        {"+master\r\n",                   "Redis is not a master, but"                    },
        {"*0\r\n",                        "Redis is not a master, but"                    },
    };
    struct world *w = *state;
    redis_puppet_listen(&w->fake);
    w->fake.role = cases[0].role;
    start(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned before = w->downs;
        w->fake.role = cases[i].role;
        UNTIL(w->loop, w->downs >= before + 2); /* the second is surely of this case */
        assert_non_null(strstr(w->why, cases[i].why));
        assert_int_equal(w->ups, 0);
    }
    w->fake.role = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
    UNTIL(w->loop, w->ups == 1);
}

static void a_master_may_become_a_replica(void **state)
{
    struct world *w = *state;
    w->config.idle_ask_ms = 5;
    start_and_come_up(w);
    w->fake.role = SLAVE;
    UNTIL(w->loop, w->downs == 1);
    assert_string_equal(w->why, "Redis is not a master, but: slave");
}

static void a_refused_connection_is_tried_again(void **state)
{
    struct world *w = *state;
    start(w);
    UNTIL(w->loop, w->downs == 3);
    assert_non_null(strstr(w->why, "cannot connect: Connection refused"));
    assert_int_equal(w->ups, 0);
    redis_puppet_listen(&w->fake);
    UNTIL(w->loop, w->ups == 1);
}

static void a_server_that_accepts_and_says_nothing_is_given_up(void **state)
{
    struct world *w = *state;
    w->config.connect_timeout_ms = 30;
    w->fake.silent = true;
    redis_puppet_listen(&w->fake);
    start(w);
    UNTIL(w->loop, w->downs == 2);
    assert_non_null(strstr(w->why, "no answer in time after connecting"));
    w->fake.silent = false;
    UNTIL(w->loop, w->ups == 1);
}

static void waits_grow_up_to_the_limit(void **state)
{
    struct world *w = *state;
    w->config.backoff_min_ms = 1;
    w->config.backoff_max_ms = 90;
    start(w);
    UNTIL(w->loop, w->downs == 9); /* 1 2 4 8 16 32 60 60 ms on average, less a half at least */
    uint64_t begun_ms = clock_mono_ms();
    UNTIL(w->loop, w->downs == 12);
    assert_true(clock_mono_ms() - begun_ms >= 90);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void each_reply_goes_to_its_command(void **state)
{
    struct world *w = *state;
    w->fake.echo = true;
    start_and_come_up(w);
    for (unsigned i = 0; i < 1000; i++) {
        char word[16];
        snprintf(word, sizeof word, "%u", i);
        assert_true(send_word(w, word));
    }
    for (unsigned i = 0; i < 1000; i++) {
        char word[16];
        snprintf(word, sizeof word, "%u", i);
        UNTIL(w->loop, w->replies > i);
        if (w->replies == i + 1) {
            assert_string_equal(w->text, word);
        }
    }
    assert_string_equal(w->text, "999");
    assert_int_equal(w->nulls, 0);
}

static void a_command_leaves_at_the_end_of_its_turn(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    ev_run(w->loop, EVRUN_NOWAIT); /* nothing is left to do */
    assert_true(send_word(w, "x"));
    ev_run(w->loop, EVRUN_NOWAIT);
    assert_int_equal(w->fake.commands,
                     1); /* else it had waited for a turn to be told that it may */
    UNTIL(w->loop, w->replies == 1);
}

static void on_last(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    (void)events;
    assert_true(send_word(prepare->data, "x"));
    ev_prepare_stop(loop, prepare);
}

static void what_is_asked_behind_the_end_of_a_turn_leaves_too(void **state)
{
    struct world *w = *state;
    ev_prepare last;
    start_and_come_up(w);
    ev_run(w->loop, EVRUN_NOWAIT);
    ev_prepare_init(&last, on_last);
    ev_set_priority(&last, EV_MINPRI);
    last.data = w;
    ev_prepare_start(w->loop, &last);
    ev_run(w->loop, EVRUN_NOWAIT);
    ev_run(w->loop, EVRUN_NOWAIT);
    assert_int_equal(w->fake.commands, 1); /* nothing else has happened that would wake the loop */
    UNTIL(w->loop, w->replies == 1);
}

static void an_error_reply_is_a_reply(void **state)
{
    struct world *w = *state;
    w->fake.answer = "-ERR no such thing\r\n";
    start_and_come_up(w);
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->replies == 1);
    assert_string_equal(w->text, "ERR no such thing");
    assert_true(redis_conn_is_up(w->conn));
}

static void a_reply_may_come_byte_by_byte(void **state)
{
    static const char reply[] = "$5\r\nhe\0lo\r\n";
    struct world *w = *state;
    w->fake.answer = NULL;
    start_and_come_up(w);
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->fake.commands == 1);
    for (size_t i = 0; i < sizeof reply - 1; i++) {
        assert_int_equal(w->replies, 0);
        redis_puppet_say(&w->fake, reply + i, 1);
        ev_run(w->loop, EVRUN_NOWAIT);
    }
    UNTIL(w->loop, w->replies == 1);
}

static void a_large_command_arrives_whole(void **state)
{
    struct world *w = *state;
    size_t n = 12U << 20;
    char *large = malloc(n);
    memset(large, 'a', n);
    start_and_come_up(w);
    struct slice argv[] = {
        SLICE("SAY"), {large, n}
    };
    assert_true(redis_conn_send(w->conn, argv, 2, on_reply, w));
    assert_false(redis_conn_send(w->conn, argv, 2, on_reply, w)); /* 24 MiB would wait */
    UNTIL(w->loop, w->replies == 1);
    assert_true(send_word(w, "after"));
    UNTIL(w->loop, w->replies == 2);
    assert_int_equal(w->fake.commands, 2);
    assert_non_null(strstr(w->fake.log.ptr, "\nSAY after\n")); /* no half of the refused one */
    free(large);
}

static void an_unanswered_command_drops_the_connection(void **state)
{
    struct world *w = *state;
    w->config.command_timeout_ms = 50;
    w->fake.answer = NULL;
    start_and_come_up(w);
    uint64_t begun_ms = clock_mono_ms();
    assert_true(send_word(w, "first"));
    assert_true(send_word(w, "second"));
    UNTIL(w->loop, w->downs == 1);
    assert_true(clock_mono_ms() - begun_ms >= 50);
    assert_int_equal(w->nulls_at_down, 2);
    assert_non_null(strstr(w->why, "no answer to a command in time"));
    assert_false(redis_conn_is_up(w->conn));
    assert_false(send_word(w, "third"));
    UNTIL(w->loop, w->ups == 2);
}

/* This process was stopped meanwhile, but the reply is there. */
static void a_reply_that_has_arrived_is_not_late(void **state)
{
    struct world *w = *state;
    w->config.command_timeout_ms = 40;
    start_and_come_up(w);
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->fake.commands == 1);
    assert_int_equal(w->replies, 0);
    usleep(80000);
    UNTIL(w->loop, w->replies + w->nulls == 1);
    assert_int_equal(w->replies, 1);
    assert_int_equal(w->downs, 0);
}

/* A command sent long after the last one has its full time, and is still noticed. */
static void a_later_command_is_timed_by_its_own_clock(void **state)
{
    struct world *w = *state;
    w->config.command_timeout_ms = 60;
    w->config.idle_ask_ms = PATIENT_MS; /* its timer is a long way off */
    start_and_come_up(w);
    uint64_t until_ms = clock_mono_ms() + 100;
    while (clock_mono_ms() < until_ms) {
        unsigned before = w->replies;
        assert_true(send_word(w, "x"));
        UNTIL(w->loop, w->replies > before);
    }
    assert_int_equal(w->downs, 0);
    w->fake.answer = NULL;
    uint64_t begun_ms = clock_mono_ms();
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->downs == 1);
    assert_true(clock_mono_ms() - begun_ms >= 60);
}

static void a_late_reply_is_never_taken_for_another(void **state)
{
    struct world *w = *state;
    w->config.command_timeout_ms = 30;
    w->fake.answer = NULL;
    start_and_come_up(w);
    assert_true(send_word(w, "first"));
    UNTIL(w->loop, w->fake.commands == 1);
    int old = dup(w->fake.client);
    UNTIL(w->loop, w->downs == 1);
    w->fake.echo = true;
    UNTIL(w->loop, w->ups == 2);
    ssize_t late = send(old, "$4\r\nlate\r\n", 10, MSG_NOSIGNAL);
    (void)late; /* refused or swallowed: both are right */
    assert_true(send_word(w, "second"));
    UNTIL(w->loop, w->replies == 1);
    assert_string_equal(w->text, "second");
    assert_int_equal(w->nulls, 1);
    close(old);
}

static void a_peer_that_closes_answers_with_null(void **state)
{
    struct world *w = *state;
    w->fake.answer = "$100\r\nonly half of";
    start_and_come_up(w);
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->fake.commands == 1);
    redis_puppet_hang_up(&w->fake);
    UNTIL(w->loop, w->downs == 1);
    assert_int_equal(w->nulls_at_down, 1);
    assert_non_null(strstr(w->why, "connection lost"));
    w->fake.answer = "+OK\r\n";
    UNTIL(w->loop, w->ups == 2);
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->replies == 1);
}

static void idle_connections_are_asked(void **state)
{
    struct world *w = *state;
    w->config.idle_ask_ms = 10;
    start_and_come_up(w);
    size_t shaken = w->fake.log.len;
    UNTIL(w->loop, w->fake.log.len >= shaken + 3 * strlen("ROLE\n"));
    assert_string_equal(w->fake.log.ptr + shaken, "ROLE\nROLE\nROLE\n");
    assert_int_equal(w->downs, 0);
}

static void an_unanswered_question_drops_the_connection(void **state)
{
    struct world *w = *state;
    w->config.idle_ask_ms = 10;
    w->config.command_timeout_ms = 20;
    start_and_come_up(w);
    w->fake.role = NULL;
    UNTIL(w->loop, w->downs == 1);
    assert_non_null(strstr(w->why, "no answer to a command in time"));
}

static void free_answers_with_null_and_is_silent(void **state)
{
    struct world *w = *state;
    w->fake.answer = NULL;
    start_and_come_up(w);
    assert_true(send_word(w, "x"));
    perform(w, FREE);
    assert_int_equal(w->nulls, 1);
    assert_int_equal(w->downs, 0);
}

static void reset_tells_down_before_it_returns_and_once(void **state)
{
    struct world *w = *state;
    w->fake.answer = NULL;
    start_and_come_up(w);
    assert_true(send_word(w, "x"));
    perform(w, RESET);
    assert_int_equal(w->downs, 1);
    assert_int_equal(w->nulls_at_down, 1);
    assert_string_equal(w->why, "the test wants it");
    perform(w, RESET); /* there is nothing to drop */
    assert_int_equal(w->downs, 1);
    UNTIL(w->loop, w->ups == 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, redis_world_setup, redis_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(comes_up_after_auth_name_and_ping),
        T(our_end_has_an_address_while_it_is_up),
        T(a_password_alone_is_the_default_users),
        T(nothing_is_called_before_new_returns),
        T(a_refused_handshake_is_a_failed_attempt),
        T(only_a_master_will_do),
        T(a_master_may_become_a_replica),
        T(a_refused_connection_is_tried_again),
        T(a_server_that_accepts_and_says_nothing_is_given_up),
        T(waits_grow_up_to_the_limit),
        T(each_reply_goes_to_its_command),
        T(a_command_leaves_at_the_end_of_its_turn),
        T(what_is_asked_behind_the_end_of_a_turn_leaves_too),
        T(an_error_reply_is_a_reply),
        T(a_reply_may_come_byte_by_byte),
        T(a_large_command_arrives_whole),
        T(an_unanswered_command_drops_the_connection),
        T(a_reply_that_has_arrived_is_not_late),
        T(a_later_command_is_timed_by_its_own_clock),
        T(a_late_reply_is_never_taken_for_another),
        T(a_peer_that_closes_answers_with_null),
        T(idle_connections_are_asked),
        T(an_unanswered_question_drops_the_connection),
        T(free_answers_with_null_and_is_silent),
        T(reset_tells_down_before_it_returns_and_once),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("redis_conn", tests, NULL, NULL);
}
