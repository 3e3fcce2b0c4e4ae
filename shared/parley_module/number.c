/* number.c - whole numbers as parley.lua writes them */
#include "shared/parley_module/number.h"

bool number_read(struct slice s, uint64_t *out)
{
    bool zero_first = s.len > 1 && s.ptr[0] == '0';
    return !zero_first && slice_u64(s, NUMBER_MAX, out);
}
