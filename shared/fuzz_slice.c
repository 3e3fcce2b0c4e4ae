/* fuzz_slice.c - pieces add up to the whole; numbers agree with strtoull */
#include "shared/slice.h"
#include "tests/support/fuzz.h"

#include <errno.h>

static void check_cut(struct slice in, char separator)
{
    struct slice rest = in;
    struct slice before = slice_cut(&rest, separator);
    size_t cut = before.len < in.len ? 1 : 0;

    HOLDS(before.len + cut + rest.len == in.len);
    HOLDS(before.len == 0 || !memchr(before.ptr, separator, before.len));
    HOLDS(cut == 0 || in.ptr[before.len] == separator);
    HOLDS(fuzz_inside(before, in) && fuzz_inside(rest, in));
    HOLDS(slice_starts(in, before) && slice_equal(slice_tail(in, before.len + cut), rest));
}

static void check_trim(struct slice in)
{
    struct slice trimmed = slice_trim(in);

    HOLDS(fuzz_inside(trimmed, in) && slice_equal(slice_trim(trimmed), trimmed));
    HOLDS(trimmed.len == 0 || !strchr(" \t", trimmed.ptr[0]) || trimmed.ptr[0] == '\0');
    HOLDS(slice_equal_nocase(in, in) && slice_starts(in, slice_head(in, in.len / 2)));
}

static void check_number(struct slice digits, uint64_t max)
{
    char text[64] = "";
    uint64_t value = 7;
    bool ok = slice_u64(digits, max, &value);
    bool plain = digits.len > 0 && digits.len < sizeof text;

    for (size_t i = 0; plain && i < digits.len; i++) {
        plain = digits.ptr[i] >= '0' && digits.ptr[i] <= '9';
    }
    if (!plain) {
        HOLDS(!ok || digits.len >= sizeof text);
        return;
    }
    memcpy(text, digits.ptr, digits.len);
    errno = 0;
    unsigned long long expected = strtoull(text, NULL, 10);
    HOLDS(ok == (errno == 0 && expected <= max));
    HOLDS(value == (ok ? expected : 7));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    char separator = (char)fuzz_byte(&in);
    uint64_t max = UINT64_MAX >> (fuzz_byte(&in) % 64);

    max -= fuzz_byte(&in) % (max < 256 ? max + 1 : 256);
    check_cut(in, separator);
    check_trim(in);
    check_number(in, max);
    return 0;
}
