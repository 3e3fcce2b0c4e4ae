/* test_redis_reply.c - reading replies of any shape */
#include "shared/redis_conn.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the three above */
#include <cmocka.h>

static void wrong_shapes_read_as_empty(void **state)
{
    static const char bytes[] =
        "*7\r\n:42\r\n$2\r\n17\r\n$3\r\n1x7\r\n:-5\r\n$-1\r\n*0\r\n+fine\r\n";
    static const uint64_t numbers[] = {42, 17, 0, 0, 0, 0, 0, 0};
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    (void)state;
    redisReaderFeed(reader, bytes, sizeof bytes - 1);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_int_equal(redis_reply_count(reply), 7);
    for (size_t i = 0; i < 8; i++) { /* one behind the end, too */
        assert_int_equal(redis_reply_u64_at(reply, i), numbers[i]);
    }
    assert_true(slice_equal(redis_reply_text_at(reply, 1), SLICE("17")));
    assert_true(slice_equal(redis_reply_text_at(reply, 6), SLICE("fine")));
    assert_int_equal(redis_reply_text_at(reply, 0).len, 0);
    assert_int_equal(redis_reply_text_at(reply, 5).len, 0);
    assert_null(redis_reply_at(reply, 7));
    assert_int_equal(redis_reply_count(redis_reply_at(reply, 6)), 0);
    assert_false(redis_reply_is_error(reply, NULL));
    assert_false(redis_reply_is_error(NULL, NULL));
    assert_int_equal(redis_reply_text(NULL).len, 0);
    assert_int_equal(redis_reply_u64_at(NULL, 0), 0);
    freeReplyObject(reply);
    redisReaderFree(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_shapes_read_as_empty),
    };
    return cmocka_run_group_tests_name("redis_reply", tests, NULL, NULL);
}
