/* test_settings.c - one table, read once, with a clear line for whatever is wrong */
#include "shared/settings.h"
#include "shared/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define OUTPUT_MAX 4096

struct service {
    uint64_t grace_s;
    const char *redis_url;
    const char *prefix;
    struct rate messages;
    unsigned mode;
    const char *origins;
};

/* clang-format off */
static const struct setting table[] = {
    {.name = "GRACE_S",
     .type = SETTING_NUMBER,
     .fallback = "30",
     .min = 1,
     .max = 3600,
     .offset = offsetof(struct service, grace_s),
     .help = "seconds until a user is gone"},
    {.name = "REDIS_URL",
     .type = SETTING_TEXT,
     .min = 1,
     .max = 40,
     .offset = offsetof(struct service, redis_url),
     .help = "where Redis is",
     .secret = true,
     .check = settings_check_redis_url},
    {.name = "KEY_PREFIX",
     .type = SETTING_TEXT,
     .fallback = "{chat}:",
     .min = 4,
     .max = 35,
     .offset = offsetof(struct service, prefix),
     .help = "of all keys",
     .check = settings_check_prefix},
    {.name = "RATE_MESSAGES",
     .type = SETTING_RATE,
     .fallback = "20:100",
     .min = 1,
     .max = 1000,
     .offset = offsetof(struct service, messages),
     .help = "a second, and burst"},
    {.name = "AUTH_MODE",
     .type = SETTING_CHOICE,
     .fallback = "open",
     .offset = offsetof(struct service, mode),
     .help = "who may log in",
     .choices = "open|oidc|closed"},
    {.name = "ALLOWED_ORIGINS",
     .type = SETTING_TEXT,
     .fallback = "",
     .max = 10,
     .offset = offsetof(struct service, origins),
     .help = "besides the own one"},
};
/* clang-format on */

/* Only REDIS_URL, which is required, and `name` if not NULL. */
static void set_environment(const char *name, const char *value)
{
    for (size_t i = 0; i < ROWS(table); i++) {
        assert_int_equal(unsetenv(table[i].name), 0);
    }
    assert_int_equal(setenv("REDIS_URL", "redis://127.0.0.1", 1), 0);
    if (name && value) {
        assert_int_equal(setenv(name, value, 1), 0);
    } else if (name) {
        assert_int_equal(unsetenv(name), 0);
    }
}

static void unset_settings_have_their_fallback(void **state)
{
    struct service s = {0};
    struct buf error;

    (void)state;
    buf_init(&error, 1000);
    set_environment(NULL, NULL);
    assert_true(settings_load(table, ROWS(table), &s, &error));
    assert_int_equal(error.len, 0);
    assert_int_equal(s.grace_s, 30);
    assert_string_equal(s.redis_url, "redis://127.0.0.1");
    assert_string_equal(s.prefix, "{chat}:");
    assert_int_equal(s.messages.per_second, 20);
    assert_int_equal(s.messages.burst, 100);
    assert_int_equal(s.mode, 0);
    assert_string_equal(s.origins, "");
    buf_deinit(&error);
}

static void set_ones_win(void **state)
{
    struct service s = {0};
    struct buf error;

    (void)state;
    buf_init(&error, 1000);
    set_environment("GRACE_S", "3600");
    assert_int_equal(setenv("KEY_PREFIX", "{t-1}:", 1), 0);
    assert_int_equal(setenv("RATE_MESSAGES", "1:1000", 1), 0);
    assert_int_equal(setenv("AUTH_MODE", "closed", 1), 0);
    assert_int_equal(setenv("ALLOWED_ORIGINS", "http://a:1", 1), 0);
    assert_true(settings_load(table, ROWS(table), &s, &error));
    assert_int_equal(s.grace_s, 3600);
    assert_string_equal(s.prefix, "{t-1}:");
    assert_int_equal(s.messages.per_second, 1);
    assert_int_equal(s.messages.burst, 1000);
    assert_int_equal(s.mode, 2);
    assert_string_equal(s.origins, "http://a:1");
    buf_deinit(&error);
}

