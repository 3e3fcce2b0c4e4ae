/* sending.c - what parley_send does when nothing is out of the ordinary */
#include "shared/parley_module/sending.h"

#include "shared/decimal.h"
#include "shared/parley_module/lines.h"
#include "shared/parley_module/number.h"
#include "shared/parley_module/person.h"
#include "shared/parley_module/window.h"

#include <string.h>

#define ROOM_MAX ((size_t)64 << 20)   /* of a line; more is not for us */
#define ROOM_KEPT ((size_t)256 << 10) /* between calls */
#define SENT_EXTRA_MS 60000           /* as in parley.lua */

/* One message, and its place among the arguments. */
struct fresh {
    const struct slice *parts;
    RedisModuleString *client_id;
    uint64_t id;
    struct person *sender;
    struct person *receiver; /* NULL: the group */
    RedisModuleString *text; /* as channels and inboxes have it */
};

/* One call; there is one at a time. */
static struct sending {
    RedisModuleCtx *ctx;
    RedisModuleString **argv;
    struct send_call call;
    uint64_t now_ms;
    struct slice sent_at; /* the same in digits */
    char sent_at_room[DECIMAL_MAX];
    struct sent_time sent_time;
    struct entry presence, last_id;
    uint64_t newest; /* message:id, and then that of each message */
    struct window window;
    bool to_group; /* the window is open */
    struct people people;
    struct lines lines;
    struct fresh messages[SEND_MAX];
    RedisModuleString *texts[SEND_MAX];
    struct buf room;
} sending;

static bool open_key(struct sending *s, struct entry *e, const char *what, int type, int mode)
{
    return entry_open(e, s->ctx, s->call.prefix, what, SLICE(""), type, mode);
}

static bool field_is(const struct entry *e, const char *field, struct slice expected)
{
    RedisModuleString *value = entry_field(e, field);
    bool same = value && slice_equal(string_slice(value), expected);
    string_free(value);
    return same;
}

/* ---- Who calls ------------------------------------------------------------------------------- */

/* This epoch, in this process, settled, with rules that we know. */
static bool is_settled(struct sending *s, struct slice run)
{
    RedisModuleString *settle = entry_field(&s->presence, "settle");
    string_free(settle);
    return !settle && field_is(&s->presence, "epoch", s->call.epoch) &&
           field_is(&s->presence, "run", run) &&
           field_is(&s->presence, "library", SLICE(SENDING_VERSION));
}

static bool link_holds(struct sending *s)
{
    struct entry links = {NULL, NULL, NULL};
    if (!open_key(s, &links, "links", REDISMODULE_KEYTYPE_HASH, REDISMODULE_READ)) {
        return false;
    }
    RedisModuleString *link = entry_member(&links, s->argv[SEND_GATEWAY]);
    bool holds = link && slice_equal(string_slice(link), s->call.link);
    string_free(link);
    entry_close(&links);
    return holds;
}

static bool read_last_id(struct sending *s)
{
    struct slice digits = {NULL, 0};
    if (!open_key(s, &s->last_id, "message:id", REDISMODULE_KEYTYPE_STRING, REDISMODULE_WRITE)) {
        return false;
    }
    digits.ptr = RedisModule_StringDMA(s->last_id.key, &digits.len, REDISMODULE_READ);
    return number_read(digits, &s->newest) && s->newest <= NUMBER_MAX - SEND_MAX &&
           s->newest >= s->call.seen;
}

static bool may_call(struct sending *s, struct slice run)
{
    return open_key(s, &s->presence, "presence", REDISMODULE_KEYTYPE_HASH, REDISMODULE_READ) &&
           is_settled(s, run) && link_holds(s) && read_last_id(s) &&
           open_key(s, &s->lines.counts, "channels", REDISMODULE_KEYTYPE_HASH, REDISMODULE_WRITE);
}

/* ---- One message is looked at ---------------------------------------------------------------- */

/* It is looked at for the first message only. */
static bool window_takes(struct sending *s, const struct fresh *m)
{
    if (!s->to_group) {
        s->to_group = window_open(&s->window, &s->presence, s->call.prefix, m->id,
                                  s->now_ms + s->call.keep_ms);
    }
    return s->to_group;
}

static bool inbox_takes(struct sending *s, struct person *p)
{
    return entry_open(&p->messages, s->ctx, s->call.prefix, "inbox:", p->key,
                      REDISMODULE_KEYTYPE_LIST, REDISMODULE_WRITE);
}

