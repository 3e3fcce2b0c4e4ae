/* test_roster.c - the list of users: changes, loads, what clients are told; against a naive model
 */
#include "gateway-svc/chat/roster.h"
#include "shared/json.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NAMES 40
#define STEPS 20000

static struct buf json;

static int begin(void **state)
{
    buf_init(&json, (size_t)1 << 20);
    *state = roster_new();
    return 0;
}

static int end(void **state)
{
    roster_free(*state);
    buf_deinit(&json);
    return 0;
}

static enum roster_result apply(struct roster *r, const char *epoch, uint64_t version,
                                const char *list)
{
    struct slice e = exact_copy(slice_text(epoch)), l = exact_copy(slice_text(list));
    enum roster_result result = roster_apply(r, e, version, l);
    exact_free(e);
    exact_free(l);
    return result;
}

/* A whole list: names with spaces between. */
static void load(struct roster *r, const char *names, const char *epoch, uint64_t version)
{
    struct slice rest = slice_text(names);
    roster_load_begin(r);
    while (rest.len > 0) {
        struct slice name = exact_copy(slice_cut(&rest, ' '));
        roster_load_name(r, name);
        exact_free(name);
    }
    roster_load_end(r, slice_text(epoch), version);
}

#define TELL(count, text) assert_told(r, count, text)
static void assert_told(struct roster *r, size_t count, const char *text)
{
    buf_clear(&json);
    assert_int_equal(roster_tell(r, &json), count);
    assert_string_equal(json.ptr ? json.ptr : "", text);
    buf_clear(&json);
}

/* A short list, as the gateway gives it: taken now if there is none. */
#define FULL(own, text) assert_full(r, own, text)
static void assert_full(struct roster *r, const char *own, const char *text)
{
    if (!roster_has_list(r)) {
        roster_take_list(r);
    }
    assert_int_equal(roster_list_parts(r), 0);
    buf_clear(&json);
    roster_list_rest(r, slice_text(own), &json);
    assert_string_equal(json.ptr, text);
    buf_clear(&json);
    assert_false(roster_list_gone(r, &json)); /* nobody stands in it who has left */
    assert_int_equal(json.len, 0);
}

/* ---- Single rules ---------------------------------------------------------------------------- */

static void nothing_is_known_before_a_load(void **state)
{
    struct roster *r = *state;
    assert_int_equal(apply(r, "e1", 1, "+ann"), ROSTER_GAP);
    TELL(0, "");
    roster_load_begin(r);
    roster_load_name(r, SLICE("ann"));
    assert_int_equal(apply(r, "e1", 6, "+bob"), ROSTER_GAP);
    TELL(0, ""); /* half a list is no news */
    roster_load_end(r, SLICE("e1"), 5);
    FULL("", "{\"users\":[\"ann\"],\"cursor\":\".0\"}"); /* as it is, told or not */
    TELL(1, "{\"joined\":[\"ann\"],\"left\":[],\"from\":\".0\",\"cursor\":\"e1.5\"}");
    FULL("", "{\"users\":[\"ann\"],\"cursor\":\"e1.5\"}");
}

static void versions_must_follow_each_other(void **state)
{
    struct roster *r = *state;
    load(r, "ann", "e1", 5);
    (void)roster_tell(r, &json);
    assert_int_equal(apply(r, "e1", 4, "-ann"), ROSTER_OLD);
    assert_int_equal(apply(r, "e1", 5, "-ann"), ROSTER_OLD);
    assert_int_equal(apply(r, "e1", 7, "-ann"), ROSTER_GAP);
    assert_int_equal(apply(r, "e2", 6, "-ann"), ROSTER_GAP);
    assert_int_equal(apply(r, "e", 6, "-ann"), ROSTER_GAP);
    TELL(0, "");
    assert_int_equal(apply(r, "e1", 6, "-ann"), ROSTER_OK);
    TELL(1, "{\"joined\":[],\"left\":[\"ann\"],\"from\":\"e1.5\",\"cursor\":\"e1.6\"}");
}

/* A newcomer between two bundles gets the list as it is, and stays right with the bundles that the
 * others get. */
