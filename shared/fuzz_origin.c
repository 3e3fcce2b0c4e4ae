/* fuzz_origin.c - the verdict is that of comparing the three parts in one written form, and does
 * not depend on upper and lower case
 *
 * Input: four lines: scheme, Host, Origin, ALLOWED_ORIGINS. */
#include "shared/buf.h"
#include "shared/origin.h"
#include "tests/support/fuzz.h"

#include <ctype.h>
#include <regex.h>

#define FORM "^([a-z][a-z0-9+.-]*)://(\\[[0-9a-z:.]+\\]|[a-z0-9._-]+)(:([1-9][0-9]{0,4}))?$"

static void lower(char *text)
{
    for (; *text; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

static struct slice group(const char *text, regmatch_t m)
{
    return m.rm_so < 0 ? SLICE("") : (struct slice){text + m.rm_so, (size_t)(m.rm_eo - m.rm_so)};
}

static struct slice default_port(struct slice scheme)
{
    if (slice_equal(scheme, SLICE("http"))) {
        return SLICE("80");
    }
    return slice_equal(scheme, SLICE("https")) ? SLICE("443") : SLICE("0");
}

/* Appends it with the port written in any case; nothing when it is no origin. */
static void put_written(const char *text, struct buf *out)
{
    static regex_t form;
    static bool ready;
    regmatch_t m[5];
    uint64_t number = 0;
    ready = ready || regcomp(&form, FORM, REG_EXTENDED) == 0;
    HOLDS(ready);
    if (regexec(&form, text, 5, m, 0) != 0) {
        return;
    }
    struct slice port = m[4].rm_so < 0 ? default_port(group(text, m[1])) : group(text, m[4]);
    if (slice_u64(port, 65535, &number)) {
        buf_append(out, (struct slice){text, (size_t)m[2].rm_eo});
        buf_byte(out, ':');
        buf_append(out, port);
    }
}

/* "scheme://host:port" in lower case; empty when it is no origin. */
static struct buf written(struct slice origin)
{
    struct buf text, out;
    buf_init(&text, SIZE_MAX);
    buf_init(&out, SIZE_MAX);
    buf_append(&text, origin);
    if (text.len > 0 && !memchr(text.ptr, '\0', text.len)) {
        lower(text.ptr);
        put_written(text.ptr, &out);
    }
    buf_deinit(&text);
    return out;
}

static bool same(struct slice a, struct slice b)
{
    struct buf x = written(a), y = written(b);
    bool same = x.len > 0 && slice_equal(buf_slice(&x), buf_slice(&y));
    buf_deinit(&x);
    buf_deinit(&y);
    return same;
}

static bool is_own(struct slice scheme, struct slice host, struct slice origin)
{
    struct buf own;
    buf_init(&own, SIZE_MAX);
    buf_append(&own, scheme);
    buf_append(&own, SLICE("://"));
    buf_append(&own, host);
    bool is = same(buf_slice(&own), origin);
    buf_deinit(&own);
    return is;
}

static bool is_listed(struct slice origin, struct slice list)
{
    bool listed = false;
    while (list.len > 0) {
        struct slice entry = slice_trim(slice_cut(&list, ','));
        bool null = slice_equal(entry, SLICE("null"));
        listed |= null ? slice_equal(origin, entry) : same(entry, origin);
    }
    return listed;
}

/* The same scheme and host with a port of its own, for a list that names this origin alone. */
static void check_neighbour(struct slice origin)
{
    struct buf other = written(origin);
    char *list = strndup(origin.ptr, origin.len);
    HOLDS(list);
    if (other.len > 0) {
        while (other.ptr[other.len - 1] != ':') {
            other.len--;
        }
        buf_byte(&other, '5');
        enum origin_verdict verdict =
            origin_judge(SLICE("http"), SLICE("a.example"), buf_slice(&other), list);
        HOLDS((verdict == ORIGIN_LISTED) == same(buf_slice(&other), origin));
    }
    free(list);
    buf_deinit(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct slice line = slice_cut(&in, '\n');
    struct slice scheme = slice_equal(line, SLICE("https")) ? SLICE("https") : SLICE("http");
    struct slice host = fuzz_line(&in), origin = fuzz_line(&in);
    char *list = strndup(in.len > 0 ? in.ptr : "", in.len);
    HOLDS(list);

    enum origin_verdict verdict = origin_judge(scheme, host, origin, list);
    enum origin_verdict expected = origin.len == 0                       ? ORIGIN_ABSENT
                                   : is_own(scheme, host, origin)        ? ORIGIN_OWN
                                   : is_listed(origin, slice_text(list)) ? ORIGIN_LISTED
                                                                         : ORIGIN_FOREIGN;
    HOLDS(verdict == expected && origin_passes(verdict) == (verdict != ORIGIN_FOREIGN));
    check_neighbour(origin);
    if (!origin_check_list(list)) { /* a list that is good has no entry that says nothing */
        struct slice rest = slice_text(list);
        while (rest.len > 0) {
            struct slice entry = slice_trim(slice_cut(&rest, ','));
            HOLDS(slice_equal(entry, SLICE("null")) || same(entry, entry));
        }
    }
    free(list);
    exact_free(host);
    exact_free(origin);
    return 0;
}
