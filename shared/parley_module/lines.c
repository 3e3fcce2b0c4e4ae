/* lines.c - what a call publishes */
#include "shared/parley_module/lines.h"

#include "shared/decimal.h"
#include "shared/parley_module/number.h"

#include <string.h>

#define GATEWAY_PREFIX "to:"
#define REST_MAX 1024 /* of a line but its messages, and of a channel's name with prefix */

/* How many were published on this channel before the line that is to be made. */
static bool count_of(struct lines *lines, const char *channel, uint64_t *count)
{
    for (size_t i = lines->count; i > 0; i--) {
        if (strcmp(lines->all[i - 1].channel, channel) == 0) {
            *count = lines->all[i - 1].count;
            return true;
        }
    }
    RedisModuleString *stored = entry_field(&lines->counts, channel);
    bool good = !stored || number_read(string_slice(stored), count);
    string_free(stored);
    return good;
}

static struct line *line_of(struct lines *lines, const char *channel)
{
    for (size_t i = lines->first_open; i < lines->count; i++) {
        if (strcmp(lines->all[i].channel, channel) == 0) {
            return &lines->all[i];
        }
    }
    uint64_t count = 0;
    if (lines->count == LINES_MAX || !count_of(lines, channel, &count)) {
        return NULL;
    }
    struct line *line = &lines->all[lines->count++];
    memcpy(line->channel, channel, strlen(channel) + 1);
    line->count = count + 1;
    line->messages = 0;
    return line;
}

/* (Sender and receiver often have the same gateways.) */
static bool add(struct lines *lines, size_t i, const char *channel)
{
    struct line *line = line_of(lines, channel);
    if (!line) {
        return false;
    }
    if (line->messages == 0 || line->message[line->messages - 1] != i) {
        line->message[line->messages++] = (uint8_t)i;
    }
    return true;
}

static void turn_to(struct lines *lines, bool group)
{
    if (lines->group != group) {
        lines->group = group;
        lines->first_open = lines->count;
    }
}

bool lines_add_group(struct lines *lines, size_t i)
{
    turn_to(lines, true);
    return add(lines, i, "group");
}

static bool add_gateways(struct lines *lines, size_t i, struct slice gateways)
{
    while (gateways.len > 0) {
        char channel[CHANNEL_MAX + 1] = GATEWAY_PREFIX;
        struct slice id = slice_cut(&gateways, ' ');
        if (id.len > CHANNEL_MAX - strlen(GATEWAY_PREFIX) || !slice_made_of(id, "._-")) {
            return false;
        }
        memcpy(channel + strlen(GATEWAY_PREFIX), id.ptr, id.len);
        if (id.len > 0 && !add(lines, i, channel)) {
            return false;
        }
    }
    return true;
}

bool lines_add_direct(struct lines *lines, size_t i, struct slice sender, struct slice receiver)
{
    turn_to(lines, false);
    return add_gateways(lines, i, sender) && add_gateways(lines, i, receiver);
}

bool lines_has_several(const struct lines *lines)
{
    bool several = false;
    for (size_t i = 0; i < lines->count; i++) {
        several = several || lines->all[i].messages > 1;
    }
    return several;
}

/* ---- Publishing ------------------------------------------------------------------------------ */

static size_t size_of(const struct line *line, RedisModuleString *const *texts)
{
    size_t size = 0;
    for (size_t i = 0; i < line->messages; i++) {
        size += string_slice(texts[line->message[i]]).len + 1;
    }
    return size;
}

bool lines_reserve(const struct lines *lines, RedisModuleString *const *texts, struct buf *room)
{
    size_t longest = 0;
    for (size_t i = 0; i < lines->count; i++) {
        size_t size = size_of(&lines->all[i], texts);
        longest = size > longest ? size : longest;
    }
    buf_clear(room);
    return buf_reserve(room, REST_MAX + longest);
}

static void write_line(struct buf *out, const struct line *line, RedisModuleString *const *texts)
{
    buf_clear(out);
    buf_append(out, SLICE("message "));
    buf_u64(out, line->count);
    for (size_t i = 0; i < line->messages; i++) {
        buf_byte(out, i == 0 ? ' ' : '\n');
        buf_append(out, string_slice(texts[line->message[i]]));
    }
}

/* (Of what a command publishes replicas are told, for whoever listens there.  "A": the append-only
 * file is not.) */
static void publish(RedisModuleCtx *ctx, struct slice prefix, const char *channel, struct buf *room)
{
    RedisModuleString *text = string_of(buf_slice(room));
    buf_clear(room);
    buf_append(room, prefix);
    buf_append(room, slice_text(channel));
    RedisModuleString *name = string_of(buf_slice(room));
    (void)RedisModule_PublishMessage(ctx, name, text);
    (void)RedisModule_Replicate(ctx, "PUBLISH", "Ass", name, text);
    string_free(name);
    string_free(text);
}

void lines_publish(struct lines *lines, struct slice prefix, RedisModuleString *const *texts,
                   struct buf *room)
{
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->all[i];
        char digits[DECIMAL_MAX];
        entry_set_field(&lines->counts, line->channel, decimal(digits, line->count));
        write_line(room, line, texts);
        publish(lines->counts.ctx, prefix, line->channel, room);
    }
}

void lines_clear(struct lines *lines)
{
    entry_close(&lines->counts);
    lines->count = lines->first_open = 0;
    lines->group = false;
}
