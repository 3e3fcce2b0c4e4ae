/* utf8.h - is it UTF-8? (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) */
#ifndef PARLEY_UTF8_H
#define PARLEY_UTF8_H

#include "shared/slice.h"

bool utf8_valid(struct slice s);

/* Writes a code point (0 to 0x10FFFF, no surrogate) as 1 to 4 bytes; returns their number. */
size_t utf8_encode(uint32_t code_point, char out[4]);

#endif