#define GRACE_RULE "must be a whole number from 1 to 3600"
#define RATE_RULE "must be two whole numbers from 1 to 1000, a second and the burst, like 20:100"
#define MODE_RULE "must be one of open|oidc|closed"
#define PREFIX_RULE "must be {tag}: with a tag of 1 to 32 letters, digits, '.', '_' or '-'"
#define URL_RULE "must be redis://[user[:password]@]host[:port] or unix://[user[:password]@]/path"

/* error NULL: it is taken. */
static const struct {
    const char *name, *value, *error;
} load_cases[] = {
    {"GRACE_S",         "",                                          NULL                                            },
    {"GRACE_S",         "1",                                         NULL                                            },
    {"GRACE_S",         "3600",                                      NULL                                            },
    {"GRACE_S",         "007",                                       NULL                                            },
    {"GRACE_S",         "0",                                         "GRACE_S=\"0\": " GRACE_RULE                    },
    {"GRACE_S",         "3601",                                      "GRACE_S=\"3601\": " GRACE_RULE                 },
    {"GRACE_S",         "abc",                                       "GRACE_S=\"abc\": " GRACE_RULE                  },
    {"GRACE_S",         "-1",                                        "GRACE_S=\"-1\": " GRACE_RULE                   },
    {"GRACE_S",         "+1",                                        "GRACE_S=\"+1\": " GRACE_RULE                   },
    {"GRACE_S",         " 1",                                        "GRACE_S=\" 1\": " GRACE_RULE                   },
    {"GRACE_S",         "1 ",                                        "GRACE_S=\"1 \": " GRACE_RULE                   },
    {"GRACE_S",         "30s",                                       "GRACE_S=\"30s\": " GRACE_RULE                  },
    {"GRACE_S",         "1.5",                                       "GRACE_S=\"1.5\": " GRACE_RULE                  },
    {"GRACE_S",         "0x10",                                      "GRACE_S=\"0x10\": " GRACE_RULE                 },
    {"GRACE_S",         "18446744073709551617",                      "GRACE_S=\"18446744073709551617\": " GRACE_RULE },
    {"GRACE_S",         "1\n2",                                      "GRACE_S=\"1\\x0a2\": " GRACE_RULE              },
    {"REDIS_URL",       NULL,                                        "REDIS_URL: must be set: where Redis is"        },
    {"REDIS_URL",       "",                                          "REDIS_URL: must be set: where Redis is"        },
    {"REDIS_URL",       "unix:///run/r.sock",                        NULL                                            },
    {"REDIS_URL",       "redis://u:pw@127.0.0.1:6379",               NULL                                            },
    {"REDIS_URL",       "redis://",                                  "REDIS_URL: " URL_RULE                          },
    {"REDIS_URL",       "unix://",                                   "REDIS_URL: " URL_RULE                          },
    {"REDIS_URL",       "rediss://u:pw@h",                           "REDIS_URL: " URL_RULE                          },
    {"REDIS_URL",       "REDIS://h",                                 "REDIS_URL: " URL_RULE                          },
    {"REDIS_URL",       "127.0.0.1:6379",                            "REDIS_URL: " URL_RULE                          },
    {"REDIS_URL",       "redis://pw@01234567890123456789012345",     NULL                                            },
    {"REDIS_URL",       "redis://pw@012345678901234567890123456789",
     "REDIS_URL: must be 1 to 40 bytes long"                                                                         },
    {"KEY_PREFIX",      "{a}:",                                      NULL                                            },
    {"KEY_PREFIX",      "{AZaz09._-}:",                              NULL                                            },
    {"KEY_PREFIX",      "{01234567890123456789012345678901}:",       NULL                                            },
    {"KEY_PREFIX",      "{012345678901234567890123456789012}:",
     "KEY_PREFIX=\"{012345678901234567890123456789012}:\": must be 4 to 35 bytes long"                               },
    {"KEY_PREFIX",      "{}:",                                       "KEY_PREFIX=\"{}:\": must be 4 to 35 bytes long"},
    {"KEY_PREFIX",      "{}::",                                      "KEY_PREFIX=\"{}::\": " PREFIX_RULE             },
    {"KEY_PREFIX",      "chat:",                                     "KEY_PREFIX=\"chat:\": " PREFIX_RULE            },
    {"KEY_PREFIX",      "{chat}",                                    "KEY_PREFIX=\"{chat}\": " PREFIX_RULE           },
    {"KEY_PREFIX",      "{chat:",                                    "KEY_PREFIX=\"{chat:\": " PREFIX_RULE           },
    {"KEY_PREFIX",      "{chat}:x",                                  "KEY_PREFIX=\"{chat}:x\": " PREFIX_RULE         },
    {"KEY_PREFIX",      "x{chat}:",                                  "KEY_PREFIX=\"x{chat}:\": " PREFIX_RULE         },
    {"KEY_PREFIX",      "{c at}:",                                   "KEY_PREFIX=\"{c at}:\": " PREFIX_RULE          },
    {"KEY_PREFIX",      "{c*}:",                                     "KEY_PREFIX=\"{c*}:\": " PREFIX_RULE            },
    {"KEY_PREFIX",      "{{a}:",                                     "KEY_PREFIX=\"{{a}:\": " PREFIX_RULE            },
    {"RATE_MESSAGES",   "1:1",                                       NULL                                            },
    {"RATE_MESSAGES",   "1000:1000",                                 NULL                                            },
    {"RATE_MESSAGES",   "20",                                        "RATE_MESSAGES=\"20\": " RATE_RULE              },
    {"RATE_MESSAGES",   "20:",                                       "RATE_MESSAGES=\"20:\": " RATE_RULE             },
    {"RATE_MESSAGES",   ":20",                                       "RATE_MESSAGES=\":20\": " RATE_RULE             },
    {"RATE_MESSAGES",   "0:20",                                      "RATE_MESSAGES=\"0:20\": " RATE_RULE            },
    {"RATE_MESSAGES",   "20:0",                                      "RATE_MESSAGES=\"20:0\": " RATE_RULE            },
    {"RATE_MESSAGES",   "1001:1",                                    "RATE_MESSAGES=\"1001:1\": " RATE_RULE          },
    {"RATE_MESSAGES",   "1:1001",                                    "RATE_MESSAGES=\"1:1001\": " RATE_RULE          },
    {"RATE_MESSAGES",   "1:2:3",                                     "RATE_MESSAGES=\"1:2:3\": " RATE_RULE           },
    {"RATE_MESSAGES",   "1: 2",                                      "RATE_MESSAGES=\"1: 2\": " RATE_RULE            },
    {"AUTH_MODE",       "oidc",                                      NULL                                            },
    {"AUTH_MODE",       "Open",                                      "AUTH_MODE=\"Open\": " MODE_RULE                },
    {"AUTH_MODE",       "ope",                                       "AUTH_MODE=\"ope\": " MODE_RULE                 },
    {"AUTH_MODE",       "opened",                                    "AUTH_MODE=\"opened\": " MODE_RULE              },
    {"AUTH_MODE",       "open|oidc",                                 "AUTH_MODE=\"open|oidc\": " MODE_RULE           },
    {"AUTH_MODE",       "|",                                         "AUTH_MODE=\"|\": " MODE_RULE                   },
    {"ALLOWED_ORIGINS", "0123456789",                                NULL                                            },
    {"ALLOWED_ORIGINS", "01234567890",
     "ALLOWED_ORIGINS=\"01234567890\": must be 0 to 10 bytes long"                                                   },
};

