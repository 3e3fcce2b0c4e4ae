/* test_sio_server.c - what cannot be in a configuration */
#include "gateway-svc/socketio/sio.h"
#include "tests/support/loop.h"
#include "tests/support/own_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define FIELD(member) offsetof(struct sio_config, member)

/* The first and the last number that each may be; of the port any free one. */
static const struct {
    const char *name;
    size_t at;
    uint32_t min, max;
} numbers[] = {
    {"ping_interval_ms",   FIELD(ping_interval_ms),   1, UINT32_MAX},
    {"ping_timeout_ms",    FIELD(ping_timeout_ms),    1, UINT32_MAX},
    {"connect_timeout_ms", FIELD(connect_timeout_ms), 1, UINT32_MAX},
    {"upgrade_timeout_ms", FIELD(upgrade_timeout_ms), 1, UINT32_MAX},
    {"ack_timeout_ms",     FIELD(ack_timeout_ms),     1, UINT32_MAX},
    {"max_payload",        FIELD(max_payload),        1, UINT32_MAX},
    {"queue_max_bytes",    FIELD(queue_max_bytes),    1, UINT32_MAX},
    {"max_fragments",      FIELD(max_fragments),      1, 16777214  },
    {"max_namespaces",     FIELD(max_namespaces),     1, 32        },
};

static const struct sio_server_handler handler = {0};
static struct ev_loop *loop;

static bool starts(const struct sio_config *config)
{
    struct sio_server *server = sio_server_new(loop, config, &handler, NULL);
    sio_server_free(server);
    return server != NULL;
}

static struct sio_config good(void)
{
    struct sio_config config;
    sio_config_defaults(&config);
    config.port = own_port();
    return config;
}

static bool starts_with(size_t at, uint32_t value)
{
    struct sio_config config = good();
    memcpy((char *)&config + at, &value, sizeof value);
    return starts(&config);
}

static void numbers_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        print_message("  %s\n", numbers[i].name);
        assert_false(starts_with(numbers[i].at, numbers[i].min - 1));
        assert_true(starts_with(numbers[i].at, numbers[i].min));
        assert_true(starts_with(numbers[i].at, numbers[i].max));
        if (numbers[i].max < UINT32_MAX) {
            assert_false(starts_with(numbers[i].at, numbers[i].max + 1));
        }
    }
}

static void texts_and_what_does_not_go_together(void **state)
{
    struct sio_config config = good();
    (void)state;
    assert_true(starts(&config));
    config.port = 0;
    assert_false(starts(&config));
    config = good();
    config.path = "/socket.io";
    assert_false(starts(&config));
    config = good();
    config.node = "a b";
    assert_false(starts(&config));
    config = good();
    config.origins = "*";
    config.credentials = true;
    assert_false(starts(&config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_the_table),
        cmocka_unit_test(texts_and_what_does_not_go_together),
    };
    loop = test_loop();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ev_loop_destroy(loop);
    return failed;
}
