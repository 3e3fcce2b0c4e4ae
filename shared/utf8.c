/* utf8.c - is it UTF-8? (RFC 3629) */
#include "shared/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* RFC 3629 section 4 as a table: what may follow a first byte.  Overlong forms, surrogates and
 * code points above U+10FFFF are all excluded by the range of the second byte. */
struct lead {
    unsigned char first, last;            /* range of the first byte */
    unsigned char second_min, second_max; /* range of the second */
    unsigned char length;
};

static const struct lead leads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2},
    {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4},
    {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static const struct lead *lead_of(unsigned char byte)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

/* The length of the sequence of two or more bytes at the front, 0 when there is no valid one. */
static size_t sequence_length(const unsigned char *p, size_t len)
{
    const struct lead *lead = lead_of(p[0]);

    if (!lead || lead->length > len || p[1] < lead->second_min || p[1] > lead->second_max) {
        return 0;
    }
    for (size_t i = 2; i < lead->length; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return lead->length;
}

/* How many ASCII bytes stand at the front; eight at a time, since most text is. */
static size_t ascii_length(const unsigned char *p, size_t len)
{
    size_t n = 0;

    while (len - n >= 8) {
        uint64_t word;
        memcpy(&word, p + n, sizeof(word));
        if (word & HIGH_BITS) {
            break;
        }
        n += 8;
    }
    while (n < len && p[n] < 0x80) {
        n++;
    }
    return n;
}

bool utf8_valid(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t at = 0;

    while (at < s.len) {
        if (p[at] < 0x80) {
            at += ascii_length(p + at, s.len - at);
            continue;
        }
        size_t n = sequence_length(p + at, s.len - at);
        if (n == 0) {
            return false;
        }
        at += n;
    }
    return true;
}

static char continuation(uint32_t bits)
{
    return (char)(0x80 | (bits & 0x3F));
}

size_t utf8_encode(uint32_t code_point, char out[4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xC0 | (code_point >> 6));
        out[1] = continuation(code_point);
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xE0 | (code_point >> 12));
        out[1] = continuation(code_point >> 6);
        out[2] = continuation(code_point);
        return 3;
    }
    out[0] = (char)(0xF0 | (code_point >> 18));
    out[1] = continuation(code_point >> 12);
    out[2] = continuation(code_point >> 6);
    out[3] = continuation(code_point);
    return 4;
}
