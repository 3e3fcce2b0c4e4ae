/* test_redis_sentinel.c - the addresses of sentinels, and a connection's way past them to a master
 */
#include "shared/redis_sentinel.h"
#include "tests/support/exact_copy.h"
#include "tests/support/redis_world.h"

#define SENTINELS 3

/* ---- Texts ----------------------------------------------------------------------------------- */

static void sentinels_follow_the_table(void **state)
{
    static const struct {
        struct slice text;
        size_t count; /* 0: refused */
        const char *last_host;
        int last_port;
    } cases[] = {
        {SLICE_INIT("a"),                    1, "a",        26379},
        {SLICE_INIT("a:1"),                  1, "a",        1    },
        {SLICE_INIT("a:1,b,10.0.0.3:65535"), 3, "10.0.0.3", 65535},
        {SLICE_INIT("[::1]"),                1, "::1",      26379},
        {SLICE_INIT("[::1]:7,[fe80::2]:8"),  2, "fe80::2",  8    },
        {SLICE_INIT("a,b,c,d,e,f,g,h"),      8, "h",        26379},
        {SLICE_INIT("a,b,c,d,e,f,g,h,i"),    0, NULL,       0    },
        {SLICE_INIT(""),                     0, NULL,       0    },
        {SLICE_INIT(","),                    0, NULL,       0    },
        {SLICE_INIT("a,"),                   0, NULL,       0    },
        {SLICE_INIT(",a"),                   0, NULL,       0    },
        {SLICE_INIT("a,,b"),                 0, NULL,       0    },
        {SLICE_INIT("a:0"),                  0, NULL,       0    },
        {SLICE_INIT("a:65536"),              0, NULL,       0    },
        {SLICE_INIT("a:"),                   0, NULL,       0    },
        {SLICE_INIT(":1"),                   0, NULL,       0    },
        {SLICE_INIT("a:1:2"),                0, NULL,       0    },
        {SLICE_INIT("user@a"),               0, NULL,       0    },
        {SLICE_INIT("user:pw@a:1"),          0, NULL,       0    },
        {SLICE_INIT("redis://a"),            0, NULL,       0    },
        {SLICE_INIT("/run/sentinel.sock"),   0, NULL,       0    },
        {SLICE_INIT("a\0b"),                 1, "a",        0    },
    };
    static struct redis_sentinels s;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice copy = exact_copy(cases[i].text);
        bool good = redis_sentinels_parse(copy, &s);
        exact_free(copy);
        if (memchr(cases[i].text.ptr, '\0', cases[i].text.len)) {
            continue; /* no environment holds one: only that it is not read past */
        }
        if (good != (cases[i].count > 0)) {
            fail_msg("%s", cases[i].text.ptr);
        }
        if (good) {
            assert_int_equal(s.count, cases[i].count);
            assert_string_equal(s.at[s.count - 1].host, cases[i].last_host);
            assert_int_equal(s.at[s.count - 1].port, cases[i].last_port);
            assert_false(s.at[0].secured);
        }
    }
}