static void a_newcomer_knows_the_news_before_the_others(void **state)
{
    struct roster *r = *state;
    load(r, "ann bob", "e1", 1);
    (void)roster_tell(r, &json);
    FULL("", "{\"users\":[\"ann\",\"bob\"],\"cursor\":\"e1.1\"}");
    assert_int_equal(apply(r, "e1", 2, "-ann +cat"), ROSTER_OK);
    FULL("dan", "{\"users\":[\"bob\",\"cat\",\"dan\"],\"cursor\":\"e1.1\"}");
    /* All is as it was told; but dan knows of cat, and misses ann. */
    assert_int_equal(apply(r, "e1", 3, "+ann -cat"), ROSTER_OK);
    TELL(2, "{\"joined\":[\"ann\"],\"left\":[\"cat\"],\"from\":\"e1.1\",\"cursor\":\"e1.3\"}");
    TELL(0, "");
    assert_int_equal(roster_told_count(r), 2);
}

static void while_it_settles_nobody_is_told_of_leaves(void **state)
{
    struct roster *r = *state;
    load(r, "ann bob", "e1", 1);
    (void)roster_tell(r, &json);
    roster_freeze(r, true);
    assert_int_equal(apply(r, "e1", 2, "-ann +cat"), ROSTER_OK);
    FULL("cat", "{\"users\":[\"ann\",\"bob\",\"cat\"],\"cursor\":\"e1.1\"}");
    assert_int_equal(apply(r, "e1", 3, "+ann -cat"), ROSTER_OK);
    roster_freeze(r, false);
    TELL(1, "{\"joined\":[],\"left\":[\"cat\"],\"from\":\"e1.1\",\"cursor\":\"e1.3\"}");
}

/* Who came before it was frozen misses ann, and with the list of the others he would for ever. */
static void who_came_before_it_froze_is_told_who_is_back(void **state)
{
    struct roster *r = *state;
    load(r, "ann bob", "e1", 1);
    (void)roster_tell(r, &json);
    assert_int_equal(apply(r, "e1", 2, "-ann"), ROSTER_OK);
    FULL("bob", "{\"users\":[\"bob\"],\"cursor\":\"e1.1\"}");
    roster_freeze(r, true);
    FULL("bob", "{\"users\":[\"bob\",\"ann\"],\"cursor\":\"e1.1\"}");
    assert_int_equal(apply(r, "e1", 3, "+ann"), ROSTER_OK);
    roster_freeze(r, false);
    TELL(1, "{\"joined\":[\"ann\"],\"left\":[],\"from\":\"e1.1\",\"cursor\":\"e1.3\"}");
}

static void who_comes_back_between_two_bundles_never_left(void **state)
{
    struct roster *r = *state;
    load(r, "ann bob", "e1", 1);
    (void)roster_tell(r, &json);
    assert_int_equal(apply(r, "e1", 2, "-ann"), ROSTER_OK);
    assert_int_equal(apply(r, "e1", 3, "+cat -cat"), ROSTER_OK);
    assert_int_equal(apply(r, "e1", 4, "+ann"), ROSTER_OK);
    TELL(0, "");
    assert_string_equal(roster_cursor(r).ptr, "e1.1"); /* clients were told nothing since */
    assert_int_equal(apply(r, "e1", 5, "+dan"), ROSTER_OK);
    TELL(1, "{\"joined\":[\"dan\"],\"left\":[],\"from\":\"e1.1\",\"cursor\":\"e1.5\"}");
}

static void another_spelling_is_another_entry(void **state)
{
    struct roster *r = *state;
    load(r, "alice", "e1", 1);
    (void)roster_tell(r, &json);
    assert_int_equal(apply(r, "e1", 2, "-alice +Alice"), ROSTER_OK);
    TELL(2, "{\"joined\":[\"Alice\"],\"left\":[\"alice\"],\"from\":\"e1.1\",\"cursor\":\"e1.2\"}");
    assert_int_equal(apply(r, "e1", 3, "-Alice +Alice"), ROSTER_OK); /* one session for another */
    TELL(0, "");
    FULL("", "{\"users\":[\"Alice\"],\"cursor\":\"e1.2\"}");
}

