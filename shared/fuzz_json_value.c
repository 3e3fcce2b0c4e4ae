/* fuzz_json_value.c - a string that was written reads back the same, whatever stands around it, and
 * does not fit exactly where it is too long; a member is found exactly when a plain search finds it
 *
 * Input: a byte for the buffer's maximum, then the text. */
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/fuzz.h"

static void check_written(struct slice text, size_t max)
{
    struct buf whole, small, back;
    struct json value;
    buf_init(&whole, SIZE_MAX);
    buf_init(&small, max);
    buf_init(&back, text.len);
    HOLDS(json_append_string(&whole, text));
    HOLDS(json_parse(buf_slice(&whole), &value) == JSON_OK && value.type == JSON_STRING);
    HOLDS(json_string(value, &back) == JSON_OK && slice_equal(buf_slice(&back), text));
    HOLDS(json_append_string(&small, text) == (whole.len <= max));
    HOLDS(small.len == (whole.len <= max ? whole.len : 0));
    buf_deinit(&small);
    buf_deinit(&whole);
    buf_deinit(&back);
}

static bool is_member(struct json name, struct slice key)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    bool is = json_string(name, &text) == JSON_OK && slice_equal(buf_slice(&text), key);
    buf_deinit(&text);
    return is;
}

/* Every member's own name, and one that may not be there. */
static void check_found(struct json object, struct slice key)
{
    struct json name, value,
        found = {
            JSON_NULL, {NULL, 0}
    };
    struct json last = found;
    unsigned times = 0;
    struct json_walk walk = json_walk(object);
    while (json_next(&walk, &name, &value)) {
        if (is_member(name, key)) {
            times++;
            last = value;
        }
    }
    enum json_err err = json_find(object, key, &found);
    if (object.type != JSON_OBJECT) {
        HOLDS(err == JSON_E_TYPE);
        return;
    }
    HOLDS(err == (times == 0 ? JSON_E_ABSENT : times == 1 ? JSON_OK : JSON_E_DUPLICATE));
    HOLDS(times != 1 || (found.raw.ptr == last.raw.ptr && found.raw.len == last.raw.len));
}

static void check_decoded(struct json value)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    enum json_err err = json_string(value, &text);
    HOLDS((err == JSON_E_TYPE) == (value.type != JSON_STRING));
    if (err == JSON_OK) {
        HOLDS(utf8_valid(buf_slice(&text)) && text.len + 2 <= value.raw.len);
        check_written(buf_slice(&text), text.len);
    }
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    size_t max = fuzz_byte(&in);
    struct slice text = exact_copy(in);
    struct json value, name, item;

    if (utf8_valid(text)) {
        check_written(text, max);
    }
    if (json_parse(text, &value) == JSON_OK) {
        struct json_walk walk = json_walk(value);
        check_decoded(value);
        check_found(value, SLICE("a"));
        for (unsigned i = 0; i < 16 && json_next(&walk, &name, &item); i++) {
            struct buf key;
            buf_init(&key, SIZE_MAX);
            if (value.type == JSON_OBJECT && json_string(name, &key) == JSON_OK) {
                check_found(value, buf_slice(&key));
            }
            check_decoded(item);
            buf_deinit(&key);
        }
    }
    exact_free(text);
    return 0;
}
