/* test_json_property.c - what holds for every text that is taken for JSON, tried on mutants */
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static struct json parsed(struct slice text)
{
    struct json value;

    assert_int_equal(json_parse(text, &value), JSON_OK);
    return value;
}

static uint64_t seed = 88172645463325252U;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Decoded, written and decoded again a string is the same. */
static void check_string(struct json string)
{
    struct buf once;
    struct buf written;
    struct buf twice;

    buf_init(&once, 4096);
    buf_init(&written, 4096);
    buf_init(&twice, 4096);
    if (json_string(string, &once) == JSON_OK) {
        assert_true(utf8_valid(buf_slice(&once)));
        assert_true(json_append_string(&written, buf_slice(&once)));
        assert_int_equal(json_string(parsed(buf_slice(&written)), &twice), JSON_OK);
        assert_true(slice_equal(buf_slice(&once), buf_slice(&twice)));
    }
    buf_deinit(&once);
    buf_deinit(&written);
    buf_deinit(&twice);
}

/* A part lies within the bytes that its predecessor left, and is JSON of the told type itself. */
static void check_part(struct slice left, struct json part)
{
    struct json again;

    assert_true(part.raw.len > 0 && part.raw.ptr >= left.ptr);
    assert_true(part.raw.ptr + part.raw.len <= left.ptr + left.len);
    assert_int_equal(json_parse(part.raw, &again), JSON_OK);
    assert_int_equal(again.type, part.type);
    assert_true(slice_equal(again.raw, part.raw));
    if (part.type == JSON_STRING) {
        check_string(part);
    }
}

/* Checks everything in a container; returns the number of values in it, at any depth. */
static size_t check_container(struct json container)
{
    struct json stack[JSON_DEPTH_MAX * 64] = {container};
    size_t waiting = 1;
    size_t values = 0;

    while (waiting > 0) {
        struct json outer = stack[--waiting];
        struct json_walk w = json_walk(outer);
        struct slice left = outer.raw;
        struct json key;
        struct json value;
        while (json_next(&w, &key, &value)) {
            if (outer.type == JSON_OBJECT) {
                check_part(left, key);
                left = slice_tail(left, (size_t)(key.raw.ptr - left.ptr) + key.raw.len);
            }
            check_part(left, value);
            left = slice_tail(left, (size_t)(value.raw.ptr - left.ptr) + value.raw.len);
            assert_true(waiting < ROWS(stack));
            stack[waiting++] = value;
            values++;
        }
    }
    return values;
}

static const struct slice seeds[] = {
    SLICE_INIT(
        "[\"message_out\",{\"receiver\":\"bob\",\"message_text\":\"h\\u00e9 \\\"\xC3\xA9\\\"\"}]"),
    SLICE_INIT(
        "{\"a\":[1,-2.5e+10,true,false,null],\"b\":{\"c\":{}},\"\\ud83d\\ude00\":[[],[[]]]}"),
    SLICE_INIT(" [ 0 , \"\" , { \"x\" : \"\\\\\" , \"y\" : [ ] } , \"0123456789abcdef\" ] "),
};

/* Bytes that matter in JSON, so that a good part of the mutants stays valid. */
static char random_byte(const char *text, size_t len)
{
    static const char alphabet[] = "[]{},:\"\\ \n019-+.eEutrfalsn\xC3\xA9\xF0\x00\x1F";

    if (next_random() % 4 == 0) {
        return text[next_random() % len];
    }
    return alphabet[next_random() % sizeof(alphabet)];
}

static void mutate(char *text, size_t len)
{
    for (uint64_t changes = next_random() % 3; changes > 0; changes--) {
        text[next_random() % len] = random_byte(text, len);
    }
}

static void walking_mutants_never_leaves_the_text(void **state)
{
    enum { ROUNDS = 200000 };
    size_t accepted = 0;
    size_t changed = 0;
    size_t values = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct slice sample = seeds[(size_t)i % ROWS(seeds)];
        char bytes[128];
        struct json value;
        assert_true(sample.len <= sizeof(bytes));
        memcpy(bytes, sample.ptr, sample.len);
        mutate(bytes, sample.len);
        struct slice text = exact_copy((struct slice){bytes, sample.len});
        if (json_parse(text, &value) == JSON_OK) {
            accepted++;
            changed += !slice_equal(text, sample);
            values += check_container(value);
        }
        exact_free(text);
    }
    /* Both outcomes were really met, often, and not only by the untouched samples. */
    assert_in_range(accepted, ROUNDS / 4, ROUNDS - ROUNDS / 4);
    assert_true(changed > ROUNDS / 50);
    assert_true(values > accepted);
}

/* A container that was never validated breaks the contract, but must not hang or over-read. */
static void walking_unvalidated_text_ends(void **state)
{
    enum { ROUNDS = 50000 };
    size_t steps = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct slice sample = seeds[(size_t)i % ROWS(seeds)];
        char bytes[128];
        memcpy(bytes, sample.ptr, sample.len);
        mutate(bytes, sample.len);
        mutate(bytes, sample.len);
        struct slice text = exact_copy((struct slice){bytes, next_random() % sample.len});
        struct json key;
        struct json value;
        struct json_walk w = json_walk((struct json){i % 2 ? JSON_OBJECT : JSON_ARRAY, text});
        for (size_t n = 0; json_next(&w, &key, &value); n++) {
            assert_true(n < sample.len);
            steps++;
        }
        exact_free(text);
    }
    assert_true(steps > ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walking_mutants_never_leaves_the_text),
        cmocka_unit_test(walking_unvalidated_text_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
