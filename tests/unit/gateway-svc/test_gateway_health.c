/* test_gateway_health.c - the pages of the internal port, whatever the hub is like
 *
 * What gateway_health.c asks is answered here: the relay, the crowd and the metrics are not
 * linked. */
#include "gateway-svc/app/gateway_health.h"
#include "gateway-svc/app/gateway_metrics.h"
#include "gateway-svc/app/hub_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after those it needs */
#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define ROOM 64 /* of a text */

static struct {
    const char *trouble; /* the relay's; NULL: none */
    bool known;
    const char *metrics;
} world;

bool relay_is_ready(const struct relay *r, struct buf *why)
{
    (void)r;
    if (world.trouble) {
        buf_append(why, slice_text(world.trouble));
    }
    return !world.trouble;
}

bool crowd_is_known(const struct crowd *c)
{
    (void)c;
    return world.known;
}

void gateway_metrics_write(struct hub *hub, struct buf *out)
{
    (void)hub;
    buf_append(out, slice_text(world.metrics));
}

static int setup(void **state)
{
    static struct hub hub;

    hub = (struct hub){0};
    buf_init(&hub.why, ROOM);
    buf_init(&hub.metrics, ROOM);
    world.trouble = NULL;
    world.known = true;
    world.metrics = "";
    *state = &hub;
    return 0;
}

static int teardown(void **state)
{
    struct hub *hub = *state;

    buf_deinit(&hub->why);
    buf_deinit(&hub->metrics);
    return 0;
}

static void says(struct hub *hub, const char *path, unsigned status, const char *body)
{
    struct sio_page page = {0};

    assert_int_equal(gateway_health_answer(hub, slice_text(path), &page), status);
    assert_int_equal(page.body.len, strlen(body));
    assert_memory_equal(page.body.ptr, body, page.body.len);
}

/* Whoever drains says so, whatever else is wrong; without Redis nothing can be known. */
static void it_is_ready_or_says_why(void **state)
{
    static const char longest[] = "sixty-two bytes, a line end and its NUL are what there is room";
    static const char too_long[] =
        "sixty-three bytes and a line end and its NUL are too many by 1.";
    static const struct {
        bool stopping, known;
        const char *trouble, *body;
    } rows[] = {
        {false, true,  NULL,     NULL                                  },
        {true,  true,  NULL,     "draining\n"                          },
        {true,  false, "broken", "draining\n"                          },
        {false, false, "broken", "broken\n"                            },
        {false, true,  "broken", "broken\n"                            },
        {false, false, NULL,     "the list of users is not known yet\n"},
        {false, true,  too_long, "no link to redis\n"                  },
        {false, true,  "again",  "again\n"                             },
        {false, true,  NULL,     NULL                                  },
    };
    struct hub *hub = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        hub->stopping = rows[i].stopping;
        world.known = rows[i].known;
        world.trouble = rows[i].trouble;
        says(hub, "/readyz", rows[i].body ? 503 : 200, rows[i].body ? rows[i].body : "ready\n");
        says(hub, "/healthz", 200, "ok\n"); /* it is alive all the time */
    }
    world.trouble = longest;
    assert_int_equal(strlen(longest), ROOM - 2);
    assert_int_equal(strlen(hub_readiness(hub)), ROOM - 1);
}

static void metrics_are_whole_or_none(void **state)
{
    static const char longest[] =
        "parley_ready 1 and so on, as much as there is room for in all.\n\n";
    struct hub *hub = *state;
    struct sio_page page = {0};

    assert_int_equal(strlen(longest), ROOM);
    world.metrics = longest;
    says(hub, "/metrics", 200, longest);
    world.metrics = "one byte more than that is too much, and half of it is not said.\n";
    assert_int_equal(strlen(world.metrics), ROOM + 1);
    says(hub, "/metrics", 500, "too much to tell\n");
    world.metrics = "parley_ready 1\n";
    says(hub, "/metrics", 200, world.metrics); /* once, not behind what was said before */
    gateway_health_answer(hub, SLICE("/metrics"), &page);
    assert_string_equal(page.type, METRICS_TYPE);
}

static void there_are_no_other_pages(void **state)
{
    static const char *const paths[] = {
        "", "/", "/healthz/", "/readyz2", "/ready", "metrics", "/METRICS", "/metrics?x",
    };

    for (size_t i = 0; i < ROWS(paths); i++) {
        says(*state, paths[i], 404, "not found\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_ready_or_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_are_whole_or_none, setup, teardown),
        cmocka_unit_test_setup_teardown(there_are_no_other_pages, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
