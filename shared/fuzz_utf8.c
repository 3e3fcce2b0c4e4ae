/* fuzz_utf8.c - utf8_valid agrees with a slow decoder, wherever the text begins in memory; and what
 * utf8_encode writes is what was read */
#include "shared/utf8.h"
#include "tests/support/fuzz.h"

/* The bits of a sequence of `length` bytes; false when one of them does not continue it. */
static bool collect(struct slice s, size_t length, uint32_t *value)
{
    unsigned char first = (unsigned char)s.ptr[0];

    *value = length == 1 ? first : first & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)s.ptr[i];
        if (next >> 6 != 2) {
            return false;
        }
        *value = *value << 6 | (next & 0x3FU);
    }
    return true;
}

/* The length of the character at the front by the definition: take the bits, then ask whether the
 * code point may be written so.  0: there is none. */
static size_t decode(struct slice s, uint32_t *code_point)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s.ptr[0];
    size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;

    if (length > s.len || (length == 4 && first >> 3 != 30) || !collect(s, length, code_point)) {
        return 0;
    }
    uint32_t value = *code_point;
    bool good = value >= lowest[length] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
    return good ? length : 0;
}

static bool valid(struct slice s)
{
    while (s.len > 0) {
        uint32_t code_point = 0;
        char again[4];
        size_t n = decode(s, &code_point);
        if (n == 0) {
            return false;
        }
        HOLDS(utf8_encode(code_point, again) == n && memcmp(again, s.ptr, n) == 0);
        s = slice_tail(s, n);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);

    for (size_t skip = 0; skip < 9 && skip <= in.len; skip++) {
        struct slice tail = exact_copy(slice_tail(in, skip));
        HOLDS(utf8_valid(tail) == valid(tail));
        HOLDS(utf8_valid(slice_head(in, skip)) == valid(slice_head(in, skip)));
        exact_free(tail);
    }
    return 0;
}
