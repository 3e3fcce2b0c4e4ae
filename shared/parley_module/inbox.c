/* inbox.c - what a user was sent or sent himself, for those who return */
#include "shared/parley_module/inbox.h"

#include "shared/decimal.h"
#include "shared/parley_module/number.h"

#include <string.h>

#define MESSAGES_MAX 256 /* these four as in parley.lua */
#define BYTES_MAX 65536
#define MESSAGES_MIN 4
#define TRIMMED 16 /* one of so many goes at a time */

/* ---- Its field ------------------------------------------------------------------------------- */

static bool next_number(struct slice *rest, uint64_t *out)
{
    return number_read(slice_cut(rest, ' '), out);
}

/* The mark came with 1.5. */
bool inbox_read(struct inbox *inbox, const RedisModuleString *field)
{
    struct slice rest = string_slice(field);
    *inbox = (struct inbox){0};
    if (!field) {
        return true;
    }
    bool good = next_number(&rest, &inbox->newest) && next_number(&rest, &inbox->gone) &&
                next_number(&rest, &inbox->bytes) && next_number(&rest, &inbox->until_ms);
    inbox->marked = good && rest.len > 0;
    return good && (!inbox->marked ||
                    (next_number(&rest, &inbox->old) && number_read(rest, &inbox->keep_ms)));
}

struct slice inbox_text(const struct inbox *inbox, char room[INBOX_TEXT_MAX])
{
    const uint64_t numbers[] = {inbox->newest,   inbox->gone, inbox->bytes,
                                inbox->until_ms, inbox->old,  inbox->keep_ms};
    size_t len = 0;
    for (size_t i = 0; i < (inbox->marked ? 6 : 4); i++) {
        char digits[DECIMAL_MAX];
        struct slice number = decimal(digits, numbers[i]);
        memcpy(room + len, number.ptr, number.len);
        len += number.len;
        room[len++] = ' ';
    }
    return (struct slice){room, inbox->marked ? len - 1 : len};
}

/* ---- The list -------------------------------------------------------------------------------- */

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* A message begins with its id.  (Somebody else may have put something there that was never
 * counted, or is none.) */
static void note_gone(struct inbox *inbox, struct slice message)
{
    size_t digits = 0;
    while (digits < message.len && message.ptr[digits] >= '0' && message.ptr[digits] <= '9') {
        digits++;
    }
    inbox->bytes = less(inbox->bytes, message.len);
    (void)slice_u64(slice_head(message, digits), NUMBER_MAX, &inbox->gone);
}

static void drop_oldest(struct inbox *inbox, struct entry *list, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        RedisModuleString *message = RedisModule_ListPop(list->key, REDISMODULE_LIST_HEAD);
        note_gone(inbox, string_slice(message));
        string_free(message);
    }
    (void)RedisModule_Replicate(list->ctx, "LPOP", "sl", list->name, (long long)count);
}

static bool is_too_much(const struct inbox *inbox, uint64_t length)
{
    return length > MESSAGES_MAX || inbox->bytes > BYTES_MAX;
}

static void trim(struct inbox *inbox, struct entry *list)
{
    uint64_t length = RedisModule_ValueLength(list->key);
    inbox->marked = inbox->marked || is_too_much(inbox, length);
    while (length > MESSAGES_MIN && is_too_much(inbox, length)) {
        uint64_t count = length >= TRIMMED ? length / TRIMMED : 1;
        drop_oldest(inbox, list, count);
        length -= count;
        inbox->old = less(inbox->old, count);
    }
}

/* Sets its expiry, and takes what is too old: all that was there when it was last set, unless that
 * was done by a gateway that keeps for less long.  All that is left will be old next time. */
static void prolong(struct inbox *inbox, struct entry *list, const struct message_kept *message)
{
    uint64_t length = RedisModule_ValueLength(list->key);
    uint64_t old = inbox->old < length ? inbox->old : length - 1;
    if (inbox->keep_ms < message->keep_ms) {
        old = 0;
    }
    entry_expire(list, message->now_ms, 2 * message->keep_ms);
    if (old > 0) {
        drop_oldest(inbox, list, old);
    }
    inbox->until_ms = message->now_ms + 2 * message->keep_ms;
    inbox->marked = true;
    inbox->old = length - old;
    inbox->keep_ms = message->keep_ms;
}

void inbox_keep(struct inbox *inbox, struct entry *list, const struct message_kept *message)
{
    entry_push(list, message->text);
    if (RedisModule_ValueLength(list->key) == 1) { /* all before it are gone */
        inbox->gone = inbox->newest;
        inbox->bytes = 0;
        inbox->until_ms = 0;
    }
    inbox->newest = message->id;
    inbox->bytes += string_slice(message->text).len;
    trim(inbox, list);
    if (inbox->until_ms < message->now_ms + message->keep_ms) {
        prolong(inbox, list, message);
    }
}