static bool find_receiver(struct sending *s, struct fresh *m, size_t i)
{
    if (send_is_group(m->parts)) {
        return window_takes(s, m) && lines_add_group(&s->lines, i);
    }
    m->receiver = people_find(&s->people, s->ctx, s->call.prefix, m->parts[SEND_RECEIVER]);
    return m->receiver && inbox_takes(s, m->sender) && inbox_takes(s, m->receiver) &&
           lines_add_direct(&s->lines, i, string_slice(m->sender->gateways),
                            string_slice(m->receiver->gateways));
}

/* Nor is it that of another message of this call. */
static bool is_first_with_id(const struct sending *s, const struct fresh *m)
{
    for (const struct fresh *other = s->messages; other < m; other++) {
        if (other->sender == m->sender &&
            slice_equal(other->parts[SEND_CLIENT_ID], m->parts[SEND_CLIENT_ID])) {
            return false;
        }
    }
    return true;
}

static bool client_id_is_new(struct sending *s, const struct fresh *m)
{
    return m->parts[SEND_CLIENT_ID].len == 0 ||
           (is_first_with_id(s, m) && sent_is_new(&m->sender->sent, s->ctx, s->call.prefix,
                                                  m->sender->key, m->client_id, &s->sent_time));
}

/* As message_of in parley.lua. */
static void write_text(struct sending *s, const struct fresh *m)
{
    char digits[DECIMAL_MAX];
    struct slice id = decimal(digits, m->id), group = SLICE("group");
    const struct person *to = m->receiver;
    const struct slice parts[] = {id,
                                  SLICE(" "),
                                  m->parts[SEND_SESSION],
                                  SLICE(" "),
                                  to ? string_slice(to->session) : SLICE("-"),
                                  SLICE(" "),
                                  m->parts[SEND_CLIENT_ID],
                                  SLICE("\n{\"message_id\":"),
                                  id,
                                  SLICE(",\"sender\":\""),
                                  string_slice(m->sender->name),
                                  SLICE("\",\"receiver\":\""),
                                  to ? string_slice(to->name) : group,
                                  SLICE("\",\"message_text\":"),
                                  m->parts[SEND_TEXT],
                                  SLICE(",\"sent_at\":"),
                                  s->sent_at,
                                  SLICE("}")};
    buf_clear(&s->room);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buf_append(&s->room, parts[i]);
    }
}

static bool look_at(struct sending *s, size_t i)
{
    struct fresh *m = &s->messages[i];
    *m = (struct fresh){.parts = s->call.messages[i],
                        .client_id = s->argv[SEND_HEAD + i * SEND_EACH + SEND_CLIENT_ID],
                        .id = s->newest + 1 + i};
    m->sender = people_find(&s->people, s->ctx, s->call.prefix, m->parts[SEND_SENDER]);
    if (!m->sender || !slice_equal(string_slice(m->sender->session), m->parts[SEND_SESSION]) ||
        !client_id_is_new(s, m) || !find_receiver(s, m, i)) {
        return false;
    }
    write_text(s, m);
    if (s->room.failed) {
        return false;
    }
    m->text = s->texts[i] = string_of(buf_slice(&s->room));
    return true;
}

/* Redis' clock less presence time: never below zero, unless somebody put it there. */
static bool read_skew(struct slice digits, int64_t *skew)
{
    uint64_t value = 0;
    bool negative = slice_starts(digits, SLICE("-"));
    bool good = number_read(slice_tail(digits, negative ? 1 : 0), &value);
    *skew = negative ? -(int64_t)value : (int64_t)value;
    return good;
}

/* Everybody who listens takes a line of several messages; parley.lua notes who does not. */
static bool takes_several(struct sending *s)
{
    uint64_t single = 0;
    int64_t skew = 0;
    RedisModuleString *skewed = entry_field(&s->presence, "skew");
    bool known = entry_number(&s->presence, "single", &single) &&
                 (!skewed || read_skew(string_slice(skewed), &skew));
    string_free(skewed);
    return known && (int64_t)s->now_ms - skew >= (int64_t)single;
}

static bool is_ordinary(struct sending *s, struct slice run)
{
    if (!may_call(s, run)) {
        return false;
    }
    for (size_t i = 0; i < s->call.count; i++) {
        if (!look_at(s, i)) {
            return false;
        }
    }
    return lines_reserve(&s->lines, s->texts, &s->room) &&
           (!lines_has_several(&s->lines) || takes_several(s));
}

/* ---- All are taken --------------------------------------------------------------------------- */

/* First of all, because it may fail: with the first of them, or with none. */
static bool add_all_to_window(struct sending *s)
{
    for (size_t i = 0; i < s->call.count; i++) {
        const struct fresh *m = &s->messages[i];
        if (!m->receiver && !window_add(&s->window, m->id, m->text)) {
            return false;
        }
    }
    return true;
}

