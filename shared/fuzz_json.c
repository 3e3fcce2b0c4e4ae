/* fuzz_json.c - what we take for JSON, cJSON understands in the same way; what cJSON writes, we
 * take; and every part of a good text is good by itself */
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/fuzz.h"

#include <cjson/cJSON.h>

static cJSON *cjson_parse(struct slice text)
{
    return cJSON_ParseWithLengthOpts(text.len > 0 ? text.ptr : "", text.len, NULL, false);
}

/* cJSON ends strings at \u0000 and refuses half characters: such are not compared. */
static bool same_string(struct json ours, const char *theirs)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    enum json_err err = json_string(ours, &text);
    bool same = err == JSON_OK && (memchr(text.ptr ? text.ptr : "", '\0', text.len) != NULL ||
                                   slice_equal(buf_slice(&text), slice_text(theirs)));
    HOLDS(utf8_valid(buf_slice(&text)));
    buf_deinit(&text);
    return same;
}

static bool same_scalar(struct json ours, const cJSON *theirs)
{
    switch (ours.type) {
    case JSON_NULL: return cJSON_IsNull(theirs);
    case JSON_BOOL: return cJSON_IsBool(theirs) && json_is_true(ours) == cJSON_IsTrue(theirs);
    case JSON_STRING: return cJSON_IsString(theirs) && same_string(ours, theirs->valuestring);
    case JSON_NUMBER: break;
    case JSON_ARRAY:
    case JSON_OBJECT: return false;
    }
    uint64_t integer = 0;
    bool whole = json_u64(ours, UINT64_MAX, &integer) == JSON_OK;
    return cJSON_IsNumber(theirs) &&
           (!whole || ours.raw.len > 60 || (double)integer == theirs->valuedouble);
}

/* Walks both, as deep as it goes: JSON_DEPTH_MAX.  NOLINTNEXTLINE(misc-no-recursion) */
static void compare(struct json ours, const cJSON *theirs)
{
    struct json again, key, value;
    struct slice copy = exact_copy(ours.raw);
    HOLDS(json_parse(copy, &again) == JSON_OK && again.type == ours.type &&
          again.raw.ptr == copy.ptr && again.raw.len == copy.len);
    exact_free(copy);
    if (ours.type != JSON_ARRAY && ours.type != JSON_OBJECT) {
        HOLDS(same_scalar(ours, theirs));
        return;
    }
    HOLDS(ours.type == JSON_ARRAY ? cJSON_IsArray(theirs) : cJSON_IsObject(theirs));
    const cJSON *item = theirs->child;
    struct json_walk walk = json_walk(ours);
    while (json_next(&walk, &key, &value)) {
        HOLDS(item && fuzz_inside(value.raw, ours.raw));
        HOLDS(ours.type == JSON_ARRAY || same_string(key, item->string));
        compare(value, item);
        item = item->next;
    }
    HOLDS(!item);
}

static bool has_surrogate(struct slice text)
{
    for (size_t i = 0; i + 3 < text.len; i++) {
        if (text.ptr[i] == '\\' && text.ptr[i + 1] == 'u' &&
            (text.ptr[i + 2] == 'd' || text.ptr[i + 2] == 'D')) {
            return true;
        }
    }
    return false;
}

/* cJSON writes strict JSON, but for bytes that it never looked at. */
static void check_printed(const cJSON *theirs)
{
    struct json ours;
    char *text = theirs ? cJSON_PrintUnformatted(theirs) : NULL;
    if (!text) {
        return;
    }
    enum json_err err = json_parse(slice_text(text), &ours);
    HOLDS(err == JSON_OK || err == JSON_E_DEPTH ||
          (err == JSON_E_UTF8 && !utf8_valid(slice_text(text))));
    cJSON_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct json ours;
    cJSON *theirs = cjson_parse(in);

    enum json_err err = json_parse(in, &ours);
    HOLDS(err == JSON_OK || err == JSON_E_SYNTAX || err == JSON_E_DEPTH || err == JSON_E_UTF8);
    if (err == JSON_OK) {
        HOLDS(fuzz_inside(ours.raw, in) && utf8_valid(in));
        HOLDS(theirs || has_surrogate(in));
    }
    if (err == JSON_OK && theirs) {
        compare(ours, theirs);
    }
    check_printed(theirs);
    cJSON_Delete(theirs);
    return 0;
}
