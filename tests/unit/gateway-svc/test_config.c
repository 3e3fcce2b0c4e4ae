/* test_config.c - gateway-svc's settings: defaults, limits, and what they make of the server part
 */
#include "gateway-svc/app/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

static int clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < gateway_settings_count; i++) {
        unsetenv(gateway_settings[i].name);
    }
    return 0;
}

static bool load(struct gateway_config *config, char *said, size_t size)
{
    struct buf error;

    buf_init(&error, size - 1);
    bool ok = settings_load(gateway_settings, gateway_settings_count, config, &error);
    said[0] = '\0';
    if (error.len > 0) {
        memcpy(said, error.ptr, error.len + 1);
    }
    buf_deinit(&error);
    return ok;
}

/* With one or two variables set; must be good. */
static struct gateway_config with(const char *name, const char *value, const char *also,
                                  const char *also_value)
{
    struct gateway_config config;
    char said[2048];

    clean(NULL);
    setenv(name, value, 1);
    if (also) {
        setenv(also, also_value, 1);
    }
    if (!load(&config, said, sizeof said)) {
        fail_msg("%s=%s: %s", name, value, said);
    }
    return config;
}

static void without_an_environment_the_defaults_hold(void **state)
{
    struct gateway_config config;
    char said[2048];

    (void)state;
    assert_true(load(&config, said, sizeof said));
    assert_null(gateway_config_check(&config));
    gateway_config_find_address(&config);
    struct hub_config hub = gateway_config_hub(&config, "gw-1");
    assert_string_equal(hub.sio.host, "127.0.0.1");
    assert_int_equal(hub.sio.port, 8002);
    assert_string_equal(hub.sio.path, "/socket.io/");
    assert_string_equal(hub.sio.node, "gw-1");
    assert_int_equal(hub.sio.ping_interval_ms, 25000);
    assert_int_equal(hub.sio.ping_timeout_ms, 20000);
    assert_int_equal(hub.sio.connect_timeout_ms, 10000);
    assert_int_equal(hub.sio.upgrade_timeout_ms, 10000);
    assert_int_equal(hub.sio.max_payload, 1000000);
    assert_int_equal(hub.sio.queue_max_bytes, 1048576);
    assert_true(hub.sio.polling && hub.sio.websocket && hub.sio.allow_upgrades);
    assert_true(hub.sio.io_uring);
    assert_string_equal(hub.sio.origins, ""); /* its own pages alone, but not: any */
    assert_true(hub.sio.credentials && hub.sio.trust_forwarded);
    assert_int_equal(hub.sio.cors_max_age_s, 0);
    assert_string_equal(hub.relay.address, "127.0.0.1:8002");
    assert_int_equal(hub.message_max_bytes, 4096);
    assert_int_equal(hub.max_sockets, 16);
    assert_int_equal(config.drain_s, 5);
    assert_int_equal(hub.health_port, 9002);
}

static const struct {
    const char *name, *value;
    bool good;
} values[] = {
    {"PORT",               "0",                                false},
    {"PORT",               "65535",                            true },
    {"GATEWAY_NAME",       "a b",                              false},
    {"MESSAGE_MAX_BYTES",  "0",                                false},
    {"MESSAGE_MAX_BYTES",  "65537",                            false},
    {"QUEUE_MAX_BYTES",    "262143",                           false},
    {"DRAIN_S",            "0",                                true },
    {"DRAIN_S",            "60",                               true },
    {"DRAIN_S",            "61",                               false}, /* what stops us waits 70 */
    {"PING_INTERVAL_MS",   "49",                               false},
    {"PING_TIMEOUT_MS",    "49",                               false},
    {"CONNECT_TIMEOUT_MS", "49",                               false},
    {"UPGRADE_TIMEOUT_MS", "49",                               false},
    {"UPGRADE_TIMEOUT_MS", "50",                               true },
    {"UPGRADE_TIMEOUT_MS", "3600001",                          false},
    {"MAX_PAYLOAD",        "1023",                             false},
    {"MAX_PAYLOAD",        "100000001",                        false},
    {"TRANSPORTS",         "polling",                          true },
    {"TRANSPORTS",         "websocket",                        true },
    {"TRANSPORTS",         "websocket,polling",                false},
    {"TRANSPORTS",         "webtransport",                     false},
    {"ALLOW_UPGRADES",     "false",                            true },
    {"ALLOW_UPGRADES",     "no",                               false},
    {"IO_URING",           "false",                            true },
    {"IO_URING",           "0",                                false},
    {"CORS_CREDENTIALS",   "false",                            true },
    {"CORS_CREDENTIALS",   "0",                                false},
    {"CORS_MAX_AGE_S",     "0",                                true },
    {"CORS_MAX_AGE_S",     "86400",                            true },
    {"CORS_MAX_AGE_S",     "86401",                            false},
    {"ALLOWED_ORIGINS",    "*",                                true },
    {"ALLOWED_ORIGINS",    "*, https://a.example",             false},
    {"ALLOWED_ORIGINS",    "https://*.example",                false},
    {"ALLOWED_ORIGINS",    "https://a.example, http://b:3000", true },
    {"ALLOWED_ORIGINS",    "a.example",                        false},
    {"GATEWAY_ADDRESS",    "10.0.0.5",                         true },
    {"GATEWAY_ADDRESS",    "[fd00::5]:8002",                   true },
    {"GATEWAY_ADDRESS",    "0.0.0.0",                          false},
    {"GATEWAY_ADDRESS",    "[::]:8002",                        false},
    {"GATEWAY_ADDRESS",    "gateway.example",                  false},
    {"GATEWAY_ADDRESS",    "10.0.0.5:0",                       false},
};

