/* json.h - strict reading of JSON that came from a peer (RFC 8259), and writing of strings
 *
 * A text is validated once as a whole; after that, values are slices into it that may be walked
 * without further checks and passed on byte for byte.  (cJSON is used for writing documents, see
 * json_doc.h.  For reading it is too lenient: it cuts strings at \u0000, compares keys without
 * regard to case, takes invalid UTF-8 and trailing garbage, and rounds large numbers.) */
#ifndef PARLEY_JSON_H
#define PARLEY_JSON_H

#include "shared/buf.h"

#define JSON_DEPTH_MAX 32 /* arrays and objects inside each other */

enum json_err {
    JSON_OK = 0,
    JSON_E_SYNTAX,    /* not JSON, or something behind it */
    JSON_E_DEPTH,     /* more than JSON_DEPTH_MAX levels */
    JSON_E_UTF8,      /* not UTF-8 */
    JSON_E_TYPE,      /* another type than was asked for */
    JSON_E_ABSENT,    /* no such key */
    JSON_E_DUPLICATE, /* the key stands there twice */
    JSON_E_SURROGATE, /* a \u escape that is half a character */
    JSON_E_TOO_LARGE  /* more than the output may hold, or the number's limit */
};

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    struct slice raw; /* exactly the value's bytes, quotes and brackets included; borrowed */
};

/* Validates that `text` is exactly one JSON value, surrounded by nothing but white space.
 * Returns JSON_OK, JSON_E_SYNTAX, JSON_E_DEPTH or JSON_E_UTF8.  Linear, never allocates. */
enum json_err json_parse(struct slice text, struct json *out) __attribute__((warn_unused_result));

/* Walks an array's items or an object's members, in order:
 *     struct json_walk w = json_walk(array);
 *     while (json_next(&w, NULL, &item)) { ... }
 * `key` is set for objects (a JSON_STRING), and may be NULL.  The container must come from
 * json_parse, directly or through a walk; any other type of value walks over nothing. */
struct json_walk {
    struct slice rest;
    bool object;
};
struct json_walk json_walk(struct json container);
bool json_next(struct json_walk *w, struct json *key, struct json *value);

/* A member that is looked for by its name, compared after decoding escapes, and what was found:
 * JSON_OK and the value, JSON_E_ABSENT, JSON_E_DUPLICATE (and the first), or JSON_E_TYPE when it is
 * no object. */
struct json_member {
    struct slice name;
    enum json_err err;
    struct json value;
};
/* Looks for all of them at once. */
void json_find_all(struct json object, struct json_member *members, size_t count);
/* The same for one; *out is set when it is there. */
enum json_err json_find(struct json object, struct slice key, struct json *out)
    __attribute__((warn_unused_result));

/* Appends the decoded characters of a string as UTF-8 (\u0000 gives a NUL byte).
 * JSON_OK, JSON_E_TYPE, JSON_E_SURROGATE, JSON_E_TOO_LARGE (the buffer's maximum; what was already
 * appended stays). */
enum json_err json_string(struct json value, struct buf *out) __attribute__((warn_unused_result));

/* A number that is a non-negative integer written in digits alone: JSON_OK, JSON_E_TYPE,
 * JSON_E_TOO_LARGE (above `max`). */
enum json_err json_u64(struct json value, uint64_t max, uint64_t *out)
    __attribute__((warn_unused_result));

bool json_is_true(struct json value);

/* Appends `utf8` as a JSON string with quotes, escaping only what RFC 8259 demands (quote,
 * backslash, controls).  `utf8` must be valid UTF-8.  False when the buffer is full. */
bool json_append_string(struct buf *out, struct slice utf8);

#endif
