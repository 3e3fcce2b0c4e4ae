/* inbox.h - what a user was sent or sent himself, for those who return
 *
 * The list inbox:<name> has the messages; what must be known of it stands in the field `inbox` of
 * user:<name>, as parley.lua (inbox_of, keep_direct) has it: newest id, newest id that is gone,
 * bytes, expiry, number of the old, keep_ms. */
#ifndef PARLEY_MODULE_INBOX_H
#define PARLEY_MODULE_INBOX_H

#include "shared/parley_module/entry.h"

struct inbox {
    uint64_t newest;   /* id that was ever in it */
    uint64_t gone;     /* newest id that is in it no more */
    uint64_t bytes;    /* in it */
    uint64_t until_ms; /* when it expires */
    bool marked;       /* the two that follow are known */
    uint64_t old;      /* messages in it that were there when its expiry was last set, */
    uint64_t keep_ms;  /* for so long at least */
};

#define INBOX_TEXT_MAX 128

/* Of the field, NULL where there is none.  False: it is of another form. */
bool inbox_read(struct inbox *inbox, const RedisModuleString *field);
/* In `room`. */
struct slice inbox_text(const struct inbox *inbox, char room[INBOX_TEXT_MAX]);

/* One more message; what is too much or too old goes.  It shall stay for keep_ms from now on. */
struct message_kept {
    RedisModuleString *text;
    uint64_t id;
    uint64_t now_ms;
    uint64_t keep_ms;
};
void inbox_keep(struct inbox *inbox, struct entry *list, const struct message_kept *message);

#endif
