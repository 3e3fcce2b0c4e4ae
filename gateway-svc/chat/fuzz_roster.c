/* fuzz_roster.c - whatever Redis tells of the list, two clients that do as they are told know what
 * the gateway knows: one that is there from the start, and one that came a moment ago
 *
 * Input: lines.  "+..." or "-...": a change with the next version, "#...": one of the version that
 * stands there; "(epoch": a load begins, " name": in it, ")": it ends; "t": what is news is told;
 * "n name": a newcomer gets the list; "f": it is frozen, "f-": no more. */
#include "gateway-svc/chat/roster.h"
#include "shared/json.h"
#include "shared/username.h"
#include "tests/support/fuzz.h"

#define LOADED_VERSION 100
#define NAMES_MAX 256

struct names {
    char at[NAMES_MAX][USERNAME_MAX + 1];
    size_t count;
};

static struct {
    struct roster *roster;
    struct names truth;    /* what is present, by a plain reading of the input */
    struct names old, new; /* what two clients show */
    char old_cursor[128], new_cursor[128];
    bool loading, loaded; /* a load has begun and not ended; ever one has */
    uint64_t version;
    struct names load;
    char epoch[64], load_epoch[64];
    bool has_new, frozen;
} world;

static size_t find(const struct names *names, struct slice name)
{
    size_t i = 0;
    while (i < names->count && !slice_equal(slice_text(names->at[i]), name)) {
        i++;
    }
    return i;
}

static void put(struct names *names, struct slice name, bool present)
{
    size_t i = find(names, name);
    if (present && i == names->count && i < NAMES_MAX) {
        memset(names->at[i], 0, sizeof names->at[i]);
        memcpy(names->at[names->count++], name.ptr, name.len);
    } else if (!present && i < names->count) {
        memcpy(names->at[i], names->at[--names->count], sizeof names->at[i]);
    }
}

static void check_same(const struct names *a, const struct names *b)
{
    HOLDS(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        HOLDS(find(b, slice_text(a->at[i])) < b->count);
    }
}

/* ---- A client -------------------------------------------------------------------------------- */

static struct json member(struct json object, const char *key)
{
    struct json value = {
        JSON_NULL, {NULL, 0}
    };
    HOLDS(json_find(object, slice_text(key), &value) == JSON_OK);
    return value;
}

static void take_names(struct names *names, struct json list, bool present)
{
    struct json item;
    struct json_walk walk = json_walk(list);
    HOLDS(list.type == JSON_ARRAY);
    while (json_next(&walk, NULL, &item)) {
        struct slice name = {item.raw.ptr + 1, item.raw.len - 2};
        HOLDS(item.type == JSON_STRING && username_check(name) == USERNAME_OK);
        put(names, name, present);
    }
}

static void take_cursor(char *cursor, struct json value)
{
    struct buf text;
    buf_init(&text, 127);
    HOLDS(json_string(value, &text) == JSON_OK);
    memset(cursor, 0, 128);
    memcpy(cursor, text.ptr ? text.ptr : "", text.len);
    buf_deinit(&text);
}

static void hear(struct names *names, char *cursor, const struct buf *event)
{
    struct json object =
                    {
                        JSON_NULL, {NULL, 0}
    },
                from;
    HOLDS(!event->failed && json_parse(buf_slice(event), &object) == JSON_OK);
    if (json_find(object, SLICE("users"), &from) == JSON_OK) {
        names->count = 0;
        take_names(names, from, true);
    } else {
        char before[128];
        take_cursor(before, member(object, "from"));
        HOLDS(strcmp(before, cursor) == 0); /* nothing is missing in between */
        take_names(names, member(object, "joined"), true);
        take_names(names, member(object, "left"), false);
    }
    take_cursor(cursor, member(object, "cursor"));
}

/* ---- The steps ------------------------------------------------------------------------------- */

static bool is_loaded(void)
{
    return world.loaded && !world.loading;
}

static void tell(void)
{
    struct buf event;
    buf_init(&event, SIZE_MAX);
    bool loaded = is_loaded();
    if (roster_tell(world.roster, &event) > 0) {
        hear(&world.old, world.old_cursor, &event);
        if (world.has_new) {
            hear(&world.new, world.new_cursor, &event);
        }
    }
    HOLDS(slice_equal(roster_cursor(world.roster), slice_text(world.old_cursor)));
    if (loaded) {
        check_same(&world.old, &world.truth);
        HOLDS(roster_told_count(world.roster) == world.truth.count);
    }
    if (loaded && world.has_new) {
        check_same(&world.new, &world.truth);
    }
    buf_deinit(&event);
}

