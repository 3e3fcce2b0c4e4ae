/* json.c - is it JSON? (RFC 8259) */
#include "shared/json.h"

#include "shared/hex.h"
#include "shared/json_scan.h"
#include "shared/utf8.h"

#include <string.h>

/* At least one digit. */
static bool skip_digits(struct json_scan *s)
{
    const char *first = s->at;

    while (s->at < s->end && json_is_digit(*s->at)) {
        s->at++;
    }
    return s->at > first;
}

static bool scan_number(struct json_scan *s)
{
    (void)json_skip_byte(s, '-');
    if (!json_skip_byte(s, '0') && !skip_digits(s)) {
        return false;
    }
    if (json_skip_byte(s, '.') && !skip_digits(s)) {
        return false;
    }
    if (json_skip_byte(s, 'e') || json_skip_byte(s, 'E')) {
        if (!json_skip_byte(s, '+')) {
            (void)json_skip_byte(s, '-');
        }
        return skip_digits(s);
    }
    return true;
}

static bool scan_word(struct json_scan *s, struct slice word)
{
    if (!slice_starts((struct slice){s->at, (size_t)(s->end - s->at)}, word)) {
        return false;
    }
    s->at += word.len;
    return true;
}

/* Behind the backslash.  Whether \u escapes pair up is asked only where they are decoded. */
static bool scan_escape(struct json_scan *s)
{
    if (s->at == s->end) {
        return false;
    }
    char kind = *s->at++;
    if (kind != 'u') {
        return kind != '\0' && strchr("\"\\/bfnrt", kind) != NULL;
    }
    if (s->end - s->at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (hex_digit(*s->at++) < 0) {
            return false;
        }
    }
    return true;
}

/* Up to and over the closing quote; *bits collects the bits of all bytes that were looked at. */
static bool scan_characters(struct json_scan *s, unsigned *bits)
{
    for (;;) {
        json_skip_plain(s);
        if (s->at == s->end) {
            return false;
        }
        unsigned char c = (unsigned char)*s->at++;
        *bits |= c;
        if (c == '"') {
            return true;
        }
        if (c < 0x20 || (c == '\\' && !scan_escape(s))) {
            return false;
        }
    }
}

/* UTF-8 is checked in one go behind the closing quote, and only when there was any: a quote or
 * backslash byte is never part of a longer sequence. */
static enum json_err scan_string(struct json_scan *s)
{
    unsigned bits = 0;

    if (!json_skip_byte(s, '"')) {
        return JSON_E_SYNTAX;
    }
    const char *first = s->at;
    if (!scan_characters(s, &bits)) {
        return JSON_E_SYNTAX;
    }
    struct slice content = {first, (size_t)(s->at - 1 - first)};
    return bits < 0x80 || utf8_valid(content) ? JSON_OK : JSON_E_UTF8;
}

static enum json_err scan_scalar(struct json_scan *s)
{
    bool good = false;

    switch (*s->at) {
    case '"': return scan_string(s);
    case 't': good = scan_word(s, SLICE("true")); break;
    case 'f': good = scan_word(s, SLICE("false")); break;
    case 'n': good = scan_word(s, SLICE("null")); break;
    default: good = scan_number(s); break;
    }
    return good ? JSON_OK : JSON_E_SYNTAX;
}

/* A member's name and colon, with the space around. */
static enum json_err scan_key(struct json_scan *s)
{
    json_skip_space(s);
    enum json_err err = scan_string(s);
    if (err != JSON_OK) {
        return err;
    }
    json_skip_space(s);
    return json_skip_byte(s, ':') ? JSON_OK : JSON_E_SYNTAX;
}

/* The containers that are open, each as the bracket that will close it. */
struct nest {
    char closers[JSON_DEPTH_MAX];
    size_t depth;
};

static bool in_object(const struct nest *n)
{
    return n->depth > 0 && n->closers[n->depth - 1] == '}';
}

/* Enters a container at its opening bracket; an empty one is left again at once.  Afterwards the
 * scan stands before a value if *wants_value, else behind one. */
static enum json_err scan_open(struct json_scan *s, struct nest *n, bool *wants_value)
{
    char closer = *s->at == '{' ? '}' : ']';

    if (n->depth == JSON_DEPTH_MAX) {
        return JSON_E_DEPTH;
    }
    s->at++;
    json_skip_space(s);
    if (json_skip_byte(s, closer)) {
        *wants_value = false;
        return JSON_OK;
    }
    n->closers[n->depth++] = closer;
    *wants_value = true;
    return closer == '}' ? scan_key(s) : JSON_OK;
}

/* Behind a value: leaves the containers that end here, and steps over a comma to the next item if
 * one is left open. */
static enum json_err scan_close(struct json_scan *s, struct nest *n, bool *wants_value)
{
    while (n->depth > 0) {
        json_skip_space(s);
        if (json_skip_byte(s, ',')) {
            *wants_value = true;
            return in_object(n) ? scan_key(s) : JSON_OK;
        }
        if (!json_skip_byte(s, n->closers[n->depth - 1])) {
            return JSON_E_SYNTAX;
        }
        n->depth--;
    }
    *wants_value = false;
    return JSON_OK;
}

/* One value with everything in it, without recursion. */
static enum json_err scan_value(struct json_scan *s)
{
    struct nest nest = {.depth = 0};
    bool wants_value = true;

    while (wants_value) {
        enum json_err err = JSON_E_SYNTAX;
        json_skip_space(s);
        if (s->at < s->end && (*s->at == '[' || *s->at == '{')) {
            err = scan_open(s, &nest, &wants_value);
        } else if (s->at < s->end) {
            err = scan_scalar(s);
            wants_value = false;
        }
        if (err == JSON_OK && !wants_value) {
            err = scan_close(s, &nest, &wants_value);
        }
        if (err != JSON_OK) {
            return err;
        }
    }
    return JSON_OK;
}

enum json_err json_parse(struct slice text, struct json *out)
{
    if (text.len == 0) {
        return JSON_E_SYNTAX;
    }
    struct json_scan s = {text.ptr, text.ptr + text.len};
    json_skip_space(&s);
    const char *first = s.at;
    enum json_err err = scan_value(&s);
    if (err != JSON_OK) {
        return err;
    }
    struct slice raw = {first, (size_t)(s.at - first)};
    json_skip_space(&s);
    if (s.at != s.end) {
        return JSON_E_SYNTAX;
    }
    *out = (struct json){json_type_of(*first), raw};
    return JSON_OK;
}
