/* when.c - times as people read them */
#include "client/terminal/when.h"
#include <stdio.h>
#include <time.h>

#define YEAR_DAYS 400 /* more than a year has: numbers need only differ */

static bool local(uint64_t unix_ms, struct tm *out)
{
    time_t s = (time_t)(unix_ms / 1000);
    return localtime_r(&s, out) != NULL;
}

void when_clock(uint64_t unix_ms, bool seconds, char out[WHEN_MAX])
{
    struct tm tm;
    if (!local(unix_ms, &tm)) {
        (void)snprintf(out, WHEN_MAX, "--:--");
    } else if (seconds) {
        (void)snprintf(out, WHEN_MAX, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
    } else {
        (void)snprintf(out, WHEN_MAX, "%02d:%02d", tm.tm_hour, tm.tm_min);
    }
}

void when_day(uint64_t unix_ms, char out[WHEN_MAX])
{
    char name[16], month[16];
    struct tm tm;
    if (local(unix_ms, &tm) && strftime(name, sizeof name, "%A", &tm) > 0 &&
        strftime(month, sizeof month, "%B", &tm) > 0) {
        (void)snprintf(out, WHEN_MAX, "%s, %d %s %d", name, tm.tm_mday, month, tm.tm_year + 1900);
    } else {
        (void)snprintf(out, WHEN_MAX, "another day");
    }
}

int64_t when_day_number(uint64_t unix_ms)
{
    struct tm tm;
    return local(unix_ms, &tm) ? (int64_t)tm.tm_year * YEAR_DAYS + tm.tm_yday : 0;
}
