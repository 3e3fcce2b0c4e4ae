/* test_file_limit.c - the soft limit of files goes down, never up */
#include "gateway-svc/socketio/file_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
/* after those it needs */
#include <cmocka.h>

static struct rlimit limit(void)
{
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    return files;
}

static void it_goes_down_alone(void **state)
{
    struct rlimit before = limit();
    (void)state;
    assert_true(before.rlim_cur > 100);
    assert_true(file_limit_lower(100));
    assert_int_equal(limit().rlim_cur, 100);
    assert_int_equal(limit().rlim_max, before.rlim_max);
    assert_false(file_limit_lower(100));
    assert_false(file_limit_lower(101));
    assert_int_equal(limit().rlim_cur, 100);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void the_last_files_are_spare(void **state)
{
    static const struct {
        rlim_t limit;
        int first; /* of the spare ones */
    } cases[] = {
        {1024, 1024 - FILES_SPARE},
        {257,  257 - FILES_SPARE },
        {256,  256 - FILES_SPARE },
        {255,  255 - 31          },
        {16,   14                },
        {7,    7                 },
    };
    struct rlimit before = limit();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rlimit files = {cases[i].limit, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
        assert_false(file_limit_is_spare(0));
        assert_false(file_limit_is_spare(cases[i].first - 1));
        assert_true(file_limit_is_spare(cases[i].first));
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_goes_down_alone),
                                       cmocka_unit_test(the_last_files_are_spare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
