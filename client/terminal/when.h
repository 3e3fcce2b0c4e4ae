/* when.h - times as people read them, in the local time zone */
#ifndef PARLEY_TERMINAL_WHEN_H
#define PARLEY_TERMINAL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define WHEN_MAX 48

/* 12:34, or with seconds 12:34:56; a time that no clock shows is --:--. */
void when_clock(uint64_t unix_ms, bool seconds, char out[WHEN_MAX]);
/* Sunday, 29 November 2026 */
void when_day(uint64_t unix_ms, char out[WHEN_MAX]);
/* A number for each day: equal for two times of the same one. */
int64_t when_day_number(uint64_t unix_ms);

#endif
