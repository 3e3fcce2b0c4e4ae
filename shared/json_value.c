/* json_value.c - walking and decoding JSON that json_parse has found valid, and writing strings */
#include "shared/json.h"

#include "shared/hex.h"
#include "shared/json_scan.h"
#include "shared/utf8.h"

/* ---- Walking what is known to be valid ------------------------------------------------------- */

/* These step over validated text, so they look only for where things end; they still never read
 * past the end. */

/* From behind the opening quote to behind the closing one. */
static void skip_string_rest(struct json_scan *s)
{
    while (s->at < s->end) {
        json_skip_plain(s);
        if (s->at == s->end) {
            return;
        }
        char c = *s->at++;
        if (c == '"') {
            return;
        }
        if (c == '\\' && s->at < s->end) {
            s->at++; /* an escaped quote ends nothing; the digits of \u look like any others */
        }
    }
}

static void skip_container(struct json_scan *s)
{
    size_t depth = 0;

    while (s->at < s->end) {
        char c = *s->at++;
        if (c == '"') {
            skip_string_rest(s);
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && --depth == 0) {
            return;
        }
    }
}

/* Numbers, true, false and null end where none of their characters stands. */
static bool is_bare(char c)
{
    return json_is_digit(c) || (c >= 'a' && c <= 'z') || c == 'E' || c == '.' || c == '-' ||
           c == '+';
}

static void skip_bare(struct json_scan *s)
{
    while (s->at < s->end && is_bare(*s->at)) {
        s->at++;
    }
}

/* The value at the front.  s->at < s->end. */
static struct json take_value(struct json_scan *s)
{
    const char *first = s->at;
    enum json_type type = json_type_of(*first);

    if (type == JSON_STRING) {
        s->at++;
        skip_string_rest(s);
    } else if (type == JSON_ARRAY || type == JSON_OBJECT) {
        skip_container(s);
    } else {
        skip_bare(s);
    }
    struct slice raw = {first, (size_t)(s->at - first)};
    return (struct json){type, raw};
}

struct json_walk json_walk(struct json container)
{
    struct slice raw = container.raw;

    if ((container.type != JSON_ARRAY && container.type != JSON_OBJECT) || raw.len < 2) {
        return (struct json_walk){.object = false};
    }
    struct slice inside = {raw.ptr + 1, raw.len - 2};
    return (struct json_walk){inside, container.type == JSON_OBJECT};
}

bool json_next(struct json_walk *w, struct json *key, struct json *value)
{
    if (w->rest.len == 0) {
        return false;
    }
    struct json_scan s = {w->rest.ptr, w->rest.ptr + w->rest.len};
    struct json name = {.type = JSON_NULL};
    json_skip_space(&s);
    if (json_skip_byte(&s, ',')) {
        json_skip_space(&s);
    }
    if (w->object && s.at < s.end) {
        name = take_value(&s);
        json_skip_space(&s);
        (void)json_skip_byte(&s, ':');
        json_skip_space(&s);
    }
    if (s.at == s.end) {
        w->rest.len = 0;
        return false;
    }
    *value = take_value(&s);
    if (value->raw.len == 0) { /* only in text that was never validated: no endless walk there */
        w->rest.len = 0;
        return false;
    }
    if (key) {
        *key = name;
    }
    w->rest = (struct slice){s.at, (size_t)(s.end - s.at)};
    return true;
}

/* ---- Decoding -------------------------------------------------------------------------------- */

/* The four digits behind \u; validated, or known to be there by their number. */
static uint32_t hex4(const char *p)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        value = value << 4 | (uint32_t)(hex_digit(p[i]) & 15);
    }
    return value;
}

/* Decodes the \u escape, or pair of them, at the front of *rest into `out`; returns its length, 0
 * for half a character. */
static size_t decode_unicode(struct slice *rest, char out[4])
{
    if (rest->len < 6) {
        return 0;
    }
    uint32_t unit = hex4(rest->ptr + 2);
    *rest = slice_tail(*rest, 6);
    if (unit < 0xD800 || unit > 0xDFFF) {
        return utf8_encode(unit, out);
    }
    if (unit > 0xDBFF || rest->len < 6 || !slice_starts(*rest, SLICE("\\u"))) {
        return 0;
    }
    uint32_t low = hex4(rest->ptr + 2);
    if (low < 0xDC00 || low > 0xDFFF) {
        return 0;
    }
    *rest = slice_tail(*rest, 6);
    return utf8_encode(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), out);
}

static char decode_short(char kind)
{
    switch (kind) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return kind; /* quote, backslash, slash */
    }
}

/* Takes the next piece of a string's content: the bytes up to a backslash as they stand, or one
 * decoded escape, held in `hold`.  rest->len > 0.  False at half a character. */
