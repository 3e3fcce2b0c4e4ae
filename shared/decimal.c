/* decimal.c - numbers as decimal digits */
#include "shared/decimal.h"

struct slice decimal(char room[DECIMAL_MAX], uint64_t value)
{
    size_t first = DECIMAL_MAX;

    do {
        room[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return (struct slice){room + first, DECIMAL_MAX - first};
}
