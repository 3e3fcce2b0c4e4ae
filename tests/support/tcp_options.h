/* tcp_options.h - reads back how a TCP socket was set; include it behind cmocka.h */
#ifndef PARLEY_TESTS_TCP_OPTIONS_H
#define PARLEY_TESTS_TCP_OPTIONS_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static inline int tcp_option(int fd, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* It sends at once, asks behind a minute of silence, more than a heartbeat and its time take, and
 * gives up half a minute later, also when something waits to be acknowledged. */
static inline void assert_tcp_options(int fd)
{
    assert_int_equal(tcp_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(tcp_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(tcp_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(tcp_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    assert_int_equal(tcp_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    assert_int_equal(tcp_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 90000);
}

#endif
