/* test_eio_sends_uring.c - many sends, with a ring and without, over real sockets */
#include "gateway-svc/socketio/eio_sends_uring.h"
#include "shared/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 1000 /* more than there are places in a ring */
#define ALL EIO_SENDS_MAX
#define NONE EIO_SENDS_MAX

static struct {
    struct eio_sends *sends;
    int near[EIO_SENDS_MAX], far[EIO_SENDS_MAX];
    struct eio_send all[EIO_SENDS_MAX];
    struct iovec parts[EIO_SENDS_MAX][3];
} w;

/* What the kernel does with a ring: of as many as it is asked for it takes `takes`, and says
 * nothing of number `keeps` before it returns.  In place of liburing's. */
static struct {
    unsigned takes, keeps;
} kernel = {ALL, NONE};

int io_uring_submit_and_get_events(struct io_uring *ring)
{
    struct io_uring_cqe *cqe;
    unsigned head, asked = ring->sq.sqe_tail - ring->sq.sqe_head;
    if (kernel.takes == 0) {
        return -EBUSY;
    }
    ring->sq.sqe_tail -= asked > kernel.takes ? asked - kernel.takes : 0;
    int taken = io_uring_submit(ring);
    io_uring_get_events(ring);
    io_uring_for_each_cqe(ring, head, cqe)
    {
        if (cqe->user_data == kernel.keeps) {
            cqe->user_data = UINT64_MAX;
        }
    }
    return taken;
}

static void start(bool ring)
{
    kernel.takes = ALL;
    kernel.keeps = NONE;
    w.sends = eio_sends_new(ring);
    assert_non_null(w.sends);
    for (size_t i = 0; i < EIO_SENDS_MAX; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        w.near[i] = pair[0];
        w.far[i] = pair[1];
        w.all[i] = (struct eio_send){.fd = pair[0], .parts = w.parts[i]};
    }
}

static int with_ring(void **state)
{
    (void)state;
    start(true);
    return 0;
}

static int without_ring(void **state)
{
    (void)state;
    start(false);
    return 0;
}

static int without_anything(void **state)
{
    without_ring(state);
    eio_sends_free(w.sends);
    w.sends = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < EIO_SENDS_MAX; i++) {
        close(w.near[i]);
        close(w.far[i]);
    }
    eio_sends_free(w.sends);
    return 0;
}

static bool kernel_gives_rings(void)
{
    struct io_uring ring;
    bool given =
        io_uring_queue_init(1, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) == 0;
    if (given) {
        io_uring_queue_exit(&ring);
    }
    return given;
}

/* `ring`: the test is one with a ring. */
static void need(const void *ring)
{
    if (ring && !kernel_gives_rings()) {
        print_message("  the kernel of this machine gives us no io_uring\n");
        skip();
    }
}

/* Number i is to be sent `text`, in so many parts. */
static void ask(size_t i, const char *text, size_t parts)
{
    size_t each = strlen(text) / parts;
    w.all[i].count = parts;
    for (size_t k = 0; k < parts; k++) {
        const char *from = text + k * each;
        w.parts[i][k].iov_len = k + 1 < parts ? each : strlen(from);
        memcpy(&w.parts[i][k].iov_base, &from, sizeof from); /* not to be written to */
    }
}

static void assert_got(size_t i, const char *text)
{
    char bytes[256] = "";
    assert_int_equal(w.all[i].sent, strlen(text));
    assert_int_equal(recv(w.far[i], bytes, sizeof bytes - 1, MSG_DONTWAIT), strlen(text));
    assert_string_equal(bytes, text);
}

