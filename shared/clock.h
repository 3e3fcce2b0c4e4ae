/* clock.h - the three clocks; pure code gets the time as an argument instead */
#ifndef PARLEY_CLOCK_H
#define PARLEY_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, microseconds: for deadlines.  Stands still while the machine is suspended, so it
 * says how long we could have done something. */
uint64_t clock_mono_us(void);
uint64_t clock_mono_ms(void);
/* CLOCK_BOOTTIME: goes on while the machine is suspended, so it says how much time has passed for
 * others.  Not to be compared with the one above. */
uint64_t clock_boot_us(void);
uint64_t clock_unix_ms(void); /* wall clock: for display only */

#endif
