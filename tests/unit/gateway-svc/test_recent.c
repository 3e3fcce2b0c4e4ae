/* test_recent.c - what a session did is remembered when it has left */
#include "gateway-svc/app/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A hash that begins so. */
static const char *hash_of(const char *begin)
{
    static char hashes[4][TOKEN_HASH_LEN + 1];
    static size_t next;
    char *hash = hashes[next++ % 4];
    memset(hash, 'a', TOKEN_HASH_LEN);
    for (size_t i = 0; begin[i] != '\0'; i++) {
        hash[i] = begin[i];
    }
    return hash;
}

static void it_is_found_again_by_its_session_alone(void **state)
{
    static struct recent recent;
    (void)state;
    assert_int_equal(recent_of(&recent, hash_of("0"))->messages.used_milli, 0);
    recent_of(&recent, hash_of("00000001"))->messages = (struct bucket){7000, 5};
    recent_of(&recent, hash_of("00000002"))->connects = (struct bucket){8000, 6};
    assert_int_equal(recent_of(&recent, hash_of("00000001"))->messages.used_milli, 7000);
    assert_int_equal(recent_of(&recent, hash_of("00000001"))->messages.at_ms, 5);
    assert_int_equal(recent_of(&recent, hash_of("00000001"))->connects.used_milli, 0);
    assert_int_equal(recent_of(&recent, hash_of("00000002"))->connects.used_milli, 8000);
    assert_int_equal(recent_of(&recent, hash_of("00000001b"))->messages.used_milli, 0);
}

/* 0x00000401 is 0x00000001 + 1024. */
static void of_two_in_one_slot_the_later_stays(void **state)
{
    static struct recent recent;
    (void)state;
    recent_of(&recent, hash_of("00000001"))->messages = (struct bucket){7000, 5};
    recent_of(&recent, hash_of("00000001"))->connects = (struct bucket){7000, 5};
    assert_int_equal(recent_of(&recent, hash_of("00000401"))->messages.used_milli, 0);
    assert_int_equal(recent_of(&recent, hash_of("00000401"))->connects.used_milli, 0);
    assert_int_equal(recent_of(&recent, hash_of("00000001"))->messages.used_milli, 0);
}

static void every_hash_has_a_slot(void **state)
{
    static const char *const digits[] = {"00000000", "ffffffff", "9a9a9a9a", "deadbeef"};
    static struct recent recent;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        recent_of(&recent, hash_of(digits[i]))->messages.used_milli = i + 1;
        assert_int_equal(recent_of(&recent, hash_of(digits[i]))->messages.used_milli, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_found_again_by_its_session_alone),
        cmocka_unit_test(of_two_in_one_slot_the_later_stays),
        cmocka_unit_test(every_hash_has_a_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
