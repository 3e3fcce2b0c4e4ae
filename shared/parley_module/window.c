/* window.c - what the group was sent, for those who return */
#include "shared/parley_module/window.h"

#include "shared/decimal.h"

#define MESSAGES_MAX 100000 /* as in parley.lua */

bool window_open(struct window *window, const struct entry *presence, struct slice prefix,
                 uint64_t first_id, uint64_t until_ms)
{
    uint64_t expires_ms = 0;
    return entry_number(presence, "group", &window->newest) &&
           entry_number(presence, "group_until", &expires_ms) && window->newest < first_id &&
           expires_ms >= until_ms &&
           entry_open(&window->stream, presence->ctx, prefix, "group", SLICE(""),
                      REDISMODULE_KEYTYPE_STREAM, REDISMODULE_WRITE);
}

/* With the length that it has here, as XADD itself does: "about" may be another number elsewhere.
 */
static void replicate(const struct window *window, uint64_t id, RedisModuleString *const fields[4])
{
    (void)RedisModule_Replicate(window->stream.ctx, "XADD", "sccllssss", window->stream.name,
                                "MAXLEN", "=",
                                (long long)RedisModule_ValueLength(window->stream.key),
                                (long long)id, fields[0], fields[1], fields[2], fields[3]);
}

bool window_add(struct window *window, uint64_t id, RedisModuleString *text)
{
    char digits[DECIMAL_MAX];
    RedisModuleStreamID place = {id, 0};
    RedisModuleString *fields[] = {string_of(SLICE("p")),
                                   string_of(decimal(digits, window->newest)),
                                   string_of(SLICE("m")), text};
    bool added = RedisModule_StreamAdd(window->stream.key, 0, &place, fields, 2) == REDISMODULE_OK;
    if (added) {
        (void)RedisModule_StreamTrimByLength(window->stream.key, REDISMODULE_STREAM_TRIM_APPROX,
                                             MESSAGES_MAX);
        replicate(window, id, fields);
        window->newest = id;
    }
    for (size_t i = 0; i < 3; i++) {
        string_free(fields[i]);
    }
    return added;
}

void window_note(const struct window *window, struct entry *presence)
{
    char digits[DECIMAL_MAX];
    entry_set_field(presence, "group", decimal(digits, window->newest));
}

void window_close(struct window *window)
{
    entry_close(&window->stream);
}