static void a_load_tells_the_difference(void **state)
{
    struct roster *r = *state;
    load(r, "ann bob cat", "e1", 9);
    (void)roster_tell(r, &json);
    load(r, "bob dan bob", "e2", 2); /* a name may come in two pages */
    assert_int_equal(apply(r, "e1", 10, "+eve"), ROSTER_GAP);
    assert_int_equal(apply(r, "e2", 3, "+cat -nobody"), ROSTER_OK);
    TELL(2, "{\"joined\":[\"dan\"],\"left\":[\"ann\"],\"from\":\"e1.9\",\"cursor\":\"e2.3\"}");
    load(r, "", "e2", 4);
    assert_int_equal(roster_told_count(r), 3);
    buf_clear(&json);
    assert_int_equal(roster_tell(r, &json), 3);
    assert_int_equal(roster_told_count(r), 0);
    FULL("", "{\"users\":[],\"cursor\":\"e2.4\"}");
}

static void a_load_that_is_begun_again_leaves_nothing_behind(void **state)
{
    struct roster *r = *state;
    roster_load_begin(r);
    roster_load_name(r, SLICE("ann"));
    load(r, "bob", "e1", 1);
    TELL(1, "{\"joined\":[\"bob\"],\"left\":[],\"from\":\".0\",\"cursor\":\"e1.1\"}");
}

static void what_is_no_name_or_no_change_is_passed_over(void **state)
{
    static const char *const lists[] = {"",       " ",
                                        "+",      "-",
                                        "ann",    "*ann",
                                        "+a\"b",  "+\xff",
                                        "+a\tb",  "++ann",
                                        "+.ann",  "+admin",
                                        "+group", "+abcdefghijklmnopqrstuvwxyz0123456",
                                        "  - + "};
    struct roster *r = *state;
    load(r, "bob . \" abcdefghijklmnopqrstuvwxyz0123456", "e1", 0);
    (void)roster_tell(r, &json);
    for (size_t i = 0; i < ROWS(lists); i++) {
        assert_int_equal(apply(r, "e1", i + 1, lists[i]), ROSTER_OK);
        TELL(0, "");
    }
    assert_int_equal(
        apply(r, "e1", ROWS(lists) + 1, "x +ann  -zoe +abcdefghijklmnopqrstuvwxyz012345"),
        ROSTER_OK);
    buf_clear(&json);
    assert_int_equal(roster_tell(r, &json), 2);
    assert_int_equal(roster_told_count(r), 3);
}

static void nothing_is_a_bundle_too(void **state)
{
    struct roster *r = *state;
    load(r, "ann", "e1", 1);
    (void)roster_tell(r, &json);
    buf_clear(&json);
    roster_nothing(r, &json);
    assert_string_equal(json.ptr,
                        "{\"joined\":[],\"left\":[],\"from\":\"e1.1\",\"cursor\":\"e1.1\"}");
}

static void somebody_may_be_put_into_the_list_in_addition(void **state)
{
    struct roster *r = *state;
    load(r, "", "e1", 1);
    FULL("Me", "{\"users\":[\"Me\"],\"cursor\":\".0\"}");
    load(r, "ann", "e1", 2);
    (void)roster_tell(r, &json);
    FULL("Me", "{\"users\":[\"ann\",\"Me\"],\"cursor\":\"e1.2\"}");
    FULL("ann", "{\"users\":[\"ann\"],\"cursor\":\"e1.2\"}");
    assert_int_equal(apply(r, "e1", 3, "+Me"), ROSTER_OK);
    FULL("Me", "{\"users\":[\"ann\",\"Me\"],\"cursor\":\"e1.2\"}");
}

