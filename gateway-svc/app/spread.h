/* spread.h - so many things, evenly over a time; pure */
#ifndef PARLEY_SPREAD_H
#define PARLEY_SPREAD_H

#include <stddef.h>
#include <stdint.h>

/* How many more are due, `elapsed_ms` after the first moment of `length_ms`: `done` have been done,
 * `left` are left; others may have come or gone meanwhile.  The last ones are due when the time is
 * over, and then all that are left. */
size_t spread_due(size_t done, size_t left, uint64_t elapsed_ms, uint64_t length_ms);

#endif
