/* fill.c - gathers what was missed on the channels */
#include "gateway-svc/relay/fill.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t at_most(size_t bytes, size_t max)
{
    return bytes < max ? bytes : max;
}

void fill_init(struct fill *f, size_t queue_bytes)
{
    assert(queue_bytes > 0);
    *f = (struct fill){.group_max = at_most(queue_bytes / 2, FILL_MAX_GROUP_BYTES),
                       .session_max = at_most(queue_bytes / 4, FILL_MAX_SESSION_BYTES)};
    pile_init(&f->pile, FILL_MAX_BYTES);
}

void fill_clear(struct fill *f)
{
    pile_clear(&f->pile);
    free(f->sources);
    *f = (struct fill){.group_max = f->group_max, .session_max = f->session_max, .pile = f->pile};
}

void fill_aim(struct fill *f, uint64_t id)
{
    if (f->target == 0) {
        f->target = id;
    }
}

void fill_add(struct fill *f, struct slice session, uint64_t after, uint64_t passed)
{
    if (f->count == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 16;
        f->sources = must(realloc(f->sources, f->cap * sizeof *f->sources));
    }
    struct fill_source *source = &f->sources[f->count++];
    *source = (struct fill_source){.after = after, .passed = passed};
    assert(session.len < sizeof source->session);
    if (session.len > 0) {
        memcpy(source->session, session.ptr, session.len);
    }
}

static bool is_wanted(const struct fill *f, const struct fill_source *source)
{
    return !f->too_much || source->after < source->passed;
}

bool fill_next(struct fill *f, size_t *source)
{
    while (f->next < f->count && !is_wanted(f, &f->sources[f->next])) {
        f->next++;
    }
    if (f->next == f->count) {
        return false;
    }
    *source = f->next++;
    return true;
}

void fill_lost(struct fill_source *source, uint64_t id)
{
    source->lost = id > source->lost ? id : source->lost;
}

static bool has_room(const struct fill *f, struct fill_source *source, struct slice text)
{
    source->bytes += text.len;
    return source->bytes <= (source->session[0] == '\0' ? f->group_max : f->session_max);
}

bool fill_page(struct fill *f, size_t place, const struct page *page)
{
    struct fill_source *source = &f->sources[place];
    fill_lost(source, page->gone);
    for (size_t i = 0; i < page->count && page->entries[i].id <= f->target; i++) {
        const struct bus_message *m = &page->entries[i];
        if (m->id <= source->passed) {
            fill_lost(source, m->id);
        } else if (!f->too_much) {
            f->too_much = !has_room(f, source, m->text) ||
                          !pile_add(&f->pile, m->id, (uint32_t)place, m->text);
        }
    }
    source->after = page->next;
    return page->more && page->next < f->target && is_wanted(f, source);
}
