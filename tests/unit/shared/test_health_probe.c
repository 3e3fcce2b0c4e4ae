/* test_health_probe.c - peers of every kind, asked for their health */
#include "shared/clock.h"
#include "shared/health_probe.h"
#include "tests/support/http_client.h"
#include "tests/support/own_port.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* after the others */
#include <cmocka.h>

#define PATIENT_MS 30000
#define SHORT_MS 150
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

enum manner { SAYS_IT, DRIPS_IT, SAYS_NOTHING, HANGS_UP, STAYS };

struct peer {
    enum manner manner;
    const char *answer;
    int listener;
    int quit[2]; /* closed to end the thread */
    uint16_t port;
    pthread_t thread;
    char request[512];
};

/* True when the prober has closed, or the test has ended. */
static bool is_over(const struct peer *peer, int fd, int wait_ms)
{
    struct pollfd p[2] = {
        {.fd = fd,            .events = POLLIN},
        {.fd = peer->quit[0], .events = POLLIN}
    };
    return poll(p, 2, wait_ms) > 0;
}

static void drip(const struct peer *peer, int fd)
{
    for (const char *c = peer->answer; !is_over(peer, fd, 5); c += c[1] ? 1 : 0) {
        if (send(fd, c, 1, MSG_NOSIGNAL) != 1) {
            return;
        }
    }
}

static void answer(struct peer *peer, int fd)
{
    ssize_t n = recv(fd, peer->request, sizeof peer->request - 1, 0);
    peer->request[n > 0 ? n : 0] = '\0';
    switch (peer->manner) {
    case DRIPS_IT: drip(peer, fd); break;
    case SAYS_NOTHING: is_over(peer, fd, -1); break;
    case HANGS_UP: break;
    case SAYS_IT:
    case STAYS:
        send(fd, peer->answer, strlen(peer->answer), MSG_NOSIGNAL);
        if (peer->manner == STAYS) {
            is_over(peer, fd, -1);
        }
        break;
    }
}

static void *serve(void *arg)
{
    struct peer *peer = arg;
    struct pollfd p[2] = {
        {.fd = peer->listener, .events = POLLIN},
        {.fd = peer->quit[0],  .events = POLLIN}
    };
    while (poll(p, 2, -1) > 0 && p[1].revents == 0) {
        int fd = accept(peer->listener, NULL, NULL);
        if (fd >= 0) {
            answer(peer, fd);
            close(fd);
        }
    }
    return NULL;
}

static void peer_start(struct peer *peer, enum manner manner, const char *says)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    socklen_t size = sizeof at;
    alarm(WATCHDOG_S);
    *peer = (struct peer){.manner = manner, .answer = says};
    peer->listener = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&at, &size), 0);
    assert_int_equal(listen(peer->listener, 4), 0);
    assert_int_equal(pipe(peer->quit), 0);
    peer->port = ntohs(at.sin6_port);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void peer_stop(struct peer *peer)
{
    close(peer->quit[1]);
    pthread_join(peer->thread, NULL);
    close(peer->quit[0]);
    close(peer->listener);
}

/* Returns what is wrong, "" when nothing is. */
static const char *ask(const char *host, uint16_t port, uint32_t timeout_ms)
{
    static char text[1024];
    const struct health_probe probe = {
        .host = host, .port = port, .path = "/healthz", .timeout_ms = timeout_ms};
    struct buf why;
    buf_init(&why, sizeof text - 1);
    bool well = health_probe(&probe, &why);
    snprintf(text, sizeof text, "%s", why.ptr ? why.ptr : "");
    assert_int_equal(well, why.len == 0);
    buf_deinit(&why);
    return text;
}

static const struct {
    const char *label;
    enum manner manner;
    const char *answer, *why; /* "" : it is well */
} cases[] = {
    {"well",             SAYS_IT,  OK,                                               ""                                              },
    {"keeps it open",    STAYS,    OK,                                               ""                                              },
    {"HTTP/1.0",         SAYS_IT,  "HTTP/1.0 200 \r\n\r\n",                          ""                                              },
    {"slowly, in time",  DRIPS_IT, "HTTP/1.1 200 OK\r\n",                            ""                                              },
    {"not ready",        SAYS_IT,  "HTTP/1.1 503 No\r\nA: b\r\n\r\nredis is away\n", "503: redis is away"                            },
    {"no reason",        SAYS_IT,  "HTTP/1.1 503 No\r\n\r\n",                        "503"                                           },
    {"another 2xx",      SAYS_IT,  "HTTP/1.1 204 No\r\n\r\n",                        "204"                                           },
    {"2000",             SAYS_IT,  "HTTP/1.1 2000 OK\r\n\r\n",
     "not an answer of HTTP: "
     "\"HTTP/1.1 2000 OK\\x0d\\x0a\\x0d\\x0a\""                                                                                      },
    {"bad bytes",        SAYS_IT,  "HTTP/1.1 500 No\r\n\r\n\x1b[31m\"\x80",          "500: \\x1b[31m\\x22\\x80"                      },
    {"garbage",          SAYS_IT,  "SSH-2.0-x\r\n",                                  "not an answer of HTTP: \"SSH-2.0-x\\x0d\\x0a\""},
    {"200 elsewhere",    SAYS_IT,  "X-Status 200 OK\r\n HTTP/1.1 200 OK\r\n",
     "not an answer of HTTP: \"X-Status 200 OK\\x0d\\x0a HTTP/1.1 200 OK\\x0d\\x0a\""                                                },
    {"half a line",      SAYS_IT,  "HTTP/1.1 200 OK",                                "not an answer of HTTP: \"HTTP/1.1 200 OK\""    },
    {"nothing, and bye", HANGS_UP, "",                                               "not an answer of HTTP: \"\""                   },
};

