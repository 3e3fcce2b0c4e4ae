/* pile.c - messages that wait, as texts */
#include "gateway-svc/relay/pile.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

void pile_init(struct pile *p, size_t max_bytes)
{
    *p = (struct pile){0};
    buf_init(&p->text, max_bytes);
}

void pile_clear(struct pile *p)
{
    size_t max_bytes = p->text.max;
    buf_deinit(&p->text);
    free(p->items);
    pile_init(p, max_bytes);
}

bool pile_add(struct pile *p, uint64_t id, uint32_t key, struct slice text)
{
    size_t at = p->text.len;
    if (text.len > UINT32_MAX || !buf_append(&p->text, text)) {
        return false;
    }
    if (p->count == p->cap) {
        p->cap = p->cap ? 2 * p->cap : FIRST_CAPACITY;
        p->items = must(realloc(p->items, p->cap * sizeof *p->items));
    }
    p->items[p->count++] = (struct pile_item){id, key, (uint32_t)text.len, at};
    return true;
}

static int by_id(const void *left, const void *right)
{
    const struct pile_item *a = left, *b = right;
    if (a->id != b->id) {
        return a->id < b->id ? -1 : 1;
    }
    return a->key == b->key ? 0 : a->key < b->key ? -1 : 1;
}

void pile_sort(struct pile *p)
{
    if (p->count > 1) {
        qsort(p->items, p->count, sizeof *p->items, by_id);
    }
}

struct slice pile_text(const struct pile *p, size_t i)
{
    assert(i < p->count);
    return (struct slice){p->text.ptr + p->items[i].at, p->items[i].len};
}
