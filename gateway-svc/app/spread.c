/* spread.c - so many things, evenly over a time */
#include "gateway-svc/app/spread.h"

size_t spread_due(size_t done, size_t left, uint64_t elapsed_ms, uint64_t length_ms)
{
    if (elapsed_ms >= length_ms) {
        return left;
    }
    /* Not as whole numbers: a product of both might not fit. */
    double share = (double)elapsed_ms / (double)length_ms;
    size_t by_now = (size_t)((double)(done + left) * share);
    size_t due = by_now > done ? by_now - done : 0;
    return due < left ? due : left;
}
