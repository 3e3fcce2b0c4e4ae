/* slice.c - borrowed bytes with a length, and numbers read from them */
#include "shared/slice.h"

#include <string.h>

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_alnum(char c) /* isalnum would ask the locale */
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct slice slice_text(const char *text)
{
    return text ? (struct slice){text, strlen(text)} : (struct slice){NULL, 0};
}

/* memcmp and pointer arithmetic are undefined on NULL, so empty slices return early here and below.
 */
bool slice_equal(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    return a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return slice_equal(slice_head(s, prefix.len), prefix);
}

struct slice slice_head(struct slice s, size_t n)
{
    return (struct slice){s.ptr, n < s.len ? n : s.len};
}

struct slice slice_tail(struct slice s, size_t n)
{
    if (n == 0 || s.len == 0) {
        return s;
    }
    size_t skip = n < s.len ? n : s.len;
    return (struct slice){s.ptr + skip, s.len - skip};
}

struct slice slice_cut(struct slice *rest, char separator)
{
    struct slice all = *rest;
    const char *at = all.len > 0 ? memchr(all.ptr, separator, all.len) : NULL;

    if (!at) {
        *rest = slice_tail(all, all.len);
        return all;
    }
    size_t before = (size_t)(at - all.ptr);
    *rest = slice_tail(all, before + 1);
    return slice_head(all, before);
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s = slice_tail(s, 1);
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool slice_u64(struct slice s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (digit > max || value > (max - digit) / 10) {
            return false; /* asked before it happens: value * 10 + digit never wraps */
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool slice_made_of(struct slice s, const char *others)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!is_alnum(c) && (c == '\0' || !strchr(others, c))) {
            return false;
        }
    }
    return true;
}

bool slice_is_word(struct slice s, const char *others)
{
    return s.len > 0 && slice_made_of(s, others);
}

uint64_t slice_hash(struct slice s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < s.len; i++) {
        hash = (hash ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}
