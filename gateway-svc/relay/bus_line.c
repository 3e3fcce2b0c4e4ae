/* bus_line.c - takes apart what arrives on the Redis channels */
#include "gateway-svc/relay/bus_line.h"
#include "shared/functions_answer.h"
#include "shared/json.h"
#include "shared/token.h"
#include "shared/username.h"
#include <string.h>

#define CODE_MAX 32

static bool is_hash(struct slice s)
{
    return s.len == TOKEN_HASH_LEN;
}

/* Clients get it as it is. */
static bool is_code(struct slice s)
{
    size_t i = 0;
    while (i < s.len && ((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || s.ptr[i] == '_')) {
        i++;
    }
    return i == s.len && s.len > 0 && s.len <= CODE_MAX;
}

static bool take_u64(struct slice *rest, uint64_t *out)
{
    return slice_u64(slice_cut(rest, ' '), COUNT_MAX, out);
}

static bool decode_nonce(struct slice rest, struct bus_nonce *out)
{
    out->nonce = slice_cut(&rest, ' ');
    if (!take_u64(&rest, &out->group_count) || !take_u64(&rest, &out->version)) {
        return false;
    }
    return out->nonce.len > 0 && rest.len > 0; /* the epoch, which answers tell sooner */
}

static bool decode_end(struct slice rest, struct bus_end *out)
{
    out->session = slice_cut(&rest, ' ');
    out->code = rest;
    return is_hash(out->session) && is_code(out->code);
}

bool bus_message_decode(struct slice text, struct bus_message *out)
{
    struct slice json = text;
    struct json value;
    struct slice rest = slice_cut(&json, '\n');
    out->text = text;
    if (!take_u64(&rest, &out->id)) {
        return false;
    }
    out->sender = slice_cut(&rest, ' ');
    out->receiver = slice_cut(&rest, ' ');
    if (slice_equal(out->receiver, SLICE("-"))) {
        out->receiver = slice_text(NULL);
    } else if (!is_hash(out->receiver)) {
        return false;
    }
    if (rest.len > 0 && (json_parse(rest, &value) || value.type != JSON_STRING)) {
        return false;
    }
    out->client_id = rest.len > 0 ? value.raw : rest;
    if (json_parse(json, &value) || value.type != JSON_OBJECT) {
        return false;
    }
    out->json = value.raw;
    return is_hash(out->sender);
}

/* A message has two lines. */
static struct slice cut_message(struct slice *rest)
{
    struct slice all = *rest;
    (void)slice_cut(rest, '\n');
    struct slice json = slice_cut(rest, '\n');
    size_t cut = all.len - rest->len;
    return slice_head(all, json.len > 0 ? (size_t)(json.ptr + json.len - all.ptr) : cut);
}

bool bus_line_next(struct bus_line *line)
{
    if (line->more.len == 0) {
        return false;
    }
    struct slice text = cut_message(&line->more);
    line->kind = bus_message_decode(text, &line->message) ? BUS_MESSAGE : BUS_BAD;
    return true;
}

struct bus_line bus_line_decode(struct slice line)
{
    struct bus_line out;
    memset(&out, 0, sizeof out);
    struct slice rest = line, kind = slice_cut(&rest, ' ');
    if (!take_u64(&rest, &out.count)) {
        return out;
    }
    if (slice_equal(kind, SLICE("message"))) {
        out.more = rest;
        (void)bus_line_next(&out);
    } else if (slice_equal(kind, SLICE("nonce"))) {
        out.kind = decode_nonce(rest, &out.nonce) ? BUS_NONCE : BUS_BAD;
    } else if (slice_equal(kind, SLICE("end"))) {
        out.kind = decode_end(rest, &out.end) ? BUS_END : BUS_BAD;
    }
    return out;
}

/* What nobody can be called is no change. */
static bool is_change(struct slice item)
{
    return (slice_starts(item, SLICE("+")) || slice_starts(item, SLICE("-"))) &&
           username_check(slice_tail(item, 1)) == USERNAME_OK;
}

static bool are_changes(struct slice list)
{
    bool good = list.len > 0;
    while (good && list.len > 0) {
        good = is_change(slice_cut(&list, ' '));
    }
    return good;
}

bool bus_change_decode(struct slice line, struct bus_change *out)
{
    out->epoch = slice_cut(&line, ' ');
    if (!take_u64(&line, &out->version)) {
        return false;
    }
    out->list = line;
    return out->epoch.len > 0 && are_changes(line);
}
