/* decimal.h - numbers as decimal digits, where printf would take too long; pure */
#ifndef PARLEY_DECIMAL_H
#define PARLEY_DECIMAL_H

#include "shared/slice.h"

#define DECIMAL_MAX 20 /* 2^64 - 1 has as many */

/* The digits of `value`; they stand in `room`, at its end. */
struct slice decimal(char room[DECIMAL_MAX], uint64_t value);

#endif