static void load_follows_the_table(void **state)
{
    struct service s;
    struct buf error;

    (void)state;
    buf_init(&error, 1000);
    for (size_t i = 0; i < ROWS(load_cases); i++) {
        set_environment(load_cases[i].name, load_cases[i].value);
        buf_clear(&error);
        bool ok = settings_load(table, ROWS(table), &s, &error);
        bool wanted = load_cases[i].error == NULL;
        if (ok != wanted || !slice_equal(buf_slice(&error), slice_text(load_cases[i].error))) {
            fail_msg("row %zu, %s: %s", i, load_cases[i].name, ok ? "taken" : error.ptr);
        }
    }
    buf_deinit(&error);
}

/* The checks stand on their own, whatever lengths a table allows. */
static void a_tag_has_at_least_one_character(void **state)
{
    (void)state;
    assert_non_null(settings_check_prefix("{}:"));
    assert_non_null(settings_check_prefix(""));
    assert_null(settings_check_prefix("{a}:"));
    assert_non_null(settings_check_redis_url(""));
    assert_non_null(settings_check_redis_url("redis://h:65536"));
    assert_non_null(settings_check_redis_url("redis://u:p@"));
    assert_non_null(settings_check_redis_url("unix://run/redis.sock"));
    assert_null(settings_check_redis_url("unix://auth-svc@/run/redis.sock"));
}

