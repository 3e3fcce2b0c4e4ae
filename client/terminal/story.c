/* story.c - what has been said and what happened */
#include "client/terminal/story.h"
#include "shared/must.h"
#include <string.h>

#define TEXT_MAX 1100000

/* A ring: the entry with number n lies at n % STORY_MAX. */
struct story {
    struct entry *ring;
    uint64_t first, last;
    size_t bytes;
};

struct story *story_new(void)
{
    struct story *s = must(calloc(1, sizeof *s));
    s->ring = must(calloc(STORY_MAX, sizeof *s->ring));
    s->first = 1;
    return s;
}

static struct entry *at(const struct story *s, uint64_t seq)
{
    return &s->ring[seq % STORY_MAX];
}

static void drop_first(struct story *s)
{
    struct entry *entry = at(s, s->first++);
    s->bytes -= entry->text.len;
    buf_deinit(&entry->text);
}

void story_free(struct story *s)
{
    while (s->first <= s->last) {
        drop_first(s);
    }
    free(s->ring);
    free(s);
}

static void set_text(struct story *s, struct entry *entry, struct slice text)
{
    s->bytes -= entry->text.len;
    buf_clear(&entry->text);
    buf_append(&entry->text, slice_head(text, TEXT_MAX));
    s->bytes += entry->text.len;
}

uint64_t story_add(struct story *s, enum story_style style, uint64_t own, struct slice text)
{
    while (s->first <= s->last &&
           (s->last - s->first + 1 >= STORY_MAX || s->bytes + text.len > STORY_BYTES_MAX)) {
        drop_first(s);
    }
    struct entry *entry = at(s, ++s->last);
    *entry = (struct entry){.seq = s->last, .style = style, .own = own};
    buf_init(&entry->text, TEXT_MAX);
    set_text(s, entry, text);
    return s->last;
}

/* Among the last ones, as a rule. */
bool story_change(struct story *s, uint64_t own, enum story_style style, struct slice text)
{
    for (uint64_t seq = s->last; seq >= s->first; seq--) {
        struct entry *entry = at(s, seq);
        if (entry->own == own) {
            entry->style = style;
            set_text(s, entry, text);
            return true;
        }
    }
    return false;
}

uint64_t story_first(const struct story *s)
{
    return s->first;
}

uint64_t story_last(const struct story *s)
{
    return s->last;
}

const struct entry *story_entry(const struct story *s, uint64_t seq)
{
    return seq >= s->first && seq <= s->last ? at(s, seq) : NULL;
}

static bool holds(struct slice text, struct slice wanted)
{
    for (size_t i = 0; i + wanted.len <= text.len; i++) {
        if (slice_equal_nocase(slice_head(slice_tail(text, i), wanted.len), wanted)) {
            return true;
        }
    }
    return false;
}

uint64_t story_search(const struct story *s, uint64_t seq, bool older, struct slice text)
{
    const struct entry *entry;
    seq = older ? seq - 1 : seq + 1;
    while ((entry = story_entry(s, seq)) != NULL) {
        if (holds(buf_slice(&entry->text), text)) {
            return seq;
        }
        seq = older ? seq - 1 : seq + 1;
    }
    return 0;
}