static void keep(struct sending *s, struct person *p, const struct fresh *m)
{
    const struct message_kept message = {m->text, m->id, s->now_ms, s->call.keep_ms};
    inbox_keep(&p->inbox, &p->messages, &message);
    p->kept = true;
}

/* "id sent_at digest" */
static void note_client_id(struct sending *s, const struct fresh *m)
{
    if (m->parts[SEND_CLIENT_ID].len > 0) {
        buf_clear(&s->room);
        buf_u64(&s->room, m->id);
        buf_byte(&s->room, ' ');
        buf_append(&s->room, s->sent_at);
        buf_byte(&s->room, ' ');
        buf_append(&s->room, m->parts[SEND_DIGEST]);
        sent_note(&m->sender->sent, m->client_id, buf_slice(&s->room), &s->sent_time);
    }
}

/* Into both inboxes: the sender's for his other sockets. */
static void keep_all(struct sending *s)
{
    for (size_t i = 0; i < s->call.count; i++) {
        const struct fresh *m = &s->messages[i];
        if (m->receiver) {
            keep(s, m->receiver, m);
        }
        if (m->receiver && m->receiver != m->sender) {
            keep(s, m->sender, m);
        }
        note_client_id(s, m);
    }
}

/* ok <epoch> <message:id>, and for each "ok <id>". */
static void answer(struct sending *s)
{
    char text[3 + DECIMAL_MAX] = "ok ", digits[DECIMAL_MAX];
    struct slice newest = decimal(digits, s->newest);
    (void)RedisModule_ReplyWithArray(s->ctx, 3 + (long)s->call.count);
    (void)RedisModule_ReplyWithStringBuffer(s->ctx, "ok", 2);
    (void)RedisModule_ReplyWithStringBuffer(s->ctx, s->call.epoch.ptr, s->call.epoch.len);
    (void)RedisModule_ReplyWithStringBuffer(s->ctx, newest.ptr, newest.len);
    for (size_t i = 0; i < s->call.count; i++) {
        struct slice id = decimal(digits, s->messages[i].id);
        memcpy(text + 3, id.ptr, id.len);
        (void)RedisModule_ReplyWithStringBuffer(s->ctx, text, 3 + id.len);
    }
}

static void note_window(struct sending *s)
{
    entry_close(&s->presence); /* it was only open to be read */
    if (open_key(s, &s->presence, "presence", REDISMODULE_KEYTYPE_HASH, REDISMODULE_WRITE)) {
        window_note(&s->window, &s->presence);
    }
}

/* message:id before anybody is told. */
static bool take_all(struct sending *s)
{
    char digits[DECIMAL_MAX];
    if (!add_all_to_window(s)) {
        return false;
    }
    keep_all(s);
    s->newest += s->call.count;
    entry_set(&s->last_id, decimal(digits, s->newest));
    people_note_inboxes(&s->people);
    if (s->to_group) {
        note_window(s);
    }
    lines_publish(&s->lines, s->call.prefix, s->texts, &s->room);
    answer(s);
    return true;
}

/* ---- A call ---------------------------------------------------------------------------------- */

static bool begin(struct sending *s, RedisModuleCtx *ctx, RedisModuleString **argv, size_t argc)
{
    static struct slice args[SEND_HEAD + SEND_EACH * SEND_MAX];
    if (argc > sizeof args / sizeof *args) {
        return false;
    }
    for (size_t i = 0; i < argc; i++) {
        args[i] = string_slice(argv[i]);
    }
    s->ctx = ctx;
    s->argv = argv;
    s->now_ms = (uint64_t)RedisModule_Milliseconds();
    s->sent_at = decimal(s->sent_at_room, s->now_ms);
    s->room.max = ROOM_MAX;
    bool good = send_call_read(&s->call, args, argc);
    s->sent_time = (struct sent_time){s->now_ms, s->call.grace_ms + SENT_EXTRA_MS};
    return good;
}

static void end(struct sending *s)
{
    people_clear(&s->people);
    for (size_t i = 0; i < s->call.count; i++) {
        string_free(s->texts[i]);
        s->texts[i] = NULL;
    }
    entry_close(&s->presence);
    entry_close(&s->last_id);
    window_close(&s->window);
    lines_clear(&s->lines);
    s->to_group = false;
    if (s->room.cap > ROOM_KEPT) {
        buf_deinit(&s->room);
    }
}

bool sending_take(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, struct slice run)
{
    struct sending *s = &sending;
    bool done = begin(s, ctx, argv, (size_t)argc) && is_ordinary(s, run) && take_all(s);
    end(s);
    return done;
}
