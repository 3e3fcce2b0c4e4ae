/* test_eio_sids.c - the table of connections that requests can name */
#include "gateway-svc/socketio/eio_conn.h"
#include "gateway-svc/socketio/eio_sids.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 1000

static void connections_are_found_by_their_sid_alone(void **state)
{
    static struct eio_conn conns[MANY];
    static struct eio_sid *entries[MANY];
    struct eio_sids sids = {0};
    (void)state;
    assert_null(eio_sids_find(&sids, SLICE("AAAAAAAAAAAAAAAAAAAAAAAA")));
    for (size_t i = 0; i < MANY; i++) {
        entries[i] = eio_sids_add(&sids, &conns[i]);
        assert_non_null(entries[i]);
    }
    assert_int_equal(sids.count, MANY);
    for (size_t i = 0; i < MANY; i += 2) {
        char gone[EIO_SID_RANDOM];
        memcpy(gone, entries[i]->random, sizeof gone);
        eio_sids_remove(&sids, entries[i]);
        assert_null(eio_sids_find(&sids, (struct slice){gone, sizeof gone}));
    }
    for (size_t i = 1; i < MANY; i += 2) {
        struct slice sid = {entries[i]->random, EIO_SID_RANDOM};
        assert_ptr_equal(eio_sids_find(&sids, sid), &conns[i]);
        eio_sids_remove(&sids, entries[i]);
    }
    assert_int_equal(sids.count, 0);
    eio_sids_remove(&sids, NULL);
    eio_sids_deinit(&sids);
}

static void the_node_stands_in_front(void **state)
{
    char text[64];
    struct eio_conn conn;
    struct eio_sids sids = {0};
    struct eio_sid *entry = eio_sids_add(&sids, &conn);
    (void)state;
    (void)snprintf(text, sizeof text, "gw-1.a.%.24s", entry->random);
    assert_ptr_equal(eio_sids_find(&sids, slice_text(text)), &conn);
    for (size_t n = 0; n < strlen(text); n++) { /* no prefix of it, and no reading past its end */
        struct slice copy = exact_copy(slice_head(slice_text(text), n));
        assert_null(eio_sids_find(&sids, copy));
        exact_free(copy);
    }
    assert_true(slice_equal(eio_sid_node(slice_text(text)), SLICE("gw-1.a")));
    assert_true(slice_equal(eio_sid_node(SLICE("abc")), SLICE("")));
    assert_true(slice_equal(eio_sid_node(SLICE(".abc")), SLICE("")));
    assert_true(slice_equal(eio_sid_node(SLICE("")), SLICE("")));
    eio_sids_remove(&sids, entry);
    eio_sids_deinit(&sids);
}

static void what_can_be_no_node_is_none(void **state)
{
    static const char *const nodes[] = {"a b",      "a\r\nb", "a/b", "a:1",
                                        "\xc3\xa4", "a%b",    "{a}", ""};
    static const char random[] = "AAAAAAAAAAAAAAAAAAAAAAAA";
    char text[EIO_NODE_MAX + 1 + sizeof random + 1];
    (void)state;
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        (void)snprintf(text, sizeof text, "%s.%s", nodes[i], random);
        assert_int_equal(eio_sid_node(slice_text(text)).len, 0);
    }
    for (int n = EIO_NODE_MAX - 1; n <= EIO_NODE_MAX + 1; n++) {
        (void)snprintf(text, sizeof text, "%0*d.%s", n, 0, random);
        size_t wanted = n <= EIO_NODE_MAX ? (size_t)n : 0;
        assert_int_equal(eio_sid_node(slice_text(text)).len, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_found_by_their_sid_alone),
        cmocka_unit_test(the_node_stands_in_front),
        cmocka_unit_test(what_can_be_no_node_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
