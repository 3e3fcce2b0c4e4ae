/* number.h - whole numbers as parley.lua writes them; pure */
#ifndef PARLEY_MODULE_NUMBER_H
#define PARLEY_MODULE_NUMBER_H

#include "shared/slice.h"

#define NUMBER_DIGITS 15 /* what Lua counts exactly */
#define NUMBER_MAX UINT64_C(999999999999999)

/* Digits, no zero before others, nothing else.  (Where somebody wrote another form by hand,
 * parley.lua may keep it as it stands.)  On false *out is untouched. */
bool number_read(struct slice s, uint64_t *out);

#endif
