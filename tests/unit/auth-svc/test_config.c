/* test_config.c - the settings: defaults and limits */
#include "auth-svc/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

static int clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_settings_count; i++) {
        unsetenv(config_settings[i].name);
    }
    return 0;
}

static bool load(struct config *config, char *said, size_t size)
{
    struct buf error;

    buf_init(&error, size - 1);
    bool ok = settings_load(config_settings, config_settings_count, config, &error);
    said[0] = '\0';
    if (error.len > 0) {
        memcpy(said, error.ptr, error.len + 1);
    }
    buf_deinit(&error);
    return ok;
}

static void without_an_environment_the_defaults_hold(void **state)
{
    struct config config;
    char said[2048];

    (void)state;
    assert_true(load(&config, said, sizeof said));
    assert_string_equal(config.common.host, "127.0.0.1");
    assert_string_equal(config.common.redis_url, "redis://127.0.0.1:6379");
    assert_string_equal(config.common.key_prefix, "{chat}:");
    assert_int_equal(config.common.grace_s, 30);
    assert_int_equal(config.common.lease_ms, 10000);
    assert_int_equal(config.common.log_level, 2);
    assert_int_equal(config.port, 8001);
    assert_int_equal(config.common.health_port, 9001);
    assert_int_equal(config.pending_s, 60);
    assert_int_equal(config.session_max_s, 86400);
    assert_int_equal(config.rate_logins.per_second, 200);
    assert_int_equal(config.rate_logins.burst, 2000);
    assert_string_equal(config.allowed_origins, "");
    assert_int_equal(config.auth_mode, AUTH_OPEN);
}

static const struct {
    const char *name, *value;
    bool good;
} values[] = {
    {"HOST",            "0.0.0.0",                          true },
    {"HEALTH_PORT",     "0",                                false},
    {"HEALTH_PORT",     "1",                                true },
    {"HEALTH_PORT",     "65535",                            true },
    {"HEALTH_PORT",     "65536",                            false},
    {"HEALTH_PORT",     "-1",                               false},
    {"GRACE_S",         "0",                                false},
    {"GRACE_S",         "1",                                true },
    {"GRACE_S",         "86400",                            true },
    {"GRACE_S",         "86401",                            false},
    {"GRACE_S",         "1.5",                              false},
    {"LEASE_MS",        "499",                              false},
    {"LEASE_MS",        "500",                              true },
    {"LEASE_MS",        "600000",                           true },
    {"LEASE_MS",        "600001",                           false},
    {"KEY_PREFIX",      "{a}:",                             true },
    {"KEY_PREFIX",      "a:",                               false},
    {"KEY_PREFIX",      "{*}:",                             false},
    {"REDIS_URL",       "unix:///run/redis.sock",           true },
    {"REDIS_URL",       "localhost",                        false},
    {"LOG_LEVEL",       "debug",                            true },
    {"LOG_LEVEL",       "loud",                             false},
    {"PORT",            "0",                                false},
    {"PORT",            "8001",                             true },
    {"PORT",            "70000",                            false},
    {"PENDING_S",       "0",                                false},
    {"PENDING_S",       "1",                                true },
    {"SESSION_MAX_S",   "0",                                true },
    {"SESSION_MAX_S",   "1",                                true },
    {"RATE_LOGINS",     "1:1",                              true },
    {"RATE_LOGINS",     "0:1",                              false},
    {"RATE_LOGINS",     "1:0",                              false},
    {"RATE_LOGINS",     "5",                                false},
    {"ALLOWED_ORIGINS", "https://a.example, http://b:3000", true },
    {"ALLOWED_ORIGINS", "*",                                false},
    {"ALLOWED_ORIGINS", "a.example",                        false},
    {"AUTH_MODE",       "open",                             true },
    {"AUTH_MODE",       "closed",                           false},
};

static void values_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct config config;
        char said[2048];
        clean(NULL);
        setenv(values[i].name, values[i].value, 1);
        if (load(&config, said, sizeof said) != values[i].good) {
            fail_msg("%s=%s: %s", values[i].name, values[i].value, said);
        }
        if (!values[i].good && !strstr(said, values[i].name)) {
            fail_msg("%s=%s: not named in: %s", values[i].name, values[i].value, said);
        }
    }
    clean(NULL);
}

static void a_secret_is_not_told(void **state)
{
    struct config config;
    char said[2048];

    (void)state;
    setenv("REDIS_URL", "http://u:hunter2@nowhere", 1);
    assert_false(load(&config, said, sizeof said));
    assert_non_null(strstr(said, "REDIS_URL"));
    assert_null(strstr(said, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_an_environment_the_defaults_hold, clean, clean),
        cmocka_unit_test_setup_teardown(values_follow_the_table, clean, clean),
        cmocka_unit_test_setup_teardown(a_secret_is_not_told, clean, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
