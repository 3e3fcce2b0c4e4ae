/* test_functions_answer.c - what every answer of the function library begins with */
#include "shared/functions_answer.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* after the four above */
#include <cmocka.h>

#define LONGEST "0123456789abcdef01234567" /* EPOCH_MAX */

/* Any text, and so any bytes. */
#define OK(epoch) "*2\r\n$2\r\nok\r\n" epoch "\r\n"

static void an_epoch_is_hex_digits_and_nothing_else_is_taken(void **state)
{
    static const struct {
        struct slice reply;
        const char *epoch; /* NULL: none is taken */
    } cases[] = {
        {SLICE_INIT(OK("$1\r\n0")),                 "0"               },
        {SLICE_INIT(OK("$16\r\n0123456789abcdef")), "0123456789abcdef"},
        {SLICE_INIT(OK("$24\r\n" LONGEST)),         LONGEST           },
        {SLICE_INIT(OK("$25\r\n" LONGEST "8")),     NULL              },
        {SLICE_INIT(OK("$0\r\n")),                  NULL              },
        {SLICE_INIT(OK("$-1")),                     NULL              },
        {SLICE_INIT(OK("$2\r\nzz")),                NULL              },
        {SLICE_INIT(OK("$2\r\nag")),                NULL              },
        {SLICE_INIT(OK("$2\r\n`a")),                NULL              },
        {SLICE_INIT(OK("$2\r\n/0")),                NULL              },
        {SLICE_INIT(OK("$2\r\n0:")),                NULL              },
        {SLICE_INIT(OK("$2\r\nAB")),                NULL              },
        {SLICE_INIT(OK("$3\r\na b")),               NULL              },
        {SLICE_INIT(OK("$3\r\na\0b")),              NULL              },
        {SLICE_INIT(OK(":12")),                     NULL              },
        {SLICE_INIT("*1\r\n$2\r\nok\r\n"),          NULL              },
        {SLICE_INIT("-ERR 12\r\n"),                 NULL              },
        {SLICE_INIT("$2\r\nok\r\n"),                NULL              },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char epoch[EPOCH_MAX + 1] = "before";
        void *reply = NULL;
        redisReader *reader = redisReaderCreate();
        redisReaderFeed(reader, cases[i].reply.ptr, cases[i].reply.len);
        assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
        assert_non_null(reply);
        assert_int_equal(functions_note_epoch(reply, epoch), cases[i].epoch != NULL);
        assert_string_equal(epoch, cases[i].epoch ? cases[i].epoch : "before");
        freeReplyObject(reply);
        redisReaderFree(reader);
    }
    char epoch[EPOCH_MAX + 1] = "before";
    assert_false(functions_note_epoch(NULL, epoch));
    assert_string_equal(epoch, "before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_is_hex_digits_and_nothing_else_is_taken),
    };
    return cmocka_run_group_tests_name("functions_answer", tests, NULL, NULL);
}