/* Of the sanitizers' runtime; without them it cannot be seen. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void whoever_left_is_forgotten(void **state)
{
    struct roster *r = *state;
    size_t before = 0;
    char list[64];
    if (!__sanitizer_get_current_allocated_bytes) {
        skip();
    }
    load(r, "ann", "e1", 0);
    for (unsigned i = 0; i < 4000; i++) {
        snprintf(list, sizeof list, i % 2 ? "-u%u" : "+u%u", i / 2);
        assert_int_equal(apply(r, "e1", i + 1, list), ROSTER_OK);
        buf_clear(&json);
        (void)roster_tell(r, &json);
        if (i == 100) {
            before = __sanitizer_get_current_allocated_bytes();
        }
    }
    assert_in_range(__sanitizer_get_current_allocated_bytes(), before / 2, before + 1000);
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* The number of names of a part, after checking its other fields. */
static size_t names_in_part(size_t part, size_t parts)
{
    struct json object, value, item;
    uint64_t number = 0;
    size_t count = 0;
    assert_false(json.failed);
    assert_int_equal(json_parse(buf_slice(&json), &object), JSON_OK);
    assert_int_equal(json_find(object, SLICE("users"), &value), JSON_OK);
    for (struct json_walk w = json_walk(value); json_next(&w, NULL, &item);) {
        count++;
    }
    if (parts == 1) {
        assert_int_equal(json_find(object, SLICE("part"), &value), JSON_E_ABSENT);
        assert_int_equal(json_find(object, SLICE("parts"), &value), JSON_E_ABSENT);
        return count;
    }
    assert_int_equal(json_find(object, SLICE("part"), &value), JSON_OK);
    assert_int_equal(json_u64(value, 99, &number), JSON_OK);
    assert_int_equal(number, part);
    assert_int_equal(json_find(object, SLICE("parts"), &value), JSON_OK);
    assert_int_equal(json_u64(value, 99, &number), JSON_OK);
    assert_int_equal(number, parts);
    return count;
}

/* u0, u1 ... */
static void load_many(struct roster *r, size_t count, uint64_t version)
{
    char name[24];
    roster_load_begin(r);
    for (size_t k = 0; k < count; k++) {
        snprintf(name, sizeof name, "u%zu", k);
        roster_load_name(r, slice_text(name));
    }
    roster_load_end(r, SLICE("e1"), version);
    buf_clear(&json);
    (void)roster_tell(r, &json);
}

static void a_long_list_comes_in_parts(void **state)
{
    static const struct {
        size_t names, shared, last; /* of the parts that all get, of the rest */
    } rows[] = {
        {0,    0, 0   },
        {1,    0, 1   },
        {999,  0, 999 },
        {1000, 0, 1000},
        {1001, 2, 0   },
        {2000, 2, 0   },
        {2001, 3, 0   },
    };
    struct roster *r = *state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t parts = rows[i].shared + 1, names = 0;
        load_many(r, rows[i].names, i + 1);
        roster_take_list(r);
        assert_int_equal(roster_list_parts(r), rows[i].shared);
        for (size_t part = 0; part < rows[i].shared; part++) {
            buf_clear(&json);
            roster_list_part(r, part, &json);
            names += names_in_part(part + 1, parts);
        }
        buf_clear(&json);
        roster_list_rest(r, SLICE(""), &json);
        assert_int_equal(names_in_part(parts, parts), rows[i].last);
        assert_int_equal(names + rows[i].last, rows[i].names);
        buf_clear(&json);
        roster_list_rest(r, SLICE("me"), &json);
        assert_int_equal(names_in_part(parts, parts), rows[i].last + 1);
    }
}

/* It is worth keeping while what has changed since is less than to take it anew. */
static void a_list_lasts_until_too_much_has_changed(void **state)
{
    static const struct {
        size_t names;
        char change; /* '+': somebody comes, '-': somebody in the list goes, '*': comes and goes */
        unsigned lasts; /* so many changes */
    } rows[] = {
        {0,    '+', 0  },
        {8,    '+', 4  },
        {8,    '-', 0  }, /* a short list is one event: nobody in it
  may have left */
        {8,    '*', 4  },
        {1000, '+', 44 },
        {1000, '-', 0  },
        {1001, '-', 44 },
        {5000, '+', 100},
        {5000, '-', 100},
        {5000, '*', 100},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct roster *r = roster_new();
        char list[64];
        unsigned n = 0;
        load_many(r, rows[i].names, 1);
        assert_false(roster_has_list(r));
        roster_take_list(r);
        while (roster_has_list(r)) {
            switch (rows[i].change) {
            case '+': snprintf(list, sizeof list, "+n%u", n); break;
            case '-': snprintf(list, sizeof list, "-u%u", n); break;
            default: snprintf(list, sizeof list, "+n%u -n%u", n, n); break;
            }
            assert_int_equal(apply(r, "e1", ++n + 1, list), ROSTER_OK);
        }
        assert_int_equal(n - 1, rows[i].lasts);
        roster_free(r);
    }
    buf_deinit(&json);
}

