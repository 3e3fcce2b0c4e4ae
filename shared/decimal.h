/* decimal.h - numbers as decimal digits, where printf would take too long; pure */
#ifndef PARLEY_DECIMAL_H
#define PARLEY_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_MAX 20 /* 2^64 - 1 has as many */

/* Writes the digits of `value`, at most DECIMAL_MAX and no NUL; returns how many. */
size_t decimal_put(char *out, uint64_t value);

#endif
