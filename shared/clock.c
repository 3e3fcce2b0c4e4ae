/* clock.c - the three clocks */
#include "shared/clock.h"

#include <time.h>

/* All of them exist on Linux, so there is no error to tell. */
static uint64_t read_us(clockid_t id)
{
    struct timespec now = {0};

    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

uint64_t clock_boot_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

uint64_t clock_unix_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}