static void values_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct gateway_config config;
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
}

static void everybody_with_credentials_is_refused(void **state)
{
    (void)state;
    struct gateway_config config = with("ALLOWED_ORIGINS", "*", NULL, NULL);
    const char *why = gateway_config_check(&config);
    assert_non_null(why);
    assert_non_null(strstr(why, "ALLOWED_ORIGINS=\"*\""));
    assert_non_null(strstr(why, "CORS_CREDENTIALS=false"));
    config = with("ALLOWED_ORIGINS", "*", "CORS_CREDENTIALS", "false");
    assert_null(gateway_config_check(&config));
    config = with("ALLOWED_ORIGINS", "https://a.example", "CORS_CREDENTIALS", "true");
    assert_null(gateway_config_check(&config));
}

/* With the longest text; `needed`: what the line says, 0 when there is none. */
static size_t needed_for(const char *name, size_t value)
{
    char text[24];
    size_t needed = 0;
    snprintf(text, sizeof text, "%zu", value);
    struct gateway_config config = with("MESSAGE_MAX_BYTES", "65536", name, text);
    const char *why = gateway_config_check(&config);
    if (why) {
        assert_non_null(strstr(why, name));
        assert_non_null(strstr(why, "MESSAGE_MAX_BYTES=65536"));
        const char *least = strstr(why, "at least ");
        assert_non_null(least);
        needed = strtoul(least + strlen("at least "), NULL, 10);
        assert_true(needed > 0);
    }
    return needed;
}

/* Of what the longest text becomes when it comes and when it goes. */
static void whoever_may_write_long_texts_gets_room_for_them(void **state)
{
    static const struct {
        const char *name;
        size_t smallest, times;
    } rows[] = {
        {"QUEUE_MAX_BYTES", 262144, 12},
        {"MAX_PAYLOAD",     1024,   6 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t needed = needed_for(rows[i].name, rows[i].smallest);
        assert_in_range(needed, rows[i].times * 65536, rows[i].times * 65536 + 2048);
        assert_int_equal(needed_for(rows[i].name, needed - 1), needed);
        assert_int_equal(needed_for(rows[i].name, needed), 0);
    }
    struct gateway_config config = with("MESSAGE_MAX_BYTES", "65536", NULL, NULL);
    assert_null(gateway_config_check(&config));
    config = with("QUEUE_MAX_BYTES", "262144", NULL, NULL);
    assert_null(gateway_config_check(&config));
}

static void every_setting_reaches_the_server_part(void **state)
{
    (void)state;
    struct gateway_config config = with("TRANSPORTS", "polling", "ALLOW_UPGRADES", "false");
    struct sio_config sio = gateway_config_hub(&config, "g").sio;
    assert_true(sio.polling && !sio.websocket && !sio.allow_upgrades);
    config = with("TRANSPORTS", "websocket", "UPGRADE_TIMEOUT_MS", "77");
    sio = gateway_config_hub(&config, "g").sio;
    assert_true(!sio.polling && sio.websocket && sio.allow_upgrades);
    assert_int_equal(sio.upgrade_timeout_ms, 77);
    config = with("CORS_CREDENTIALS", "false", "CORS_MAX_AGE_S", "600");
    sio = gateway_config_hub(&config, "g").sio;
    assert_false(sio.credentials);
    assert_int_equal(sio.cors_max_age_s, 600);
    config = with("ALLOWED_ORIGINS", "https://a.example", NULL, NULL);
    assert_string_equal(gateway_config_hub(&config, "g").sio.origins, "https://a.example");
}

static const struct {
    const char *host, *set, *address; /* NULL: the relay finds it */
} addresses[] = {
    {"127.0.0.1", "",            "127.0.0.1:8002"},
    {"10.0.0.7",  "",            "10.0.0.7:8002" },
    {"::1",       "",            "[::1]:8002"    },
    {"0.0.0.0",   "",            NULL            },
    {"::",        "",            NULL            },
    {"eth0",      "",            NULL            },
    {"0.0.0.0",   "10.0.0.5",    "10.0.0.5:8002" },
    {"0.0.0.0",   "10.0.0.5:9",  "10.0.0.5:9"    },
    {"10.0.0.7",  "fd00::5",     "[fd00::5]:8002"},
    {"10.0.0.7",  "[fd00::5]:9", "[fd00::5]:9"   },
};

static void the_address_for_others_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct gateway_config config =
            with("HOST", addresses[i].host, "GATEWAY_ADDRESS", addresses[i].set);
        print_message("  HOST=%s GATEWAY_ADDRESS=%s\n", addresses[i].host, addresses[i].set);
        gateway_config_find_address(&config);
        struct relay_config relay = gateway_config_hub(&config, "g").relay;
        if (addresses[i].address) {
            assert_string_equal(relay.address, addresses[i].address);
        } else {
            assert_null(relay.address);
            assert_int_equal(relay.port, 8002);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_an_environment_the_defaults_hold, clean, clean),
        cmocka_unit_test_setup_teardown(values_follow_the_table, clean, clean),
        cmocka_unit_test_setup_teardown(everybody_with_credentials_is_refused, clean, clean),
        cmocka_unit_test_setup_teardown(whoever_may_write_long_texts_gets_room_for_them, clean,
                                        clean),
        cmocka_unit_test_setup_teardown(every_setting_reaches_the_server_part, clean, clean),
        cmocka_unit_test_setup_teardown(the_address_for_others_follows_the_table, clean, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
