/* test_telling.c - a change of the list goes round: each client is told once, some in each turn */
#include "gateway-svc/app/telling.h"
#include "shared/must.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 1000

struct sio_socket {
    size_t queued;
    unsigned emitted;   /* of the change that goes round */
    size_t caught_up;   /* from this one on, */
    unsigned catch_ups; /* so often */
};

static struct world {
    struct ev_loop *loop;
    struct telling telling;
    struct clients clients;
    struct user user;
    struct sio_frame *frame;
    unsigned done;
    unsigned emitted; /* by the turn that runs */
} w;

/* ---- What it asks of others ------------------------------------------------------------------ */

void sio_socket_set_data(struct sio_socket *socket, void *data)
{
    (void)socket;
    (void)data;
}

size_t sio_socket_queued(const struct sio_socket *socket)
{
    return socket->queued;
}

void sio_socket_emit(struct sio_socket *socket, struct sio_frame *frame)
{
    assert_ptr_equal(frame, w.frame);
    socket->emitted++;
    w.emitted++;
}

/* Frames are numbers here, and nobody looks into them. */
static size_t frame_size;
struct sio_frame *sio_frame_ref(struct sio_frame *frame)
{
    return frame;
}

void sio_frame_unref(struct sio_frame *frame)
{
    (void)frame;
}

size_t sio_frame_size(const struct sio_frame *frame)
{
    (void)frame;
    return frame_size;
}

void crowd_told(struct crowd *c)
{
    (void)c;
    w.done++;
}

void crowd_catch_up(struct crowd *c, struct sio_socket *socket, size_t change, struct slice shown)
{
    (void)c;
    (void)shown;
    socket->caught_up = change;
    socket->catch_ups++;
}

/* ---- The world ------------------------------------------------------------------------------- */

static int begin(void **state)
{
    (void)state;
    w = (struct world){.loop = ev_loop_new(0), .frame = (struct sio_frame *)&w};
    frame_size = 100;
    telling_init(&w.telling, w.loop, NULL, &w.clients, (size_t)1 << 20);
    return 0;
}

static struct client *come(void)
{
    struct client *client = client_new(&w.user, must(calloc(1, sizeof(struct sio_socket))));
    client->state = CLIENT_LIVE;
    clients_add(&w.clients, client);
    return client;
}

static void go(struct client *client)
{
    struct sio_socket *socket = client->socket;
    telling_forget(&w.telling, client);
    clients_remove(&w.clients, client);
    client_free(client);
    free(socket);
}

static int end(void **state)
{
    (void)state;
    while (w.clients.count > 0) {
        go(w.clients.at[0]);
    }
    telling_deinit(&w.telling);
    free(w.clients.at);
    ev_loop_destroy(w.loop);
    return 0;
}

static void come_many(unsigned count)
{
    while (count-- > 0) {
        come();
    }
}

static unsigned emitted_to(const struct client *client)
{
    return client->socket->emitted;
}

/* One turn of the loop. */
static void turn(void)
{
    w.emitted = 0;
    ev_run(w.loop, EVRUN_ONCE);
}

static void turns_until_done(void)
{
    while (w.done == 0) {
        turn();
        assert_int_not_equal(w.emitted, 0);
    }
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void few_are_told_at_once(void **state)
{
    (void)state;
    telling_start(&w.telling, w.frame, 0);
    assert_int_equal(w.done, 1); /* nobody is there */
    come_many(3);
    telling_start(&w.telling, w.frame, 1);
    assert_int_equal(w.done, 2);
    assert_int_equal(w.emitted, 3);
}

static void many_are_told_in_several_turns(void **state)
{
    static const struct {
        size_t frame;
        unsigned most, least; /* in a turn */
    } rows[] = {
        {100,     256, 200},
        {60000,   20,  10 },
        {1 << 24, 1,   1  },
    };
    (void)state;
    come_many(MANY);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        frame_size = rows[i].frame;
        w.done = w.emitted = 0;
        telling_start(&w.telling, w.frame, i);
        while (w.done == 0) {
            assert_in_range(w.emitted, rows[i].least, rows[i].most);
            turn();
        }
        for (unsigned c = 0; c < MANY; c++) {
            assert_int_equal(emitted_to(w.clients.at[c]), i + 1);
        }
    }
}

static void who_comes_meanwhile_has_it_already(void **state)
{
    (void)state;
    come_many(MANY);
    telling_start(&w.telling, w.frame, 0);
    const struct client *new = come();
    turns_until_done();
    assert_int_equal(emitted_to(new), 0);
}

