/* pile.h - messages that wait, as texts, in any order until they are sorted (pure)
 *
 * A text is what stands behind the count on a channel, see bus_line.h. */
#ifndef PARLEY_PILE_H
#define PARLEY_PILE_H

#include "shared/buf.h"

struct pile_item {
    uint64_t id;
    uint32_t key; /* its owner's own */
    uint32_t len;
    size_t at;
};

struct pile {
    struct buf text;
    struct pile_item *items;
    size_t count, cap;
};

/* At most so many bytes of texts; memory is taken with the first one. */
void pile_init(struct pile *p, size_t max_bytes);
void pile_clear(struct pile *p); /* gives the memory back; may be used again */

/* Copies the text.  False, with nothing changed, when it does not fit. */
bool pile_add(struct pile *p, uint64_t id, uint32_t key, struct slice text);
/* By id, then by key. */
void pile_sort(struct pile *p);
/* Of item i < count; valid until the next change. */
struct slice pile_text(const struct pile *p, size_t i);

#endif
