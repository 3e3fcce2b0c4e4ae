/* test_redis_trouble.c - which refusals concern all calls */
#include "shared/redis_trouble.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* after the three above */
#include <cmocka.h>

static void refusals_follow_the_table(void **state)
{
    static const struct {
        struct slice error;
        enum redis_trouble trouble;
    } cases[] = {
        {SLICE_INIT("READONLY You can't write against a read only replica."),  REDIS_TROUBLE_LINK},
        {SLICE_INIT("MASTERDOWN Link with MASTER is down"),                    REDIS_TROUBLE_LINK},
        {SLICE_INIT("NOAUTH Authentication required."),                        REDIS_TROUBLE_LINK},
        {SLICE_INIT("NOPERM User auth-svc has no permissions"),                REDIS_TROUBLE_ALL },
        {SLICE_INIT("MISCONF Redis is configured to save RDB snapshots"),      REDIS_TROUBLE_ALL },
        {SLICE_INIT("NOREPLICAS Not enough good replicas to write."),          REDIS_TROUBLE_ALL },
        {SLICE_INIT("BUSY Redis is busy running a script."),                   REDIS_TROUBLE_ALL },
        {SLICE_INIT("LOADING Redis is loading the dataset in memory"),         REDIS_TROUBLE_ALL },
        {SLICE_INIT("LOADING"),                                                REDIS_TROUBLE_ALL },
        {SLICE_INIT("OOM command not allowed when used memory > 'maxmemory'"), REDIS_TROUBLE_NONE},
        {SLICE_INIT("ERR parley: bad name"),                                   REDIS_TROUBLE_NONE},
        {SLICE_INIT("WRONGTYPE Operation against a key"),                      REDIS_TROUBLE_NONE},
        {SLICE_INIT("BUSYKEY Target key name already exists"),                 REDIS_TROUBLE_NONE},
        {SLICE_INIT("readonly"),                                               REDIS_TROUBLE_NONE},
        {SLICE_INIT("READONL"),                                                REDIS_TROUBLE_NONE},
        {SLICE_INIT(""),                                                       REDIS_TROUBLE_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice copy = exact_copy(cases[i].error);
        assert_int_equal(redis_trouble_of(copy), cases[i].trouble);
        exact_free(copy);
    }
}

/* The function stands at the end, and what it was called with is nobody's business. */
static void words_are_whole_and_without_arguments(void **state)
{
    static const struct {
        struct slice error;
        const char *words;
    } cases[] = {
        {SLICE_INIT(""),                                                                                 ""                   },
        {SLICE_INIT("ERR The user executing the script can't access at least one of the keys "
                    "mentioned in the command script: parley_renew, on @user_function:803."),
         "ERR The user executing the script can't access at least one of the keys mentioned in "
         "the command script: parley_renew, on @user_function:803."                                                           },
        {SLICE_INIT(
             "ERR unknown command 'AUTH', with args beginning with: 'gateway-svc' 'hunter2' "),
         "ERR unknown command 'AUTH'"                                                                                         },
        {SLICE_INIT("ERR \x01\"\n"),                                                                     "ERR \\x01\\x22\\x0a"},
    };
    char longest[600];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice copy = exact_copy(cases[i].error);
        assert_string_equal(redis_trouble_words(copy), cases[i].words);
        exact_free(copy);
    }
    memset(longest, 'x', sizeof longest);
    assert_int_equal(strlen(redis_trouble_words((struct slice){longest, sizeof longest})), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_follow_the_table),
        cmocka_unit_test(words_are_whole_and_without_arguments),
    };
    return cmocka_run_group_tests_name("redis_trouble", tests, NULL, NULL);
}
