/* test_health.c - what /healthz and /readyz answer */
#include "shared/health.h"
#include "shared/log.h"
#include "tests/support/http_client.h"
#include "tests/support/own_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* after the others */
#include <cmocka.h>

struct world {
    struct ev_loop *loop;
    struct health *health;
    uint16_t port;
    bool ready;
};

static bool is_ready(void *ctx, struct buf *why)
{
    const struct world *w = ctx;
    buf_append(why, SLICE("redis is away"));
    return w->ready;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->loop = test_loop();
    w->port = own_port();
    w->health = health_new(w->loop, "127.0.0.1", w->port, is_ready, w);
    assert_non_null(w->health);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    health_free(w->health);
    ev_loop_destroy(w->loop);
    free(w);
    return 0;
}

static void answers_follow_the_table(void **state)
{
    static const struct {
        const char *line;
        bool ready;
        const char *status, *body;
    } cases[] = {
        {"GET /healthz",   false, "HTTP/1.1 200 ", "\r\n\r\nok\n"           },
        {"GET /readyz",    true,  "HTTP/1.1 200 ", "\r\n\r\nready\n"        },
        {"GET /readyz",    false, "HTTP/1.1 503 ", "\r\n\r\nredis is away\n"},
        {"GET /readyz?x",  true,  "HTTP/1.1 200 ", "\r\n\r\nready\n"        },
        {"GET /",          true,  "HTTP/1.1 404 ", "\r\n\r\nnot found\n"    },
        {"GET /healthz/",  true,  "HTTP/1.1 404 ", ""                       },
        {"GET /%68ealthz", true,  "HTTP/1.1 404 ", ""                       },
        {"POST /healthz",  true,  "HTTP/1.1 404 ", ""                       },
        {"HEAD /healthz",  true,  "HTTP/1.1 404 ", ""                       },
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_client client;
        char text[128];
        int n = snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: h\r\n\r\n", cases[i].line);
        w->ready = cases[i].ready;
        http_client_connect(&client, w->loop, w->port);
        assert_true(http_client_send(&client, text, (size_t)n));
        UNTIL(w->loop, client.closed);
        if (!strstr(client.got.ptr, cases[i].status) || !strstr(client.got.ptr, cases[i].body)) {
            fail_msg("%s: %s", cases[i].line, client.got.ptr);
        }
        http_client_close(&client);
    }
}

static void write_metrics(void *ctx, struct buf *out)
{
    const struct world *w = ctx;
    buf_printf(out, "%*s\n", w->ready ? 1 : 2 << 20, "x"); /* what does not fit is no answer */
}

static const char *get_metrics(struct world *w)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
    static char got[1024];
    struct http_client client;
    http_client_connect(&client, w->loop, w->port);
    assert_true(http_client_send(&client, request, sizeof request - 1));
    UNTIL(w->loop, client.closed);
    snprintf(got, sizeof got, "%s", client.got.ptr);
    http_client_close(&client);
    return got;
}

static void metrics_are_served_once_somebody_writes_them(void **state)
{
    struct world *w = *state;
    assert_non_null(strstr(get_metrics(w), "HTTP/1.1 404 "));
    health_serve_metrics(w->health, write_metrics, w);
    w->ready = true;
    const char *got = get_metrics(w);
    assert_non_null(strstr(got, "HTTP/1.1 200 "));
    assert_non_null(strstr(got, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(got, "\r\n\r\nx\n"));
    w->ready = false;
    got = get_metrics(w);
    assert_non_null(strstr(got, "HTTP/1.1 500 "));
    assert_non_null(strstr(got, "Content-Length: 0\r\n"));
}

static void a_taken_port_is_told(void **state)
{
    struct world *w = *state;
    assert_null(health_new(w->loop, "127.0.0.1", w->port, is_ready, w));
    health_free(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(answers_follow_the_table),
        T(metrics_are_served_once_somebody_writes_them),
        T(a_taken_port_is_told),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