static void addresses_follow_the_table(void **state)
{
    static const struct {
        struct slice host, port;
        bool good;
    } cases[] = {
        {SLICE_INIT("10.1.2.3"),    SLICE_INIT("6379"),  true },
        {SLICE_INIT("::1"),         SLICE_INIT("65535"), true },
        {SLICE_INIT("fe80::1%eth"), SLICE_INIT("1"),     true },
        {SLICE_INIT("re-dis.x_y"),  SLICE_INIT("1"),     true },
        {SLICE_INIT(""),            SLICE_INIT("1"),     false},
        {SLICE_INIT("a b"),         SLICE_INIT("1"),     false},
        {SLICE_INIT("a\0b"),        SLICE_INIT("1"),     false},
        {SLICE_INIT("a/b"),         SLICE_INIT("1"),     false},
        {SLICE_INIT("a\n"),         SLICE_INIT("1"),     false},
        {SLICE_INIT("\xc3\xa4"),    SLICE_INIT("1"),     false},
        {SLICE_INIT("a"),           SLICE_INIT("0"),     false},
        {SLICE_INIT("a"),           SLICE_INIT("65536"), false},
        {SLICE_INIT("a"),           SLICE_INIT(""),      false},
        {SLICE_INIT("a"),           SLICE_INIT("x"),     false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct redis_url url = {.host = "before", .port = 5, .user = "u"};
        struct slice host = exact_copy(cases[i].host), port = exact_copy(cases[i].port);
        assert_int_equal(redis_sentinel_address(host, port, &url), cases[i].good);
        assert_string_equal(url.host, cases[i].good ? cases[i].host.ptr : "before");
        assert_string_equal(url.user, "u");
        exact_free(host);
        exact_free(port);
    }
}

static void a_host_has_255_bytes_at_most(void **state)
{
    char host[257];
    struct redis_url url;
    (void)state;
    memset(host, 'a', sizeof host);
    assert_true(redis_sentinel_address((struct slice){host, 255}, SLICE("1"), &url));
    assert_false(redis_sentinel_address((struct slice){host, 256}, SLICE("1"), &url));
}

static void names_are_plain(void **state)
{
    char name[SENTINEL_MASTER_MAX + 1];
    (void)state;
    memset(name, 'x', sizeof name);
    assert_true(redis_sentinel_name_ok((struct slice){name, SENTINEL_MASTER_MAX}));
    assert_false(redis_sentinel_name_ok((struct slice){name, SENTINEL_MASTER_MAX + 1}));
    assert_true(redis_sentinel_name_ok(SLICE("my-master_2.x")));
    assert_false(redis_sentinel_name_ok(SLICE("")));
    assert_false(redis_sentinel_name_ok(SLICE("my master")));
    assert_false(redis_sentinel_name_ok(SLICE("a\n")));
}

/* ---- Connections ----------------------------------------------------------------------------- */

static struct redis_sentinels sentinels;
static struct redis_puppet puppet[SENTINELS];
static struct redis_puppet other; /* another Redis */
static char answers[2][96];       /* where w->fake is, and where the other is */

static const char *tell_of(char text[96], uint16_t port)
{
    char digits[8];
    int n = snprintf(digits, sizeof digits, "%u", port);
    snprintf(text, 96, "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n", n, digits);
    return text;
}

static void all_say(const char *answer)
{
    for (size_t i = 0; i < SENTINELS; i++) {
        puppet[i].answer = answer;
    }
}

static int setup(void **state)
{
    char text[128];
    redis_world_setup(state);
    struct world *w = *state;
    redis_puppet_init(&other, w->loop);
    tell_of(answers[0], w->fake.port);
    tell_of(answers[1], other.port);
    for (size_t i = 0; i < SENTINELS; i++) {
        redis_puppet_init(&puppet[i], w->loop);
        redis_puppet_listen(&puppet[i]);
    }
    all_say(answers[0]);
    snprintf(text, sizeof text, "127.0.0.1:%u,localhost:%u,127.0.0.1:%u", puppet[0].port,
             puppet[1].port, puppet[2].port);
    sentinels = (struct redis_sentinels){.master = "parley"};
    assert_true(redis_sentinels_parse(slice_text(text), &sentinels));
    w->config.sentinels = &sentinels;
    w->config.url = "redis://gate:pw@nowhere.invalid:1";
    w->config.connect_timeout_ms = 2000;
    return 0;
}

static int teardown(void **state)
{
    for (size_t i = 0; i < SENTINELS; i++) {
        redis_puppet_deinit(&puppet[i]);
    }
    redis_puppet_deinit(&other);
    return redis_world_teardown(state);
}

static void the_master_is_asked_for(void **state)
{
    struct world *w = *state;
    start_and_come_up(w);
    assert_string_equal(puppet[0].log.ptr, "SENTINEL GET-MASTER-ADDR-BY-NAME parley\n");
    assert_string_equal(w->fake.log.ptr, "AUTH gate pw\nCLIENT SETNAME test.0\nPING\nROLE\n");
    assert_int_equal(w->downs, 0);
    assert_int_equal(puppet[1].accepted + puppet[2].accepted, 0);
    assert_true(send_word(w, "x"));
    UNTIL(w->loop, w->replies == 1);
}

static void the_sentinels_password_is_given(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SENTINELS; i++) {
        sentinels.at[i].secured = true;
        snprintf(sentinels.at[i].password, sizeof sentinels.at[i].password, "hunter2");
    }
    puppet[0].auth = "-WRONGPASS no\r\n";
    start(w);
    redis_puppet_listen(&w->fake);
    UNTIL(w->loop, w->ups == 1);
    assert_string_equal(puppet[1].log.ptr,
                        "AUTH hunter2\nSENTINEL GET-MASTER-ADDR-BY-NAME parley\n");
    puppet[1].auth = puppet[2].auth = "-WRONGPASS no\r\n";
    redis_conn_reset(w->conn, "the test wants it");
    UNTIL(w->loop, w->downs == 2);
    assert_non_null(strstr(w->why, "it refuses the password: WRONGPASS no"));
    assert_null(strstr(w->why, "hunter2"));
}

static void it_is_asked_for_anew_each_time(void **state)
{
    struct world *w = *state;
    redis_puppet_listen(&other);
    start_and_come_up(w);
    for (unsigned i = 0; i < 3; i++) {
        struct redis_puppet *next = i % 2 == 0 ? &other : &w->fake;
        unsigned before = next->accepted;
        all_say(answers[i % 2 == 0]);
        redis_puppet_hang_up(i % 2 == 0 ? &w->fake : &other);
        UNTIL(w->loop, w->ups == i + 2);
        assert_int_equal(next->accepted, before + 1);
    }
    assert_int_equal(w->downs, 3);
}

static void nobody_can_tell(struct world *w, const char *label, const char *answer, const char *why)
{
    unsigned downs = w->downs;
    all_say(answer);
    redis_conn_reset(w->conn, "the test wants it");
    UNTIL(w->loop, w->downs >= downs + 3); /* whole rounds */
    if (!strstr(w->why, why)) {
        fail_msg("%s: %s", label, w->why);
    }
}

