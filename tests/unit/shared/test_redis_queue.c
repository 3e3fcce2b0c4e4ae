/* test_redis_queue.c - commands on their way, and what is left of them */
#include "shared/redis_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* after the six above */
#include <cmocka.h>

#define SECRET_MAX 255 /* as redis_url.h has it, like the user's 127 */
#define WORD "hunter2."

struct world {
    struct redis_queue queue;
    int ends[2];
    char secret[SECRET_MAX + 1];
    const char *before; /* where the bytes are */
};

static int setup(void **state)
{
    static struct world w;
    for (size_t i = 0; i < SECRET_MAX; i++) {
        w.secret[i] = WORD[i % strlen(WORD)];
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, w.ends), 0);
    redis_queue_init(&w.queue);
    w.before = w.queue.out.ptr;
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    redis_expected_fail(redis_queue_take(&w->queue));
    redis_queue_deinit(&w->queue);
    close(w->ends[0]);
    close(w->ends[1]);
    return 0;
}

static bool holds_secret(const struct world *w)
{
    struct slice rest = {w->queue.out.ptr, w->queue.out.cap};
    while (rest.len > 0 && !slice_starts(rest, SLICE(WORD))) {
        rest = slice_tail(rest, 1);
    }
    return rest.len > 0;
}

static void push(struct world *w, const struct slice *argv, size_t argc)
{
    const struct redis_expected expected = {0};
    assert_true(redis_queue_push(&w->queue, argv, argc, &expected, 1));
}

/* The largest that there is; it moved nothing, so that there is no second copy. */
static void push_handshake(struct world *w)
{
    static const char user[127] = "u", name[64] = "n";
    const struct slice auth[] = {
        SLICE("AUTH"), {user, sizeof user},
         slice_text(w->secret)
    };
    const struct slice named[] = {
        SLICE("CLIENT"), SLICE("SETNAME"), {name, sizeof name}
    };
    push(w, auth, 3);
    push(w, named, 3);
    push(w, (struct slice[]){SLICE("PING")}, 1);
    push(w, (struct slice[]){SLICE("ROLE")}, 1);
    assert_true(holds_secret(w));
    assert_ptr_equal(w->queue.out.ptr, w->before);
}

static void a_password_that_was_sent_is_wiped(void **state)
{
    struct world *w = *state;
    push_handshake(w);
    assert_int_equal(redis_queue_flush(&w->queue, w->ends[0]), 1);
    assert_true(holds_secret(w));
    redis_queue_wipe(&w->queue);
    assert_false(holds_secret(w));
}

static void a_password_that_nobody_took_is_wiped(void **state)
{
    struct world *w = *state;
    push_handshake(w);
    redis_expected_fail(redis_queue_take(&w->queue));
    assert_false(holds_secret(w));
}

static void what_waits_is_left_alone(void **state)
{
    struct world *w = *state;
    char sent[64];
    push(w, (struct slice[]){SLICE("SAY"), SLICE("x")}, 2);
    redis_queue_wipe(&w->queue);
    assert_int_equal(redis_queue_flush(&w->queue, w->ends[0]), 1);
    ssize_t n = read(w->ends[1], sent, sizeof sent);
    assert_true(
        slice_equal((struct slice){sent, (size_t)n}, SLICE("*2\r\n$3\r\nSAY\r\n$1\r\nx\r\n")));
}

/* What a command looks like on the wire, however empty its arguments are. */
static void commands_are_written_as_resp(void **state)
{
    static const char wanted[] = "*3\r\n$0\r\n\r\n$0\r\n\r\n$10\r\n0123456789\r\n*0\r\n";
    struct world *w = *state;
    char sent[sizeof wanted];
    const struct slice nothing = {NULL, 0};
    push(w, (struct slice[]){SLICE(""), nothing, SLICE("0123456789")}, 3);
    push(w, NULL, 0);
    assert_int_equal(redis_queue_flush(&w->queue, w->ends[0]), 1);
    ssize_t n = read(w->ends[1], sent, sizeof sent);
    assert_true(slice_equal((struct slice){sent, (size_t)n}, slice_text(wanted)));
}

/* Their lengths take more room than they do themselves. */
static void many_small_arguments_have_room(void **state)
{
    struct world *w = *state;
    struct slice argv[500];
    char sent[8192];
    struct buf wanted;
    buf_init(&wanted, sizeof sent);
    buf_append(&wanted, SLICE("*500\r\n"));
    for (size_t i = 0; i < 500; i++) {
        argv[i] = SLICE("x");
        buf_append(&wanted, SLICE("$1\r\nx\r\n"));
    }
    push(w, argv, 500);
    assert_int_equal(redis_queue_flush(&w->queue, w->ends[0]), 1);
    ssize_t n = read(w->ends[1], sent, sizeof sent);
    assert_true(slice_equal((struct slice){sent, (size_t)n}, buf_slice(&wanted)));
    buf_deinit(&wanted);
}

/* One that does not fit is refused whole, and those before and behind it go. */
static void a_command_that_does_not_fit_leaves_nothing(void **state)
{
    static char large[REDIS_QUEUE_MAX_BYTES];
    const struct redis_expected expected = {0};
    struct world *w = *state;
    char sent[64];
    push(w, (struct slice[]){SLICE("A")}, 1);
    assert_false(
        redis_queue_push(&w->queue, &(struct slice){large, sizeof large}, 1, &expected, 1));
    push(w, (struct slice[]){SLICE("B")}, 1);
    assert_int_equal(redis_queue_flush(&w->queue, w->ends[0]), 1);
    ssize_t n = read(w->ends[1], sent, sizeof sent);
    assert_true(
        slice_equal((struct slice){sent, (size_t)n}, SLICE("*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n")));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_password_that_was_sent_is_wiped), T(a_password_that_nobody_took_is_wiped),
        T(what_waits_is_left_alone),          T(commands_are_written_as_resp),
        T(many_small_arguments_have_room),    T(a_command_that_does_not_fit_leaves_nothing),
    };
    return cmocka_run_group_tests_name("redis_queue", tests, NULL, NULL);
}
