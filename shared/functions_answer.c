/* functions_answer.c - what every answer of the function library begins with */
#include "shared/functions_answer.h"

#include <string.h>

bool functions_status_is(const struct redis_reply *reply, const char *status)
{
    return redis_reply_count(reply) >= 2 &&
           slice_equal(redis_reply_text_at(reply, 0), slice_text(status));
}

struct slice functions_epoch(const struct redis_reply *reply)
{
    return redis_reply_text_at(reply, 1);
}

static bool is_epoch(struct slice epoch)
{
    size_t i = 0;
    while (i < epoch.len && ((epoch.ptr[i] >= '0' && epoch.ptr[i] <= '9') ||
                             (epoch.ptr[i] >= 'a' && epoch.ptr[i] <= 'f'))) {
        i++;
    }
    return i > 0 && i == epoch.len && epoch.len <= EPOCH_MAX;
}

bool functions_note_epoch(const struct redis_reply *reply, char epoch[EPOCH_MAX + 1])
{
    struct slice theirs = functions_epoch(reply);
    if (!is_epoch(theirs)) {
        return false;
    }
    memcpy(epoch, theirs.ptr, theirs.len);
    epoch[theirs.len] = '\0';
    return true;
}
