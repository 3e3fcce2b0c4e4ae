/* decimal.c - numbers as decimal digits */
#include "shared/decimal.h"

#include <string.h>

size_t decimal_put(char *out, uint64_t value)
{
    char digits[DECIMAL_MAX];
    size_t first = sizeof digits;

    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(out, digits + first, sizeof digits - first);
    return sizeof digits - first;
}
