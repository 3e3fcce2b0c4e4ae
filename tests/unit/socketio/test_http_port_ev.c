/* test_http_port_ev.c - a port on loopback: what its connections are like */
#include "gateway-svc/socketio/http_port_ev.h"
#include "tests/support/loop.h"
#include "tests/support/own_port.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/tcp_options.h"

static bool served;

static void serve(void *ctx, const struct http_request *request, int fd, struct eio_exchange *x)
{
    (void)ctx;
    (void)request;
    assert_tcp_options(fd);
    served = true;
    x->ops->drop(x);
}

static int ask(uint16_t port)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, text, sizeof text - 1, 0), sizeof text - 1);
    return fd;
}

static void a_client_that_vanishes_will_be_noticed(void **state)
{
    struct http_server server = {.loop = test_loop(), .serve = serve};
    uint16_t number = own_port();
    (void)state;
    struct http_port *port = http_port_open(&server, "127.0.0.1", number, true);
    assert_non_null(port);
    int fd = ask(number);
    UNTIL(server.loop, served);
    close(fd);
    http_port_close(port);
    http_server_close(&server);
    ev_loop_destroy(server.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_client_that_vanishes_will_be_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
