/* test_process_stats.c - what the system says of a process, moved by what the process does */
#include "shared/process_stats.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
/* after those it needs */
#include <cmocka.h>

#define FILES 100
#define MEMORY ((size_t)64 << 20)

static void files_are_counted(void **state)
{
    struct process_stats before, with, after;
    int files[FILES];

    (void)state;
    process_stats_read(&before);
    for (size_t i = 0; i < FILES; i++) {
        files[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(files[i] >= 0);
    }
    process_stats_read(&with);
    for (size_t i = 0; i < FILES; i++) {
        close(files[i]);
    }
    process_stats_read(&after);
    assert_true(before.open_fds >= 3);
    assert_int_equal(with.open_fds, before.open_fds + FILES);
    assert_int_equal(after.open_fds, before.open_fds);
}

static void the_limit_is_the_soft_one(void **state)
{
    struct process_stats stats;
    struct rlimit limit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    process_stats_read(&stats);
    assert_int_equal(stats.max_fds, limit.rlim_cur);
}

static void memory_and_time_grow(void **state)
{
    struct process_stats before, after;
    unsigned char *memory = malloc(MEMORY);

    (void)state;
    assert_non_null(memory);
    process_stats_read(&before);
    memset(memory, 1, MEMORY);
    do { /* until the clock of the processor has gone on */
        for (size_t i = 0; i < MEMORY; i += 4096) {
            memory[i]++;
        }
        process_stats_read(&after);
    } while (after.cpu_us <= before.cpu_us);
    assert_true(after.resident_bytes >= before.resident_bytes + MEMORY / 2);
    assert_true(after.virtual_bytes >= after.resident_bytes);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_counted),
        cmocka_unit_test(the_limit_is_the_soft_one),
        cmocka_unit_test(memory_and_time_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
