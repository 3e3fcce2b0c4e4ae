/* test_listener.c - a socket that listens, at one of the addresses of a name */
#include "shared/listener.h"
#include "tests/support/lookup.h"
#include "tests/support/own_port.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the four above */
#include <cmocka.h>

#define NOT_OURS "192.0.2.1" /* RFC 5737: of documentation */

/* (Looked up on this thread, so that there is none that lookup_end could wait for.) */
static int open_at(uint16_t port, const char **why)
{
    const struct listener_config config = {"name.test", port, 4, lookup_play};
    return listener_open(&config, why);
}

static bool listens_at(int fd, const char *host, uint16_t port)
{
    struct sockaddr_in at = {0};
    socklen_t size = sizeof at, one = sizeof(int);
    char text[INET_ADDRSTRLEN] = "";
    int listens = 0;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &one), 0);
    inet_ntop(AF_INET, &at.sin_addr, text, sizeof text);
    return listens && strcmp(text, host) == 0 && ntohs(at.sin_port) == port &&
           (fcntl(fd, F_GETFL) & O_NONBLOCK) && (fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void the_first_address_that_can_be_had_is_taken(void **state)
{
    static const struct {
        const char *addresses[3], *taken; /* taken NULL: none */
    } cases[] = {
        {{"127.0.0.1"},                     "127.0.0.1"},
        {{"127.0.0.1", "127.0.0.2"},        "127.0.0.1"},
        {{NOT_OURS, "127.0.0.2"},           "127.0.0.2"},
        {{NOT_OURS, NOT_OURS, "127.0.0.1"}, "127.0.0.1"},
        {{NOT_OURS, NOT_OURS},              NULL       },
    };
    uint16_t port = own_port();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *why = "";
        lookup_begin();
        memcpy(lookup_script.addresses, cases[i].addresses, sizeof cases[i].addresses);
        int fd = open_at(port, &why);
        int error = errno;
        if (cases[i].taken) {
            assert_true(fd >= 0 && listens_at(fd, cases[i].taken, port));
            close(fd);
        } else {
            assert_int_equal(fd, -1);
            assert_int_equal(error, EADDRNOTAVAIL);
            assert_string_equal(why, strerror(EADDRNOTAVAIL));
        }
    }
}

static void a_name_that_nobody_knows_is_told(void **state)
{
    const char *why = "";
    (void)state;
    lookup_begin();
    lookup_script.error = EAI_NONAME;
    assert_int_equal(open_at(own_port(), &why), -1);
    assert_int_equal(errno, EADDRNOTAVAIL);
    assert_string_equal(why, gai_strerror(EAI_NONAME));
}

/* Not at the next address: two servers would be taken for one. */
static void a_taken_port_is_an_end(void **state)
{
    static const char *const others[] = {"127.0.0.2", NOT_OURS};
    const char *why = "";
    uint16_t port = own_port();
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        lookup_begin();
        lookup_script.addresses[0] = "127.0.0.1";
        int first = open_at(port, &why);
        lookup_begin();
        lookup_script.addresses[0] = "127.0.0.1";
        lookup_script.addresses[1] = others[i];
        assert_int_equal(open_at(port, &why), -1);
        assert_int_equal(errno, EADDRINUSE);
        assert_string_equal(why, strerror(EADDRINUSE));
        close(first);
    }
}

static void a_taken_port_is_told(void **state)
{
    const char *why = "";
    uint16_t port = own_port();
    (void)state;
    lookup_begin();
    lookup_script.addresses[0] = "127.0.0.1";
    int fd = open_at(port, &why);
    assert_true(fd >= 0);
    assert_int_equal(open_at(port, &why), -1);
    assert_int_equal(errno, EADDRINUSE);
    assert_string_equal(why, strerror(EADDRINUSE));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_address_that_can_be_had_is_taken),
        cmocka_unit_test(a_name_that_nobody_knows_is_told),
        cmocka_unit_test(a_taken_port_is_an_end),
        cmocka_unit_test(a_taken_port_is_told),
    };
    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