/* The largest limits there are do not wrap. */
static void a_number_may_have_all_64_bits(void **state)
{
    static const struct setting widest = {
        .name = "GRACE_S", .type = SETTING_NUMBER, .fallback = "0", .max = UINT64_MAX, .help = "x"};
    uint64_t value = 0;
    struct buf error;

    (void)state;
    buf_init(&error, 1000);
    set_environment("GRACE_S", "18446744073709551615");
    assert_true(settings_load(&widest, 1, &value, &error));
    assert_true(value == UINT64_MAX);
    set_environment("GRACE_S", "18446744073709551616");
    assert_false(settings_load(&widest, 1, &value, &error));
    assert_string_equal(
        error.ptr,
        "GRACE_S=\"18446744073709551616\": must be a whole number from 0 to 18446744073709551615");
    buf_deinit(&error);
}

/* ---- settings_main, in a process of its own -------------------------------------------------- */

enum { LOADED = 77 }; /* the exit status when settings_main returned with the right values */

struct outcome {
    int status;
    char out[OUTPUT_MAX];
    char err[OUTPUT_MAX];
};

static void read_all(int fd, char text[OUTPUT_MAX])
{
    size_t n = 0;
    ssize_t got = 0;

    do {
        n += (size_t)got;
        got = read(fd, text + n, OUTPUT_MAX - 1 - n);
    } while (got > 0);
    text[n] = '\0';
    close(fd);
}

static _Noreturn void child(char *argument, const int out[2], const int err[2])
{
    char program[] = "parley-auth";
    char *argv[] = {program, argument, NULL};
    struct service s = {0};

    (void)dup2(out[1], STDOUT_FILENO);
    (void)dup2(err[1], STDERR_FILENO);
    close(out[0]);
    close(err[0]);
    settings_main(argument ? 2 : 1, argv, table, ROWS(table), &s, "parley-auth", "logs users in");
    _exit(s.grace_s == 30 ? LOADED : 1);
}

/* Output is small enough for a pipe, so one end may be read after the other. */
static struct outcome run_main(char *argument)
{
    static struct outcome o;
    int out[2];
    int err[2];
    int status = 0;

    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(argument, out, err);
    }
    close(out[1]);
    close(err[1]);
    read_all(out[0], o.out);
    read_all(err[0], o.err);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    o.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return o;
}

static void good_settings_let_main_go_on(void **state)
{
    (void)state;
    set_environment(NULL, NULL);
    struct outcome o = run_main(NULL);
    assert_int_equal(o.status, LOADED);
    assert_string_equal(o.out, "");
    assert_string_equal(o.err, "");
}

static void a_bad_setting_ends_main_with_one_line(void **state)
{
    (void)state;
    set_environment("GRACE_S", "abc");
    struct outcome o = run_main(NULL);
    assert_int_equal(o.status, 2);
    assert_string_equal(o.out, "");
    assert_string_equal(o.err, "parley-auth: GRACE_S=\"abc\": " GRACE_RULE "\n");
}

