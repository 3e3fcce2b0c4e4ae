/* clock_shim.c - a wall clock that a test can move while a program runs (LD_PRELOAD)
 *
 * Adds the seconds that stand in the file $PARLEY_CLOCK (a number of eight bytes, in this machine's
 * order) to the time of day; every other clock tells the truth. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Named after what they take the place of when the program is linked. */
int shifted_clock(clockid_t clock, struct timespec *now) __asm__("clock_gettime");
int shifted_day(struct timeval *now, void *zone) __asm__("gettimeofday");
time_t shifted_time(time_t *seconds) __asm__("time");

static const int64_t *shift; /* NULL: none */

__attribute__((constructor)) static void open_shift(void)
{
    const char *path = getenv("PARLEY_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        void *page = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);

        shift = page == MAP_FAILED ? NULL : page;
        (void)close(fd);
    }
}

int shifted_clock(clockid_t clock, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, clock, now);

    if (status == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        const volatile int64_t *seconds = shift;
        now->tv_sec += (time_t)*seconds;
    }
    return status;
}

int shifted_day(struct timeval *now, void *zone)
{
    struct timespec precise;

    (void)zone;
    (void)shifted_clock(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t shifted_time(time_t *seconds)
{
    struct timespec precise;

    (void)shifted_clock(CLOCK_REALTIME, &precise);
    if (seconds) {
        *seconds = precise.tv_sec;
    }
    return precise.tv_sec;
}