/* ---- A long list, while many come and go ----------------------------------------------------- */

#define MANY 2500

/* What clients have: u<number> or not. */
struct crowd {
    bool has[MANY];
    uint64_t version;
    char cursor[64];
};

static void take_cursor(struct crowd *crowd, const char *key)
{
    struct json object, value;
    assert_int_equal(json_parse(buf_slice(&json), &object), JSON_OK);
    assert_int_equal(json_find(object, slice_text(key), &value), JSON_OK);
    snprintf(crowd->cursor, sizeof crowd->cursor, "%.*s", (int)value.raw.len, value.raw.ptr);
}

/* The event goes on from the cursor that they have. */
static void take_from(struct crowd *crowd)
{
    struct crowd from = {0};
    take_cursor(&from, "from");
    assert_string_equal(crowd->cursor, from.cursor);
    take_cursor(crowd, "cursor");
}

static void take(struct crowd *crowd, const char *key, bool value)
{
    struct json object, list, item;
    uint64_t i;
    assert_int_equal(json_parse(buf_slice(&json), &object), JSON_OK);
    assert_int_equal(json_find(object, slice_text(key), &list), JSON_OK);
    for (struct json_walk w = json_walk(list); json_next(&w, NULL, &item);) {
        assert_true(slice_u64((struct slice){item.raw.ptr + 2, item.raw.len - 3}, MANY - 1, &i));
        assert_false(*key == 'u' && crowd->has[i]); /* everybody once */
        crowd->has[i] = value;
    }
}

/* A newcomer's list, from parts that were written when it was taken. */
static void newcomer(struct roster *r, const struct crowd *parts, unsigned own, struct crowd *out)
{
    char name[16];
    *out = *parts;
    snprintf(name, sizeof name, "u%u", own);
    buf_clear(&json);
    roster_list_rest(r, slice_text(name), &json);
    take(out, "users", true);
    take_cursor(out, "cursor");
    assert_string_equal(out->cursor, parts->cursor); /* of one list */
    assert_true(out->has[own]);
    buf_clear(&json);
    if (roster_list_gone(r, &json)) {
        take_from(out);
        take(out, "joined", true);
        take(out, "left", false);
    }
}

static void take_anew(struct roster *r, struct crowd *parts)
{
    memset(parts, 0, sizeof *parts);
    roster_take_list(r);
    for (size_t i = 0; i < roster_list_parts(r); i++) {
        buf_clear(&json);
        roster_list_part(r, i, &json);
        take(parts, "users", true);
        take_cursor(parts, "cursor");
    }
}

static void flip(struct roster *r, struct crowd *truth)
{
    static uint32_t state = 1;
    char list[16];
    state = state * 1103515245 + 12345;
    unsigned i = (state >> 8) % MANY;
    truth->has[i] = !truth->has[i];
    snprintf(list, sizeof list, "%cu%u", truth->has[i] ? '+' : '-', i);
    assert_int_equal(apply(r, "e1", ++truth->version, list), ROSTER_OK);
}