/* As the gateway gives it: short lists have no parts that are the same for all. */
static void get_list(struct slice own, struct names *names, char *cursor)
{
    struct buf event;
    buf_init(&event, SIZE_MAX);
    if (!roster_has_list(world.roster)) {
        roster_take_list(world.roster);
    }
    HOLDS(roster_list_parts(world.roster) == 0);
    roster_list_rest(world.roster, own, &event);
    hear(names, cursor, &event);
    buf_clear(&event);
    if (roster_list_gone(world.roster, &event)) {
        hear(names, cursor, &event);
    }
    buf_deinit(&event);
}

static void welcome(struct slice own)
{
    if (username_check(own) != USERNAME_OK || !is_loaded() ||
        find(&world.truth, own) == world.truth.count) {
        return; /* whoever is welcomed is present */
    }
    get_list(own, &world.new, world.new_cursor);
    HOLDS(find(&world.new, own) < world.new.count);
    if (!world.frozen) {
        check_same(&world.new, &world.truth);
    }
    world.has_new = true;
}

/* What is told to nobody while it is frozen: the gateway waits. */
static void freeze(bool frozen)
{
    world.frozen = frozen;
    roster_freeze(world.roster, frozen);
}

static void apply(uint64_t version, struct slice list)
{
    bool next = is_loaded() && version == world.version + 1;
    enum roster_result result = roster_apply(world.roster, slice_text(world.epoch), version, list);
    HOLDS((result == ROSTER_OK) == next);
    world.version += next;
    while (next && list.len > 0) {
        struct slice item = slice_cut(&list, ' ');
        struct slice name = slice_tail(item, 1);
        char sign = *(item.len > 0 ? item.ptr : "");
        if ((sign == '+' || sign == '-') && username_check(name) == USERNAME_OK) {
            put(&world.truth, name, sign == '+');
        }
    }
}

static void copy_epoch(struct slice text)
{
    size_t n = 0;
    memset(world.load_epoch, 0, sizeof world.load_epoch);
    for (size_t i = 0; i < text.len && n < 24; i++) { /* as long as the relay lets through */
        if (strchr("0123456789abcdefghijklmnopqrstuvwxyz", text.ptr[i]) && text.ptr[i]) {
            world.load_epoch[n++] = text.ptr[i];
        }
    }
}

static void load_end(void)
{
    if (world.loading) {
        memcpy(world.epoch, world.load_epoch, sizeof world.epoch);
        world.version = LOADED_VERSION;
        roster_load_end(world.roster, slice_text(world.epoch), world.version);
        world.truth = world.load;
        world.loading = false;
        world.loaded = true;
        if (world.old.count == 0 && world.old_cursor[0] == '.') { /* the first list is no news */
            tell();
        }
    }
}

static void step(struct slice line)
{
    struct slice rest = slice_tail(line, 1);
    uint64_t version = 0;
    switch (*(line.len > 0 ? line.ptr : "")) {
    case '+':
    case '-': apply(world.version + 1, line); break;
    case '#':
        if (slice_u64(slice_cut(&rest, ' '), UINT64_MAX, &version)) {
            apply(version, rest);
        }
        break;
    case '(':
        roster_load_begin(world.roster);
        world.loading = true;
        world.load.count = 0;
        copy_epoch(rest);
        break;
    case ' ':
        if (world.loading) {
            roster_load_name(world.roster, rest);
            if (username_check(rest) == USERNAME_OK) {
                put(&world.load, rest, true);
            }
        }
        break;
    case ')': load_end(); break;
    case 'f': freeze(rest.len == 0); break;
    case 't':
        if (!world.frozen) {
            tell();
        }
        break;
    case 'n': welcome(rest); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size > 4096 ? 4096 : size); /* no more than NAMES_MAX */
    size_t lines = 0;

    memset(&world, 0, sizeof world);
    world.roster = roster_new();
    get_list(slice_text(NULL), &world.old, world.old_cursor);
    while (in.len > 0 && lines++ < NAMES_MAX) {
        struct slice line = fuzz_line(&in);
        step(line);
        exact_free(line);
    }
    freeze(false);
    tell();
    roster_free(world.roster);
    return 0;
}
