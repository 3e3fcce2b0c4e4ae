/* clock.h - the two clocks; pure code gets the time as an argument instead */
#ifndef PARLEY_CLOCK_H
#define PARLEY_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_us(void); /* CLOCK_MONOTONIC, microseconds: for deadlines */
uint64_t clock_mono_ms(void);
uint64_t clock_unix_ms(void); /* wall clock: for display only */

#endif