static void a_list_and_what_changed_since_are_the_list_as_it_is(void **state)
{
    static struct crowd truth, parts, old, new;
    struct roster *r = *state;
    size_t taken = 0;
    load_many(r, MANY, 1);
    memset(truth.has, true, sizeof truth.has);
    truth.version = 1;
    for (unsigned i = 0; i < 5000; i++) {
        flip(r, &truth);
        if (!roster_has_list(r)) {
            take_anew(r, &parts);
            taken++;
        }
        if (i % 3 == 0 && truth.has[i % MANY]) {
            newcomer(r, &parts, i % MANY, &new);
            assert_memory_equal(new.has, truth.has, sizeof truth.has);
            old = i % 60 == 0 ? new : old; /* one who stays, and gets the bundles */
        }
        buf_clear(&json);
        if (i % 20 == 19 && roster_tell(r, &json) > 0) {
            take_from(&old);
            take(&old, "joined", true);
            take(&old, "left", false);
            assert_memory_equal(old.has, truth.has, sizeof truth.has);
        }
    }
    assert_in_range(taken, 50, 100);
}

/* ---- A naive model --------------------------------------------------------------------------- */

struct model {
    bool present[NAMES], told[NAMES];
    bool new[NAMES]; /* what the last newcomer knows, */
    bool has_new;    /* if one came since the last bundle */
    uint64_t version;
    unsigned epoch;
    char cursor[64];
};

static uint32_t dice_state = 2463534242U;
static uint32_t dice(uint32_t sides)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 17;
    dice_state ^= dice_state << 5;
    return dice_state % sides;
}

/* Even and odd differ in case alone. */
static const char *name_of(unsigned i)
{
    static char name[16];
    snprintf(name, sizeof name, "%c%u", i % 2 ? 'U' : 'u', i / 2);
    return name;
}

static unsigned index_of(struct slice name)
{
    unsigned i = 0;
    while (i < NAMES && !slice_equal(slice_text(name_of(i)), name)) {
        i++;
    }
    assert_int_not_equal(i, NAMES);
    return i;
}

/* Marks the names of a list; none may stand there twice. */
static size_t read_names(struct json object, const char *key, bool marks[NAMES])
{
    struct json list, item;
    size_t count = 0;
    memset(marks, 0, NAMES * sizeof *marks);
    assert_int_equal(json_find(object, slice_text(key), &list), JSON_OK);
    for (struct json_walk w = json_walk(list); json_next(&w, NULL, &item); count++) {
        unsigned i = index_of((struct slice){item.raw.ptr + 1, item.raw.len - 2});
        assert_false(marks[i]);
        marks[i] = true;
    }
    return count;
}

static void assert_field(struct json object, const char *key, const char *wanted)
{
    struct json value;
    assert_int_equal(json_find(object, slice_text(key), &value), JSON_OK);
    assert_int_equal(value.raw.len, strlen(wanted) + 2);
    assert_memory_equal(value.raw.ptr + 1, wanted, strlen(wanted));
}

static const char *epoch_of(const struct model *m)
{
    static char text[16];
    snprintf(text, sizeof text, "e%u", m->epoch);
    return text;
}

static void change(struct roster *r, struct model *m)
{
    struct buf list;
    buf_init(&list, 1024);
    for (uint32_t n = 1 + dice(3); n > 0; n--) {
        unsigned i = dice(NAMES);
        m->present[i] = dice(2);
        buf_printf(&list, "%s%c%s", list.len ? " " : "", m->present[i] ? '+' : '-', name_of(i));
    }
    assert_int_equal(apply(r, epoch_of(m), ++m->version, list.ptr), ROSTER_OK);
    buf_deinit(&list);
}

static void wrong_change(struct roster *r, const struct model *m)
{
    assert_int_equal(apply(r, epoch_of(m), m->version + 2 + dice(3), "+u0 -U0"), ROSTER_GAP);
    assert_int_equal(apply(r, "e", m->version + 1, "+u0 -U0"), ROSTER_GAP);
    if (m->version > 0) {
        assert_int_equal(apply(r, epoch_of(m), m->version - dice(2), "+u0 -U0"), ROSTER_OLD);
    }
}

static void whole_list(struct roster *r, struct model *m)
{
    m->epoch += dice(2);
    m->version = dice(1000);
    uint32_t density = 1 + dice(5);
    roster_load_begin(r);
    for (unsigned i = 0; i < NAMES; i++) {
        m->present[i] = dice(density) == 0;
        if (m->present[i]) {
            roster_load_name(r, slice_text(name_of(i)));
        }
    }
    roster_load_end(r, slice_text(epoch_of(m)), m->version);
}

