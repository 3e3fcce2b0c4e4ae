/* test_eio_request.c - what an application and the log learn of a request */
#include "gateway-svc/socketio/eio_request.h"
#include "tests/support/exact_copy.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct http_request http;
static struct slice text;

/* With these header lines; not what a proxy says, unless it is trusted. */
static struct sio_request request(const char *target, const char *lines)
{
    char all[512];
    const char *why = "";
    int len = snprintf(all, sizeof all, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", target, lines);
    if (text.ptr) {
        exact_free(text);
    }
    text = exact_copy((struct slice){all, (size_t)len});
    assert_int_equal(http_request_read(text, &http, &why), 200);
    return (struct sio_request){.http = &http, .fd = -1};
}

#define assert_slice(slice, wanted) assert_true(slice_equal(slice, slice_text(wanted)))

static void headers_by_their_name(void **state)
{
    struct sio_request req = request("/", "Cookie: a=b\r\nX-Twice: 1\r\nx-twice: 2\r\n");
    (void)state;
    assert_slice(sio_request_header(&req, "cOOKIE"), "a=b");
    assert_slice(sio_request_header(&req, "X-Twice"), "2");
    assert_slice(sio_request_header(&req, "X-None"), "");
}

static void the_query_is_raw(void **state)
{
    static const struct {
        const char *target, *query;
    } rows[] = {
        {"/socket.io/",              ""            },
        {"/socket.io/?",             ""            },
        {"/socket.io/?EIO=4&t=%2Fx", "EIO=4&t=%2Fx"},
        {"/socket.io/?a=b?c",        "a=b?c"       },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sio_request req = request(rows[i].target, "");
        assert_slice(sio_request_query(&req), rows[i].query);
    }
}

static void what_a_proxy_says_counts_only_when_it_is_trusted(void **state)
{
    struct sio_request req =
        request("/", "X-Forwarded-Proto: HTTPS\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n");
    (void)state;
    assert_slice(sio_request_scheme(&req), "http");
    assert_slice(eio_request_address(&req), ""); /* there is no socket here */
    req.trusted = true;
    assert_slice(sio_request_scheme(&req), "https");
    assert_slice(eio_request_address(&req), "192.0.2.1");
    req = request("/", "");
    req.trusted = true;
    assert_slice(sio_request_scheme(&req), "http");
}

/* A connection of loopback; `family` of the port. */
static void assert_peer(int family, const char *wanted)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *at = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t size = family == AF_INET6 ? sizeof six : sizeof four;
    int port = socket(family, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(port, at, size) != 0) {
        close(port);
        close(client);
        return; /* a machine without IPv6 */
    }
    assert_int_equal(listen(port, 1), 0);
    assert_int_equal(getsockname(port, at, &size), 0);
    four.sin_port = family == AF_INET6 ? six.sin6_port : four.sin_port;
    assert_int_equal(connect(client, (struct sockaddr *)&four, sizeof four), 0);
    struct sio_request req = {.http = &http, .fd = accept(port, NULL, NULL)};
    assert_slice(sio_request_peer(&req), wanted);
    assert_slice(eio_request_address(&req), wanted);
    close(req.fd);
    close(client);
    close(port);
}

static void the_peer_as_a_number(void **state)
{
    (void)state;
    (void)request("/", "");
    assert_peer(AF_INET, "127.0.0.1");
    assert_peer(AF_INET6, "127.0.0.1"); /* IPv4, come to a port of both */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_by_their_name),
        cmocka_unit_test(the_query_is_raw),
        cmocka_unit_test(what_a_proxy_says_counts_only_when_it_is_trusted),
        cmocka_unit_test(the_peer_as_a_number),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    exact_free(text);
    return failed;
}