static void whoever_cannot_tell_is_followed_by_the_next(void **state)
{
    static const struct {
        const char *label, *answer, *why;
    } cases[] = {
        {"nil array",   "*-1\r\n",                                 "no master of the name: parley"  },
        {"nil",         "$-1\r\n",                                 "no master of the name: parley"  },
        {"error",       "-IDONTKNOW me\r\n",                       "it refuses: IDONTKNOW me"       },
        {"bad port",    "*2\r\n$1\r\na\r\n$1\r\nx\r\n",            "its answer is no address"       },
        {"bad host",    "*2\r\n$3\r\na b\r\n$1\r\n1\r\n",          "its answer is no address"       },
        {"three",       "*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\n1\r\n", "its answer is no address"       },
        {"no Redis",    "HTTP/1.1 400 Bad\r\n",                    "not the Redis protocol"         },
        {"unprintable", "-ERR \x01\"\xff\r\n",                     "it refuses: ERR \\x01\\x22\\xff"},
    };
    struct world *w = *state;
    start_and_come_up(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nobody_can_tell(w, cases[i].label, cases[i].answer, cases[i].why);
        unsigned ups = w->ups;
        puppet[i % SENTINELS].answer = answers[0];
        UNTIL(w->loop, w->ups == ups + 1);
    }
}

static void a_dead_and_a_silent_one_cost_one_attempt_nothing(void **state)
{
    struct world *w = *state;
    close(puppet[0].listener);
    puppet[0].listener = socket(AF_INET, SOCK_STREAM, 0); /* for deinit */
    ev_io_stop(w->loop, &puppet[0].accepting);
    puppet[1].silent = true;
    w->config.connect_timeout_ms = 400;
    start_and_come_up(w);
    assert_int_equal(w->downs, 0);
    assert_int_equal(puppet[1].accepted, 1);
    assert_int_equal(puppet[2].accepted, 1);
    redis_conn_reset(w->conn, "the test wants it");
    UNTIL(w->loop, w->ups == 2);
    assert_int_equal(w->downs, 1);
    assert_int_equal(puppet[1].accepted, 1); /* whoever knew it is asked first */
}

static void silence_everywhere_ends_the_attempt(void **state)
{
    struct world *w = *state;
    puppet[0].silent = puppet[1].silent = puppet[2].silent = true;
    w->config.connect_timeout_ms = 120;
    redis_puppet_listen(&w->fake);
    start(w);
    UNTIL(w->loop, w->downs == 2);
    assert_true(strstr(w->why, "no answer in time") || strstr(w->why, "cannot find the address"));
    puppet[0].silent = puppet[1].silent = puppet[2].silent = false;
    UNTIL(w->loop, w->ups == 1);
}

/* A sentinel that was cut off still names the Redis that it knew. */
static void a_replica_is_not_used_and_the_next_one_is_asked(void **state)
{
    struct world *w = *state;
    w->fake.role = "*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$9\r\nconnected\r\n:1\r\n";
    redis_puppet_listen(&other);
    puppet[1].answer = answers[1];
    start(w);
    redis_puppet_listen(&w->fake);
    UNTIL(w->loop, w->ups == 1);
    assert_int_equal(w->downs, 1);
    assert_string_equal(w->why, "Redis is not a master, but: slave");
    assert_int_equal(other.accepted, 1);
}

static void more_than_an_answer_is_survived(void **state)
{
    static char twice[256];
    struct world *w = *state;
    snprintf(twice, sizeof twice, "%s%s+more\r\n", answers[0], answers[0]);
    all_say(twice);
    start_and_come_up(w);
    assert_int_equal(w->downs, 0);
}

static void may_be_freed_while_it_asks(void **state)
{
    struct world *w = *state;
    puppet[0].silent = true;
    start(w);
    UNTIL(w->loop, puppet[0].accepted == 1);
    redis_conn_free(w->conn);
    all_say("*-1\r\n");
    puppet[0].silent = false;
    w->in_down = FREE;
    start(w);
    UNTIL(w->loop, w->downs == 1);
    assert_null(w->conn);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentinels_follow_the_table),
        cmocka_unit_test(addresses_follow_the_table),
        cmocka_unit_test(a_host_has_255_bytes_at_most),
        cmocka_unit_test(names_are_plain),
        TEST(the_master_is_asked_for),
        TEST(the_sentinels_password_is_given),
        TEST(it_is_asked_for_anew_each_time),
        TEST(whoever_cannot_tell_is_followed_by_the_next),
        TEST(a_dead_and_a_silent_one_cost_one_attempt_nothing),
        TEST(silence_everywhere_ends_the_attempt),
        TEST(a_replica_is_not_used_and_the_next_one_is_asked),
        TEST(more_than_an_answer_is_survived),
        TEST(may_be_freed_while_it_asks),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("redis_sentinel", tests, NULL, NULL);
}
