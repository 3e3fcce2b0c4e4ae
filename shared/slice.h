/* slice.h - borrowed bytes with a length, and numbers read from them */
#ifndef PARLEY_SLICE_H
#define PARLEY_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns; not NUL-terminated; may hold NUL.  An empty slice may have a NULL
 * pointer. */
struct slice {
    const char *ptr;
    size_t len;
};

/* clang-format off */
#define SLICE_INIT(literal) {(literal), sizeof(literal) - 1} /* for static tables */
/* clang-format on */
#define SLICE(literal) ((struct slice)SLICE_INIT(literal)) /* for expressions */

/* The whole of a NUL-terminated string; NULL gives an empty slice. */
struct slice slice_text(const char *text);

bool slice_equal(struct slice a, struct slice b);
/* Compares ASCII letters without regard to case; for HTTP names and schemes. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);

/* The first n bytes, or all of them; and what is left behind them. */
struct slice slice_head(struct slice s, size_t n);
struct slice slice_tail(struct slice s, size_t n);

/* Cuts *rest at the first `separator`: returns what stands before it and leaves in *rest what
 * stands behind it.  Without a separator returns all and leaves *rest empty. */
struct slice slice_cut(struct slice *rest, char separator);

/* Without ASCII spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);

/* Is it nothing but ASCII letters, digits, and characters of `others`?  An empty one is made of
 * them, but is no word. */
bool slice_made_of(struct slice s, const char *others);
bool slice_is_word(struct slice s, const char *others);

/* FNV-1a: tells bytes apart that nobody has chosen to be alike to it. */
uint64_t slice_hash(struct slice s);

/* Decimal digits only, no sign, no spaces, at least one, at most `max`; leading zeros are allowed.
 * On false *out is untouched. */
bool slice_u64(struct slice s, uint64_t max, uint64_t *out);

#endif