/* Two clients are right with it; if nobody came since the last one, it names nobody in vain. */
static void bundle(struct roster *r, struct model *m)
{
    bool joined[NAMES], left[NAMES];
    struct json object;
    size_t wanted = 0;
    for (unsigned i = 0; i < NAMES; i++) {
        wanted += m->present[i] != m->told[i];
    }
    buf_clear(&json);
    size_t count = roster_tell(r, &json);
    assert_true(count == wanted || (m->has_new && count > wanted));
    assert_int_equal(json.len > 0, count > 0);
    if (count > 0) {
        assert_int_equal(json_parse(buf_slice(&json), &object), JSON_OK);
        assert_int_equal(read_names(object, "joined", joined) + read_names(object, "left", left),
                         count);
        assert_field(object, "from", m->cursor);
        snprintf(m->cursor, sizeof m->cursor, "%s.%llu", epoch_of(m),
                 (unsigned long long)m->version);
        assert_field(object, "cursor", m->cursor);
    }
    for (unsigned i = 0; i < NAMES; i++) {
        m->told[i] = count > 0 ? (m->told[i] || joined[i]) && !left[i] : m->told[i];
        m->new[i] = count > 0 ? (m->new[i] || joined[i]) && !left[i] : m->new[i];
        assert_int_equal(m->told[i], m->present[i]);
        assert_true(!m->has_new || m->new[i] == m->present[i]);
    }
    m->has_new = false;
}

/* The list is what is present, and oneself. */
static void newcomer_of(struct roster *r, struct model *m)
{
    struct json object;
    unsigned own = dice(NAMES);
    if (!roster_has_list(r)) {
        roster_take_list(r);
    }
    buf_clear(&json);
    roster_list_rest(r, m->present[own] ? slice_text(name_of(own)) : SLICE(""), &json);
    assert_int_equal(json_parse(buf_slice(&json), &object), JSON_OK);
    (void)read_names(object, "users", m->new);
    assert_memory_equal(m->new, m->present, sizeof m->new);
    assert_field(object, "cursor", m->cursor);
    m->has_new = true;
}

static void it_equals_a_naive_model(void **state)
{
    struct roster *r = *state;
    struct model m = {.cursor = ".0"};
    whole_list(r, &m);
    for (int step = 0; step < STEPS; step++) {
        uint32_t what = dice(100);
        if (what < 60) {
            change(r, &m);
        } else if (what < 65) {
            wrong_change(r, &m);
        } else if (what < 70) {
            whole_list(r, &m);
        } else if (what < 85) {
            bundle(r, &m);
        } else {
            newcomer_of(r, &m);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_known_before_a_load, begin, end),
        cmocka_unit_test_setup_teardown(versions_must_follow_each_other, begin, end),
        cmocka_unit_test_setup_teardown(who_comes_back_between_two_bundles_never_left, begin, end),
        cmocka_unit_test_setup_teardown(a_newcomer_knows_the_news_before_the_others, begin, end),
        cmocka_unit_test_setup_teardown(while_it_settles_nobody_is_told_of_leaves, begin, end),
        cmocka_unit_test_setup_teardown(who_came_before_it_froze_is_told_who_is_back, begin, end),
        cmocka_unit_test_setup_teardown(another_spelling_is_another_entry, begin, end),
        cmocka_unit_test_setup_teardown(a_load_tells_the_difference, begin, end),
        cmocka_unit_test_setup_teardown(a_load_that_is_begun_again_leaves_nothing_behind, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_is_no_name_or_no_change_is_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_a_bundle_too, begin, end),
        cmocka_unit_test_setup_teardown(somebody_may_be_put_into_the_list_in_addition, begin, end),
        cmocka_unit_test_setup_teardown(whoever_left_is_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(a_long_list_comes_in_parts, begin, end),
        cmocka_unit_test(a_list_lasts_until_too_much_has_changed),
        cmocka_unit_test_setup_teardown(a_list_and_what_changed_since_are_the_list_as_it_is, begin,
                                        end),
        cmocka_unit_test_setup_teardown(it_equals_a_naive_model, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
