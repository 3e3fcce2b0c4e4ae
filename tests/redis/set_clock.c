/* set_clock.c - preloaded into a program: its wall clock says what stands in the file $SET_CLOCK
 *
 * That is one int64_t, in microseconds since 1970, which a test changes through a mapping of its
 * own.  The monotonic clocks go on as they are, so that the program's own timers work. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define US_PER_S 1000000

static const volatile int64_t *clock_us;

__attribute__((constructor)) static void map_clock(void)
{
    const char *path = getenv("SET_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = mmap(NULL, sizeof *clock_us, PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || at == MAP_FAILED) {
        abort();
    }
    clock_us = at;
    (void)close(fd);
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the names that the C library declares them with */
int clock_gettime(clockid_t __clock_id, struct timespec *__tp)
{
    if (!clock_us || __clock_id != CLOCK_REALTIME) {
        return (int)syscall(SYS_clock_gettime, __clock_id, __tp);
    }
    int64_t us = *clock_us;
    *__tp = (struct timespec){us / US_PER_S, us % US_PER_S * 1000};
    return 0;
}

int gettimeofday(struct timeval *restrict __tv, void *restrict __tz)
{
    struct timespec now;
    (void)__tz;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *__tv = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *__timer)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (__timer) {
        *__timer = now.tv_sec;
    }
    return now.tv_sec;
}
/* NOLINTEND(bugprone-reserved-identifier) */