static void answers_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer peer;
        peer_start(&peer, cases[i].manner, cases[i].answer);
        const char *why = ask("127.0.0.1", peer.port, PATIENT_MS);
        if (strcmp(why, cases[i].why) != 0) {
            fail_msg("%s: %s", cases[i].label, why);
        }
        peer_stop(&peer);
    }
}

static void the_request_is_a_whole_one(void **state)
{
    struct peer peer;
    (void)state;
    peer_start(&peer, SAYS_IT, OK);
    assert_string_equal(ask("127.0.0.1", peer.port, PATIENT_MS), "");
    peer_stop(&peer);
    assert_string_equal(peer.request, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
                                      "Connection: close\r\n\r\n");
}

static bool has_ipv6(void)
{
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return has;
}

static void addresses_mean_loopback(const char *const *hosts, size_t count)
{
    struct peer peer;
    peer_start(&peer, SAYS_IT, OK);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(ask(hosts[i], peer.port, PATIENT_MS), "");
    }
    peer_stop(&peer);
}

static void every_address_means_loopback(void **state)
{
    static const char *const hosts[] = {"0.0.0.0", "0", "localhost"};
    (void)state;
    addresses_mean_loopback(hosts, sizeof hosts / sizeof *hosts);
}

static void every_ipv6_address_too(void **state)
{
    static const char *const hosts[] = {"::", "::0", "::1"};
    (void)state;
    if (!has_ipv6()) {
        print_message("no IPv6 here\n");
        skip();
    }
    addresses_mean_loopback(hosts, sizeof hosts / sizeof *hosts);
}

static void time_is_limited_whatever_the_peer_does(void **state)
{
    static const struct {
        enum manner manner;
        const char *answer;
    } slow[] = {
        {SAYS_NOTHING, ""               },
        {DRIPS_IT,     "HTTP/1.1 20"    }, /* the last byte again and again */
        {STAYS,        "HTTP/1.1 200 OK"},
        {STAYS,        "HTTP/1.1 "      },
    };
    (void)state;
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        struct peer peer;
        peer_start(&peer, slow[i].manner, slow[i].answer);
        uint64_t begun_ms = clock_mono_ms();
        assert_string_equal(ask("127.0.0.1", peer.port, SHORT_MS),
                            "no answer: Connection timed out");
        assert_in_range(clock_mono_ms() - begun_ms, SHORT_MS, SHORT_MS + 10000);
        peer_stop(&peer);
    }
}

/* Its reason is told when the time is up; it is not waited for longer. */
static void a_refusal_that_does_not_end_is_one(void **state)
{
    struct peer peer;
    (void)state;
    peer_start(&peer, STAYS, "HTTP/1.1 503 No\r\n\r\nstopping");
    assert_string_equal(ask("127.0.0.1", peer.port, SHORT_MS), "503: stopping");
    peer_stop(&peer);
}

static void an_answer_without_end_is_cut(void **state)
{
    struct peer peer;
    char much[100001];
    (void)state;
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    peer_start(&peer, SAYS_IT, much);
    assert_non_null(
        strstr(ask("127.0.0.1", peer.port, PATIENT_MS), "not an answer of HTTP: \"xxx"));
    peer_stop(&peer);
}

static void nobody_there_is_told(void **state)
{
    (void)state;
    assert_string_equal(ask("127.0.0.1", own_port(), PATIENT_MS),
                        "nobody answers there: Connection refused");
    assert_string_equal(ask("300.1.1.1.invalid", 1, PATIENT_MS),
                        "no such host: Name or service not known");
}

/* Listens with a full queue: connecting itself takes for ever. */
static void connecting_is_timed_too(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fillers[8];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    alarm(WATCHDOG_S);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    for (size_t i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&at, size);
    }
    assert_string_equal(ask("127.0.0.1", ntohs(at.sin_port), SHORT_MS),
                        "nobody answers there: Connection timed out");
    for (size_t i = 0; i < 8; i++) {
        close(fillers[i]);
    }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_follow_the_table),
        cmocka_unit_test(the_request_is_a_whole_one),
        cmocka_unit_test(every_address_means_loopback),
        cmocka_unit_test(every_ipv6_address_too),
        cmocka_unit_test(time_is_limited_whatever_the_peer_does),
        cmocka_unit_test(a_refusal_that_does_not_end_is_one),
        cmocka_unit_test(an_answer_without_end_is_cut),
        cmocka_unit_test(nobody_there_is_told),
        cmocka_unit_test(connecting_is_timed_too),
    };
    return cmocka_run_group_tests_name("health_probe", tests, NULL, NULL);
}