/* Whoever goes leaves his place to another: to nobody who would be told twice, or never. */
static void who_goes_meanwhile_changes_nothing_for_the_others(void **state)
{
    uint32_t dice = 1;
    unsigned gone = 0;
    (void)state;
    come_many(MANY);
    telling_start(&w.telling, w.frame, 0);
    while (w.done == 0) {
        for (unsigned i = 0; i < 40; i++) {
            dice = dice * 1103515245 + 12345;
            struct client *client = w.clients.at[(dice >> 8) % w.clients.count];
            if (i % 4 == 0) {
                come()->said = 1; /* of this test: after the change */
            } else {
                assert_in_range(emitted_to(client), 0, 1);
                go(client);
                gone++;
            }
        }
        turn();
    }
    assert_in_range(gone, 60, MANY);
    for (unsigned c = 0; c < w.clients.count; c++) {
        assert_int_equal(emitted_to(w.clients.at[c]), w.clients.at[c]->said == 0);
    }
}

static void who_was_told_besides_is_passed_over(void **state)
{
    (void)state;
    come_many(MANY);
    struct client *first = w.clients.at[0];
    telling_start(&w.telling, w.frame, 0);
    telling_forget(&w.telling, first);
    turns_until_done();
    assert_int_equal(emitted_to(first), 0);
    for (unsigned c = 0; c < MANY; c++) {
        assert_int_equal(emitted_to(w.clients.at[c]), w.clients.at[c] != first);
    }
}

static void all_that_are_left_can_be_told_at_once(void **state)
{
    (void)state;
    come_many(MANY);
    telling_finish(&w.telling); /* nothing goes round */
    assert_int_equal(w.done, 0);
    telling_start(&w.telling, w.frame, 0);
    assert_int_equal(w.done, 0);
    telling_finish(&w.telling);
    assert_int_equal(w.done, 1);
    assert_int_equal(w.emitted, MANY);
}

static void who_reads_slowly_catches_up_from_the_first_that_it_missed(void **state)
{
    (void)state;
    come_many(2);
    struct client *slow = w.clients.at[0];
    slow->socket->queued = LAG_BYTES + 1;
    for (size_t change = 7; change < 10; change++) {
        telling_start(&w.telling, w.frame, change);
    }
    assert_int_equal(emitted_to(slow), 0);
    assert_int_equal(emitted_to(w.clients.at[1]), 3);
    slow->socket->queued = LAG_BYTES / 2 + 1;
    turn();
    assert_int_equal(slow->socket->catch_ups, 0);
    slow->socket->queued = LAG_BYTES / 2;
    turn();
    assert_int_equal(slow->socket->catch_ups, 1);
    assert_int_equal(slow->socket->caught_up, 7);
    assert_false(ev_is_active(&w.telling.look));
    telling_start(&w.telling, w.frame, 10);
    assert_int_equal(emitted_to(slow), 1);
}

static void what_is_lost_is_known_while_one_lags_and_after(void **state)
{
    (void)state;
    come_many(1);
    struct client *slow = w.clients.at[0];
    *client_knows(slow) = 41;
    slow->socket->queued = LAG_BYTES + 1;
    telling_start(&w.telling, w.frame, 7);
    assert_true(slow->lags);
    assert_int_equal(*client_knows(slow), 41);
    *client_knows(slow) = 42;
    slow->socket->queued = 0;
    turn();
    assert_false(slow->lags);
    assert_int_equal(slow->socket->caught_up, 7);
    assert_int_equal(*client_knows(slow), 42);
}

/* What it catches up with has the change in it that goes round. */
static void who_catches_up_while_a_change_goes_round_is_not_told_it_again(void **state)
{
    (void)state;
    come_many(MANY);
    struct client *slow = w.clients.at[0];
    slow->socket->queued = LAG_BYTES + 1;
    telling_start(&w.telling, w.frame, 0);
    turns_until_done();
    frame_size = (size_t)1 << 24;
    w.done = 0;
    telling_start(&w.telling, w.frame, 1);
    slow->socket->queued = 0;
    ev_invoke(w.loop, &w.telling.look, EV_TIMER); /* it is time to look */
    assert_int_equal(w.done, 0);
    telling_finish(&w.telling);
    assert_int_equal(slow->socket->catch_ups, 1);
    assert_int_equal(slow->socket->caught_up, 0);
    assert_int_equal(emitted_to(slow), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(few_are_told_at_once, begin, end),
        cmocka_unit_test_setup_teardown(many_are_told_in_several_turns, begin, end),
        cmocka_unit_test_setup_teardown(who_comes_meanwhile_has_it_already, begin, end),
        cmocka_unit_test_setup_teardown(who_goes_meanwhile_changes_nothing_for_the_others, begin,
                                        end),
        cmocka_unit_test_setup_teardown(who_was_told_besides_is_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(all_that_are_left_can_be_told_at_once, begin, end),
        cmocka_unit_test_setup_teardown(who_reads_slowly_catches_up_from_the_first_that_it_missed,
                                        begin, end),
        cmocka_unit_test_setup_teardown(what_is_lost_is_known_while_one_lags_and_after, begin, end),
        cmocka_unit_test_setup_teardown(
            who_catches_up_while_a_change_goes_round_is_not_told_it_again, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
