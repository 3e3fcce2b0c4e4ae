/* window.h - what the group was sent, for those who return
 *
 * The stream `group` has the messages, each with the id of the one before; its newest id and its
 * expiry stand in the hash `presence`, as parley.lua (group_window, keep_group) has it. */
#ifndef PARLEY_MODULE_WINDOW_H
#define PARLEY_MODULE_WINDOW_H

#include "shared/parley_module/entry.h"

/* All zero: not open. */
struct window {
    struct entry stream;
    uint64_t newest;
};

/* The first message of a call that is for the group will have this id, and shall stay until then.
 * False: nothing is noted of a window, its ids would not rise, or its expiry must be set, which is
 * not for us.  Once it was true the window is open.  (A stream that somebody deleted is made anew,
 * as parley.lua does.) */
bool window_open(struct window *window, const struct entry *presence, struct slice prefix,
                 uint64_t first_id, uint64_t until_ms);

/* One more message.  False, the first time at most: the stream has newer ones than `presence` says;
 * then nothing was changed. */
bool window_add(struct window *window, uint64_t id, RedisModuleString *text);

/* What was added is noted; `presence` is open to be written. */
void window_note(const struct window *window, struct entry *presence);
void window_close(struct window *window);

#endif