static void fill(int fd)
{
    static char bytes[4096];
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    while (send(fd, bytes, 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

static void has_what_it_was_told(void **state)
{
    need(*state);
    assert_int_equal(eio_sends_has_ring(w.sends), *state != NULL);
}

static void everybody_gets_his_own(void **state)
{
    char texts[EIO_SENDS_MAX][32];
    need(*state);
    for (size_t count = 1; count <= EIO_SENDS_MAX; count++) {
        for (size_t i = 0; i < count; i++) {
            snprintf(texts[i], sizeof texts[i], "%zu of %zu", i, count);
            ask(i, texts[i], i % 3 + 1);
        }
        eio_sends_go(w.sends, w.all, count);
        for (size_t i = 0; i < count; i++) {
            assert_got(i, texts[i]);
        }
    }
}

static void again_and_again(void **state)
{
    need(*state);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t count = round % EIO_SENDS_MAX + 1;
        for (size_t i = 0; i < count; i++) {
            ask(i, i % 2 == 0 ? "even" : "odd one", 2 - i % 2);
        }
        eio_sends_go(w.sends, w.all, count);
        for (size_t i = 0; i < count; i++) {
            assert_got(i, i % 2 == 0 ? "even" : "odd one");
        }
    }
}

/* Nobody waits for those that take nothing, and what is wrong with one is wrong with none of the
 * others. */
static void each_has_a_result_of_its_own(void **state)
{
    need(*state);
    for (size_t i = 0; i < EIO_SENDS_MAX; i++) {
        ask(i, "text", i % 2 + 1);
    }
    fill(w.near[3]);
    close(w.far[4]);
    close(w.far[5]);
    w.far[4] = w.far[5] = -1;
    w.all[6].fd = -1;
    eio_sends_go(w.sends, w.all, EIO_SENDS_MAX);
    for (size_t i = 0; i < EIO_SENDS_MAX; i++) {
        switch (i) {
        case 3: assert_int_equal(w.all[i].sent, -EAGAIN); break;
        case 4:
        case 5: assert_int_equal(w.all[i].sent, -EPIPE); break;
        case 6: assert_int_equal(w.all[i].sent, -EBADF); break;
        default: assert_got(i, "text");
        }
    }
}

/* What the kernel takes of more than it has room for, it says. */
static void the_rest_is_the_callers(void **state)
{
    static char big[3][1 << 20], got[1 << 16];
    need(*state);
    for (size_t i = 0; i < 4; i++) {
        w.all[i].count = i % 2 == 0 ? 1 : 3;
        for (size_t k = 0; k < 3; k++) {
            memset(big[k], 'a' + (int)k, sizeof big[k]);
            w.parts[i][k] = (struct iovec){big[k], sizeof big[k]};
        }
    }
    eio_sends_go(w.sends, w.all, 4);
    for (size_t i = 0; i < 4; i++) {
        ssize_t n, all = 0;
        assert_in_range(w.all[i].sent, 1, sizeof big[0] - 1);
        while ((n = recv(w.far[i], got, sizeof got, MSG_DONTWAIT)) > 0) {
            assert_memory_equal(got, big[0], (size_t)n);
            all += n;
        }
        assert_int_equal(all, w.all[i].sent);
    }
}

/* ---- No ring, or none any more --------------------------------------------------------------- */

static void no_files_no_ring(void **state)
{
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct eio_sends *sends = eio_sends_new(true);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_non_null(sends);
    assert_false(eio_sends_has_ring(sends));
    eio_sends_free(w.sends);
    w.sends = sends;
    everybody_gets_his_own(state);
}

/* As if the kernel had taken it back: its file is another. */
static void a_ring_that_breaks_loses_nothing(void **state)
{
    need(&w);
    eio_sends_free(w.sends);
    int other = open("/dev/null", O_RDONLY), next = dup(other);
    close(next);
    w.sends = eio_sends_new(true);
    assert_true(dup2(other, next) == next); /* the lowest that is free is what it got */
    close(other);
    everybody_gets_his_own(state);
    assert_false(eio_sends_has_ring(w.sends));
}

static void all_but(size_t lost)
{
    for (size_t i = 0; i < EIO_SENDS_MAX; i++) {
        ask(i, "text", i % 2 + 1);
    }
    eio_sends_go(w.sends, w.all, EIO_SENDS_MAX);
    for (size_t i = 0; i < EIO_SENDS_MAX; i++) {
        if (i != lost) {
            assert_got(i, "text");
        }
    }
    assert_false(eio_sends_has_ring(w.sends));
}

static void what_it_does_not_take_is_sent_without_it(void **state)
{
    need(*state);
    kernel.takes = 7;
    all_but(NONE);
}

static void what_takes_nothing_is_done_without(void **state)
{
    need(*state);
    kernel.takes = 0;
    all_but(NONE);
}

/* Whether it was sent, nobody knows: sent again, a client could have it twice. */
static void what_it_keeps_costs_one_connection(void **state)
{
    need(*state);
    kernel.keeps = 5;
    all_but(5);
    assert_int_equal(w.all[5].sent, -EIO);
}

static void nothing_to_free(void **state)
{
    (void)state;
    eio_sends_free(NULL);
}

/* clang-format off */
#define WITH_RING(test)                                                                            \
    {.name = #test " (ring)", .test_func = (test), .setup_func = with_ring,                        \
     .teardown_func = teardown, .initial_state = &w}
/* clang-format on */
#define WITHOUT(test) cmocka_unit_test_setup_teardown(test, without_ring, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RING(has_what_it_was_told),
        WITH_RING(everybody_gets_his_own),
        WITH_RING(again_and_again),
        WITH_RING(each_has_a_result_of_its_own),
        WITH_RING(the_rest_is_the_callers),
        WITH_RING(what_it_does_not_take_is_sent_without_it),
        WITH_RING(what_takes_nothing_is_done_without),
        WITH_RING(what_it_keeps_costs_one_connection),
        WITHOUT(has_what_it_was_told),
        WITHOUT(everybody_gets_his_own),
        WITHOUT(again_and_again),
        WITHOUT(each_has_a_result_of_its_own),
        WITHOUT(the_rest_is_the_callers),
        cmocka_unit_test_setup_teardown(everybody_gets_his_own, without_anything, teardown),
        WITHOUT(no_files_no_ring),
        WITHOUT(a_ring_that_breaks_loses_nothing),
        cmocka_unit_test(nothing_to_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
