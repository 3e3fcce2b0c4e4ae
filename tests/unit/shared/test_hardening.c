/* test_hardening.c - no core, no peeking: each in a process of its own */
#include "shared/hardening.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
/* after the others */
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPEN_TO_DEBUGGERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OPEN_TO_DEBUGGERS 1
#endif
#endif
#ifndef OPEN_TO_DEBUGGERS
#define OPEN_TO_DEBUGGERS 0
#endif

static bool no_core_is_left(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
}

static bool nobody_may_look_in(void)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == OPEN_TO_DEBUGGERS;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static bool standard_files_are_none_of_ours(void)
{
    const int file = dup(STDOUT_FILENO);
    const bool next = is_open(file + 1); /* handed down to us */
    bool right = true;
    for (int closed = 0; closed < 8; closed++) {
        for (int fd = 0; fd <= STDERR_FILENO; fd++) {
            if (closed & 1 << fd) {
                close(fd);
            }
        }
        hardening_keep_standard_files();
        right = right && is_open(0) && is_open(1) && is_open(2) && is_open(file + 1) == next;
    }
    return right;
}

static bool in_a_child(bool (*check)(void))
{
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        hardening_start();
        _exit(check() ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void a_closed_stderr_is_no_socket_later(void **state)
{
    (void)state;
    assert_true(in_a_child(standard_files_are_none_of_ours));
}

static void core_files_are_off(void **state)
{
    (void)state;
    assert_true(in_a_child(no_core_is_left));
}

/* Under the sanitizers this shows only that it stays open, as it must there. */
static void memory_is_closed_to_others(void **state)
{
    (void)state;
    assert_true(in_a_child(nobody_may_look_in));
}

/* Where the system writes cores at all, a crash leaves none. */
static void a_crash_leaves_no_core(void **state)
{
    int status = 0;
    (void)state;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        hardening_start();
        (void)raise(SIGABRT);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_false(WCOREDUMP(status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_files_are_off),
        cmocka_unit_test(a_closed_stderr_is_no_socket_later),
        cmocka_unit_test(memory_is_closed_to_others),
        cmocka_unit_test(a_crash_leaves_no_core),
    };
    return cmocka_run_group_tests_name("hardening", tests, NULL, NULL);
}
