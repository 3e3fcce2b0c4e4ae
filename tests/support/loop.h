/* loop.h - turning a libev loop until something is true; a watchdog ends a test that hangs */
#ifndef PARLEY_TESTS_LOOP_H
#define PARLEY_TESTS_LOOP_H

#include <ev.h>
#include <unistd.h>

#define WATCHDOG_S 60

/* Each test begins with it: SIGALRM ends the program when a condition never comes true. */
static inline struct ev_loop *test_loop(void)
{
    alarm(WATCHDOG_S);
    return ev_loop_new(EVFLAG_AUTO);
}

#define UNTIL(loop, condition)                                                                     \
    do {                                                                                           \
        while (!(condition)) {                                                                     \
            ev_run((loop), EVRUN_ONCE);                                                            \
        }                                                                                          \
    } while (0)

#endif
