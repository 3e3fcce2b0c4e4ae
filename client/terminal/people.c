/* people.c - the list of active users */
#include "client/terminal/people.h"
#include "shared/must.h"
#include <string.h>
#include <strings.h>

struct name {
    char text[USERNAME_MAX + 1];
};

/* Sorted without regard to case, each once. */
struct names {
    struct name *at;
    size_t count, room;
};

struct people {
    struct names here;
    struct names coming; /* parts of a full list, unsorted until the last */
    uint64_t part;       /* the last one that came; 0: none */
    bool known;          /* there has been a full list */
    struct buf cursor;
};

struct people *people_new(void)
{
    struct people *p = must(calloc(1, sizeof *p));
    buf_init(&p->cursor, PEOPLE_CURSOR_MAX);
    return p;
}

void people_free(struct people *p)
{
    free(p->here.at);
    free(p->coming.at);
    buf_deinit(&p->cursor);
    free(p);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcasecmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* The first that does not sort before it. */
static size_t place_of(const struct names *names, const struct name *name)
{
    size_t from = 0, to = names->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare(&names->at[middle], name) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static bool is_at(const struct names *names, size_t place, const struct name *name)
{
    return place < names->count && compare(&names->at[place], name) == 0;
}

static bool make_room(struct names *names)
{
    if (names->count == PEOPLE_MAX) {
        return false;
    }
    if (names->count == names->room) {
        names->room = names->room ? names->room * 2 : 64;
        names->at = must(realloc(names->at, names->room * sizeof *names->at));
    }
    return true;
}

static bool insert(struct names *names, size_t place, const struct name *name)
{
    if (!make_room(names)) {
        return false;
    }
    memmove(names->at + place + 1, names->at + place, (names->count - place) * sizeof *names->at);
    names->at[place] = *name;
    names->count++;
    return true;
}

static void take_out(struct names *names, size_t place)
{
    names->count--;
    memmove(names->at + place, names->at + place + 1, (names->count - place) * sizeof *names->at);
}

/* Anything that cannot be somebody's name is none. */
static bool read_name(struct json value, struct name *out)
{
    struct buf text;
    buf_init(&text, USERNAME_MAX);
    bool good = json_string(value, &text) == JSON_OK &&
                username_check(buf_slice(&text)) != USERNAME_E_SHAPE;
    if (good) {
        memcpy(out->text, text.ptr, text.len + 1);
    }
    buf_deinit(&text);
    return good;
}

/* ---- Changes --------------------------------------------------------------------------------- */

static bool find_array(struct json payload, struct slice key, struct json *out)
{
    return json_find(payload, key, out) == JSON_OK && out->type == JSON_ARRAY;
}

static bool keep_cursor(struct people *p, struct json cursor)
{
    if (cursor.type != JSON_STRING || cursor.raw.len - 2 > PEOPLE_CURSOR_MAX) {
        return false;
    }
    buf_clear(&p->cursor);
    return buf_append(&p->cursor, (struct slice){cursor.raw.ptr + 1, cursor.raw.len - 2});
}

static void apply_joined(struct people *p, struct json joined, people_fn *fn, void *ctx)
{
    struct json_walk walk = json_walk(joined);
    struct json item;
    struct name name;
    while (json_next(&walk, NULL, &item)) {
        if (!read_name(item, &name)) {
            continue;
        }
        size_t place = place_of(&p->here, &name);
        if (!is_at(&p->here, place, &name) && insert(&p->here, place, &name)) {
            fn(ctx, name.text, true);
        }
    }
}

static void apply_left(struct people *p, struct json left, people_fn *fn, void *ctx)
{
    struct json_walk walk = json_walk(left);
    struct json item;
    struct name name;
    while (json_next(&walk, NULL, &item)) {
        if (!read_name(item, &name)) {
            continue;
        }
        size_t place = place_of(&p->here, &name);
        if (is_at(&p->here, place, &name)) {
            take_out(&p->here, place);
            fn(ctx, name.text, false);
        }
    }
}

static enum people_result apply_change(struct people *p, struct json payload, people_fn *fn,
                                       void *ctx)
{
    struct json joined, left, from, cursor;
    if (!find_array(payload, SLICE("joined"), &joined) ||
        !find_array(payload, SLICE("left"), &left) ||
        json_find(payload, SLICE("from"), &from) != JSON_OK || from.type != JSON_STRING ||
        json_find(payload, SLICE("cursor"), &cursor) != JSON_OK || cursor.type != JSON_STRING) {
        return PEOPLE_BAD;
    }
    struct slice inside = {from.raw.ptr + 1, from.raw.len - 2};
    if (!p->known || !slice_equal(inside, buf_slice(&p->cursor))) {
        return PEOPLE_GAP;
    }
    if (!keep_cursor(p, cursor)) {
        return PEOPLE_BAD;
    }
    apply_left(p, left, fn, ctx); /* first: a name that is back in another spelling is in both */
    apply_joined(p, joined, fn, ctx);
    return PEOPLE_CHANGED;
}

/* ---- The full list --------------------------------------------------------------------------- */

static void collect(struct people *p, struct json users)
{
    struct json_walk walk = json_walk(users);
    struct json item;
    while (json_next(&walk, NULL, &item) && make_room(&p->coming)) {
        if (read_name(item, &p->coming.at[p->coming.count])) {
            p->coming.count++;
        }
    }
}

static void sort_once(struct names *names)
{
    size_t kept = 0;
    if (names->count > 1) {
        qsort(names->at, names->count, sizeof *names->at, compare);
    }
    for (size_t i = 0; i < names->count; i++) {
        if (kept == 0 || compare(&names->at[kept - 1], &names->at[i]) != 0) {
            names->at[kept++] = names->at[i];
        }
    }
    names->count = kept;
}

/* Tells what is in `a` and not in `b`. */
static void tell_missing(const struct names *a, const struct names *b, people_fn *fn, void *ctx,
                         bool joined)
{
    size_t j = 0;
    for (size_t i = 0; i < a->count; i++) {
        while (j < b->count && compare(&b->at[j], &a->at[i]) < 0) {
            j++;
        }
        if (!is_at(b, j, &a->at[i])) {
            fn(ctx, a->at[i].text, joined);
        }
    }
}

static enum people_result take_list(struct people *p, people_fn *fn, void *ctx)
{
    struct names before = p->here;
    bool first = !p->known;
    sort_once(&p->coming);
    p->here = p->coming;
    p->coming = (struct names){0};
    p->known = true;
    if (!first) {
        tell_missing(&p->here, &before, fn, ctx, true);
        tell_missing(&before, &p->here, fn, ctx, false);
    }
    free(before.at);
    return first ? PEOPLE_FIRST : PEOPLE_CHANGED;
}

static bool read_part(struct json payload, uint64_t *part, uint64_t *parts)
{
    struct json value;
    *part = *parts = 1;
    if (json_find(payload, SLICE("part"), &value) == JSON_E_ABSENT) {
        return true;
    }
    return json_find(payload, SLICE("part"), &value) == JSON_OK &&
           json_u64(value, UINT32_MAX, part) == JSON_OK &&
           json_find(payload, SLICE("parts"), &value) == JSON_OK &&
           json_u64(value, UINT32_MAX, parts) == JSON_OK && *part > 0 && *part <= *parts;
}

static enum people_result apply_list(struct people *p, struct json payload, people_fn *fn,
                                     void *ctx)
{
    struct json users, cursor;
    uint64_t part, parts;
    if (!find_array(payload, SLICE("users"), &users) || !read_part(payload, &part, &parts) ||
        json_find(payload, SLICE("cursor"), &cursor) != JSON_OK) {
        return PEOPLE_BAD;
    }
    if (part == 1) {
        p->coming.count = 0;
    } else if (part != p->part + 1) {
        return PEOPLE_BAD;
    }
    if (part == parts && !keep_cursor(p, cursor)) {
        return PEOPLE_BAD;
    }
    collect(p, users);
    p->part = part == parts ? 0 : part;
    return part == parts ? take_list(p, fn, ctx) : PEOPLE_PART;
}

enum people_result people_apply(struct people *p, struct json payload, people_fn *fn, void *ctx)
{
    struct json users;
    bool full = json_find(payload, SLICE("users"), &users) == JSON_OK;
    return full ? apply_list(p, payload, fn, ctx) : apply_change(p, payload, fn, ctx);
}

/* ---- What is known --------------------------------------------------------------------------- */

size_t people_count(const struct people *p)
{
    return p->here.count;
}

const char *people_name(const struct people *p, size_t index)
{
    return p->here.at[index].text;
}

struct slice people_cursor(const struct people *p)
{
    return p->known ? buf_slice(&p->cursor) : SLICE("");
}