static bool decode_piece(struct slice *rest, char hold[4], struct slice *piece)
{
    const char *slash = memchr(rest->ptr, '\\', rest->len);
    size_t plain = slash ? (size_t)(slash - rest->ptr) : rest->len;

    if (plain > 0) {
        *piece = slice_head(*rest, plain);
        *rest = slice_tail(*rest, plain);
        return true;
    }
    if (rest->len < 2) {
        return false;
    }
    size_t length = 1;
    if (rest->ptr[1] == 'u') {
        length = decode_unicode(rest, hold);
    } else {
        hold[0] = decode_short(rest->ptr[1]);
        *rest = slice_tail(*rest, 2);
    }
    *piece = (struct slice){hold, length};
    return length > 0;
}

/* What stands between the quotes. */
static struct slice content_of(struct json string)
{
    if (string.type != JSON_STRING || string.raw.len < 2) {
        return (struct slice){NULL, 0};
    }
    return (struct slice){string.raw.ptr + 1, string.raw.len - 2};
}

static bool key_is(struct json name, struct slice key)
{
    struct slice rest = content_of(name);
    struct slice piece;
    char hold[4];

    if (rest.len == 0 || !memchr(rest.ptr, '\\', rest.len)) { /* mostly */
        return slice_equal(rest, key);
    }
    while (rest.len > 0) {
        if (!decode_piece(&rest, hold, &piece) || !slice_starts(key, piece)) {
            return false;
        }
        key = slice_tail(key, piece.len);
    }
    return key.len == 0;
}

static void note(struct json_member *m, struct json value)
{
    if (m->err == JSON_E_ABSENT) {
        m->err = JSON_OK;
        m->value = value;
    } else {
        m->err = JSON_E_DUPLICATE;
    }
}

void json_find_all(struct json object, struct json_member *members, size_t count)
{
    struct json_walk w = json_walk(object);
    struct json name, value;

    for (size_t i = 0; i < count; i++) {
        members[i].err = object.type == JSON_OBJECT ? JSON_E_ABSENT : JSON_E_TYPE;
    }
    while (w.object && json_next(&w, &name, &value)) {
        for (size_t i = 0; i < count; i++) {
            if (key_is(name, members[i].name)) {
                note(&members[i], value);
            }
        }
    }
}

enum json_err json_find(struct json object, struct slice key, struct json *out)
{
    struct json_member member = {.name = key};

    json_find_all(object, &member, 1);
    if (member.err == JSON_OK || member.err == JSON_E_DUPLICATE) {
        *out = member.value;
    }
    return member.err;
}

enum json_err json_string(struct json value, struct buf *out)
{
    struct slice rest = content_of(value);
    struct slice piece;
    char hold[4];

    if (value.type != JSON_STRING) {
        return JSON_E_TYPE;
    }
    while (rest.len > 0) {
        if (!decode_piece(&rest, hold, &piece)) {
            return JSON_E_SURROGATE;
        }
        if (!buf_append(out, piece)) {
            return JSON_E_TOO_LARGE;
        }
    }
    return JSON_OK;
}

enum json_err json_u64(struct json value, uint64_t max, uint64_t *out)
{
    if (value.type != JSON_NUMBER) {
        return JSON_E_TYPE;
    }
    if (slice_u64(value.raw, max, out)) {
        return JSON_OK;
    }
    for (size_t i = 0; i < value.raw.len; i++) {
        if (!json_is_digit(value.raw.ptr[i])) {
            return JSON_E_TYPE;
        }
    }
    return JSON_E_TOO_LARGE;
}

bool json_is_true(struct json value)
{
    return value.type == JSON_BOOL && slice_equal(value.raw, SLICE("true"));
}

/* ---- Writing --------------------------------------------------------------------------------- */

static bool append_escaped(struct buf *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)c;

    switch (c) {
    case '"': return buf_append(out, SLICE("\\\""));
    case '\\': return buf_append(out, SLICE("\\\\"));
    case '\b': return buf_append(out, SLICE("\\b"));
    case '\f': return buf_append(out, SLICE("\\f"));
    case '\n': return buf_append(out, SLICE("\\n"));
    case '\r': return buf_append(out, SLICE("\\r"));
    case '\t': return buf_append(out, SLICE("\\t"));
    default: break;
    }
    char escape[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    return buf_append(out, (struct slice){escape, sizeof(escape)});
}

static bool must_escape(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

static bool append_content(struct buf *out, struct slice utf8)
{
    struct json_scan s = {utf8.ptr, utf8.ptr + utf8.len};

    while (s.at < s.end) {
        const char *first = s.at;
        json_skip_plain(&s);
        while (s.at < s.end && !must_escape(*s.at)) {
            s.at++;
        }
        if (!buf_append(out, (struct slice){first, (size_t)(s.at - first)})) {
            return false;
        }
        if (s.at < s.end && !append_escaped(out, *s.at++)) {
            return false;
        }
    }
    return true;
}

/* Half a string is of no use to anybody, so what did not fit is taken back. */
bool json_append_string(struct buf *out, struct slice utf8)
{
    size_t before = out->len;

    if (buf_byte(out, '"') && (utf8.len == 0 || append_content(out, utf8)) && buf_byte(out, '"')) {
        return true;
    }
    out->len = before;
    if (out->ptr) {
        out->ptr[before] = '\0';
    }
    return false;
}