static void an_unknown_argument_ends_main_with_one_line(void **state)
{
    char argument[] = "--hel\n";

    (void)state;
    set_environment(NULL, NULL);
    struct outcome o = run_main(argument);
    assert_int_equal(o.status, 2);
    assert_string_equal(o.out, "");
    assert_string_equal(o.err, "parley-auth: \"--hel\\x0a\": unknown argument, try --help\n");
}

/* Told even where nothing is set yet. */
static void version_is_told(void **state)
{
    char argument[] = "--version";

    (void)state;
    set_environment("REDIS_URL", NULL);
    struct outcome o = run_main(argument);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "parley-auth " PARLEY_VERSION "\n");
    assert_string_equal(o.err, "");
}

/* The parts of a row, in their order. */
static const struct {
    const char *parts[4];
} help_rows[] = {
    {{"GRACE_S", "30", "1..3600", "seconds until a user is gone"}},
    {{"REDIS_URL", "(required)", "1..40 bytes", "where Redis is"}},
    {{"KEY_PREFIX", "{chat}:", "4..35 bytes", "of all keys"}},
    {{"RATE_MESSAGES", "20:100", "1..1000 each", "a second, and burst"}},
    {{"AUTH_MODE", "open", "open|oidc|closed", "who may log in"}},
    {{"ALLOWED_ORIGINS", "(empty)", "0..10 bytes", "besides the own one"}},
};

/* Behind `from` and before `end`; returns what stands behind it. */
static const char *step_over(const char *from, const char *part, const char *end)
{
    const char *at = strstr(from, part);

    if (!at || at > end) {
        fail_msg("no %s in: %s", part, from);
        return from;
    }
    return at + strlen(part);
}

static void help_tells_every_setting(void **state)
{
    char argument[] = "--help";

    (void)state;
    set_environment("REDIS_URL", NULL);
    struct outcome o = run_main(argument);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    assert_non_null(strstr(o.out, "parley-auth " PARLEY_VERSION " - logs users in\n"));
    const char *at = strstr(o.out, "\n  GRACE_S");
    for (size_t i = 0; i < ROWS(help_rows); i++) {
        assert_non_null(at);
        const char *end = strchr(at + 1, '\n');
        assert_non_null(end);
        for (size_t k = 0; k < 4; k++) {
            at = step_over(at, help_rows[i].parts[k], end);
        }
        assert_ptr_equal(at, end);
    }
}

static void help_tells_no_secret(void **state)
{
    static const struct setting secret = {.name = "PASSWORD",
                                          .type = SETTING_TEXT,
                                          .fallback = "none",
                                          .max = 10,
                                          .help = "x",
                                          .secret = true};
    char text[OUTPUT_MAX] = "";
    FILE *to = fmemopen(text, sizeof(text), "w");

    (void)state;
    assert_non_null(to);
    assert_int_equal(setenv("PASSWORD", "hunter2", 1), 0);
    settings_help(&secret, 1, "p", "s", to);
    unsetenv("PASSWORD");
    int closed = fclose(to);
    assert_int_equal(closed, 0);
    assert_non_null(strstr(text, "PASSWORD"));
    assert_non_null(strstr(text, "none"));
    assert_null(strstr(text, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unset_settings_have_their_fallback),
        cmocka_unit_test(set_ones_win),
        cmocka_unit_test(load_follows_the_table),
        cmocka_unit_test(a_tag_has_at_least_one_character),
        cmocka_unit_test(a_number_may_have_all_64_bits),
        cmocka_unit_test(good_settings_let_main_go_on),
        cmocka_unit_test(a_bad_setting_ends_main_with_one_line),
        cmocka_unit_test(an_unknown_argument_ends_main_with_one_line),
        cmocka_unit_test(version_is_told),
        cmocka_unit_test(help_tells_every_setting),
        cmocka_unit_test(help_tells_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
