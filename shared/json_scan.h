/* json_scan.h - the small steps over JSON text; private to json.c and json_value.c
 *
 * Reading never passes `end`. */
#ifndef PARLEY_JSON_SCAN_H
#define PARLEY_JSON_SCAN_H

#include "shared/json.h"

#include <string.h>

/* The text that is left. */
struct json_scan {
    const char *at;
    const char *end;
};

static inline bool json_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline enum json_type json_type_of(char first)
{
    switch (first) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 'n': return JSON_NULL;
    case 't':
    case 'f': return JSON_BOOL;
    default: return JSON_NUMBER;
    }
}

static inline void json_skip_space(struct json_scan *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t')) {
        s->at++;
    }
}

static inline bool json_skip_byte(struct json_scan *s, char byte)
{
    if (s->at == s->end || *s->at != byte) {
        return false;
    }
    s->at++;
    return true;
}

/* A byte for each of eight, to look at eight characters at once. */
#define JSON_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Its top bits are set where a byte of `word` is below `limit` (at most 128), and perhaps in bytes
 * above such a one, which does not matter to the question where the lowest is. */
static inline uint64_t json_bytes_below(uint64_t word, uint64_t limit)
{
    return (word - JSON_EACH(1) * limit) & ~word & JSON_EACH(0x80);
}

/* How many bytes of a word, in their order in memory, stand before the first whose top bit is set
 * in `special`, which is not 0.  (Where the lowest byte does not come first, nobody knows: 0.) */
static inline size_t json_bytes_before(uint64_t special)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (size_t)__builtin_ctzll(special) / 8 : 0;
}

/* Steps over characters of a string that need no look of their own (ASCII, no control, quote or
 * backslash), eight at a time; some may be left, above all at the end of the text. */
static inline void json_skip_plain(struct json_scan *s)
{
    while (s->end - s->at >= 8) {
        uint64_t word;
        memcpy(&word, s->at, sizeof(word));
        uint64_t special = json_bytes_below(word, 0x20) | (word & JSON_EACH(0x80)) |
                           json_bytes_below(word ^ JSON_EACH('"'), 1) |
                           json_bytes_below(word ^ JSON_EACH('\\'), 1);
        if (special != 0) {
            s->at += json_bytes_before(special);
            return;
        }
        s->at += 8;
    }
}

#endif
