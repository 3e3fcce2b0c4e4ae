/* test_sio_acks.c - what clients are asked is answered once, or said to be lost once */
#include "gateway-svc/socketio/sio_acks.h"
#include "gateway-svc/socketio/sio_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MANY 1000 /* sockets: more than there are buckets */

static struct eio_deadlines timeouts;
static struct sio_acks acks;
static struct sio_socket one, two;
static char heard[200]; /* "name answer;" of each call */

static int setup(void **state)
{
    (void)state;
    eio_deadlines_init(&timeouts, 1000);
    acks = (struct sio_acks){.timeouts = &timeouts};
    one = two = (struct sio_socket){0};
    heard[0] = '\0';
    return 0;
}

static void on_answer(void *arg, struct sio_socket *socket, const struct sio_answer *answer)
{
    const char *name = arg;
    size_t n = strlen(heard);
    assert_true(socket == &one || socket == &two);
    (void)snprintf(heard + n, sizeof heard - n, "%s %.*s;", name,
                   answer ? (int)answer->args.len : 4, answer ? answer->args.ptr : "none");
}

static uint32_t ask(struct sio_socket *socket, const char *name, uint64_t now_us)
{
    static char names[8][8];
    static unsigned next;
    char *own = names[next++ % 8];
    (void)snprintf(own, sizeof names[0], "%s", name);
    return sio_acks_ask(&acks, socket, now_us, on_answer, own);
}

static void answer(struct sio_socket *socket, uint64_t id, const char *args)
{
    sio_acks_answer(&acks, socket, id, &(struct sio_answer){.args = slice_text(args)});
}

static void assert_heard(const char *wanted)
{
    assert_string_equal(heard, wanted);
    heard[0] = '\0';
}

static void an_answer_finds_its_question(void **state)
{
    (void)state;
    uint32_t a = ask(&one, "a", 0), b = ask(&one, "b", 0);
    assert_int_equal(one.asked, 2);
    answer(&one, b, "1");
    assert_heard("b 1;");
    answer(&one, a, "2");
    assert_heard("a 2;");
    assert_int_equal(one.asked, 0);
    assert_int_equal(eio_deadlines_next(&timeouts), EIO_NEVER);
}

static void what_nobody_waits_for_is_ignored(void **state)
{
    (void)state;
    uint32_t a = ask(&one, "a", 0);
    answer(&one, a + 1, "1");
    answer(&one, a + (UINT64_C(1) << 32), "1"); /* the same in 32 bits */
    answer(&two, a, "1");                       /* of another */
    assert_heard("");
    answer(&one, a, "1");
    answer(&one, a, "2"); /* twice */
    assert_heard("a 1;");
}

static void a_socket_that_goes_loses_its_own(void **state)
{
    (void)state;
    (void)ask(&one, "a", 0);
    uint32_t b = ask(&two, "b", 0);
    (void)ask(&one, "c", 0);
    sio_acks_fail(&acks, &one);
    assert_int_equal(strlen(heard), strlen("a none;c none;"));
    assert_non_null(strstr(heard, "a none;"));
    assert_non_null(strstr(heard, "c none;"));
    heard[0] = '\0';
    sio_acks_fail(&acks, &one);
    assert_heard("");
    answer(&two, b, "1");
    assert_heard("b 1;");
    assert_int_equal(one.asked + two.asked, 0);
}

static void late_is_by_the_time_of_asking(void **state)
{
    struct eio_deadline *d;
    (void)state;
    uint32_t a = ask(&one, "a", 0);
    (void)ask(&one, "b", 500);
    assert_null(eio_deadlines_due(&timeouts, 999));
    while ((d = eio_deadlines_due(&timeouts, 1000))) {
        sio_acks_late(&acks, d);
    }
    assert_heard("a none;");
    answer(&one, a, "1");
    assert_heard("");
    while ((d = eio_deadlines_due(&timeouts, 1500))) {
        sio_acks_late(&acks, d);
    }
    assert_heard("b none;");
    assert_int_equal(one.asked, 0);
}

static void ids_stay_below_2_to_31(void **state)
{
    (void)state;
    acks.next_id = 0x7fffffff;
    uint32_t a = ask(&one, "a", 0), b = ask(&one, "b", 0);
    assert_int_equal(a, 0x7fffffff);
    assert_int_equal(b, 0);
    answer(&one, a, "1");
    answer(&one, b, "2");
    assert_heard("a 1;b 2;");
}

static void ask_again(void *arg, struct sio_socket *socket, const struct sio_answer *got)
{
    unsigned *left = arg;
    (void)got;
    if ((*left)-- > 1) {
        (void)sio_acks_ask(&acks, socket, 0, ask_again, arg);
    }
}

/* (sio_socket_ask does not let a socket that goes ask: this is for the one that stays.) */
static void a_callback_may_ask_again(void **state)
{
    unsigned left = 3;
    (void)state;
    uint32_t id = sio_acks_ask(&acks, &one, 0, ask_again, &left);
    answer(&one, id, "1");
    assert_int_equal(left, 2);
    assert_int_equal(one.asked, 1);
    sio_acks_late(&acks, eio_deadlines_first(&timeouts));
    assert_int_equal(left, 1);
    sio_acks_fail(&acks, &one);
    assert_int_equal(left, 0);
    assert_int_equal(one.asked, 0);
}

static void count(void *arg, struct sio_socket *socket, const struct sio_answer *got)
{
    (void)socket;
    (void)got;
    (*(unsigned *)arg)++;
}

static void many_sockets_share_the_table(void **state)
{
    static struct sio_socket sockets[MANY];
    static uint32_t ids[MANY];
    unsigned calls = 0;
    (void)state;
    memset(sockets, 0, sizeof sockets);
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = sio_acks_ask(&acks, &sockets[i], i, count, &calls);
    }
    for (size_t i = 0; i < MANY; i += 2) {
        sio_acks_answer(&acks, &sockets[i], ids[i], &(struct sio_answer){0});
        assert_int_equal(sockets[i].asked, 0);
    }
    assert_int_equal(calls, MANY / 2);
    for (size_t i = 0; i < MANY; i++) {
        sio_acks_fail(&acks, &sockets[i]);
        assert_int_equal(sockets[i].asked, 0);
    }
    assert_int_equal(calls, MANY);
    for (size_t i = 0; i < SIO_ACK_BUCKETS; i++) {
        assert_null(acks.buckets[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
        T(an_answer_finds_its_question),     T(what_nobody_waits_for_is_ignored),
        T(a_socket_that_goes_loses_its_own), T(late_is_by_the_time_of_asking),
        T(ids_stay_below_2_to_31),           T(a_callback_may_ask_again),
        T(many_sockets_share_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
