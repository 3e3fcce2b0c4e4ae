/* lines.h - what a call publishes: its messages, those of one channel in one line
 *
 * A line is "message <count> " and its messages; the count is how many lines were ever published on
 * the channel, so that a gateway sees a hole (the hash `channels`).  A line to the group closes
 * those to gateways, and the other way round: a user hears both, and ids must rise for him. */
#ifndef PARLEY_MODULE_LINES_H
#define PARLEY_MODULE_LINES_H

#include "shared/buf.h"
#include "shared/parley_module/entry.h"
#include "shared/parley_module/send_call.h"

#define LINES_MAX 64
#define CHANNEL_MAX 80

struct line {
    char channel[CHANNEL_MAX + 1]; /* without prefix */
    uint64_t count;
    size_t messages;
    uint8_t message[SEND_MAX]; /* their places in the call */
};

/* All zero to begin with, and behind lines_clear. */
struct lines {
    struct entry counts; /* the hash `channels`, open */
    struct line all[LINES_MAX];
    size_t count;
    size_t first_open; /* those before it are closed */
    bool group;        /* those that are open are the group's */
};

/* Message number `i` goes to the group; or to those gateways, "a b c", of sender and receiver, once
 * each.  False: there are more than we can note. */
bool lines_add_group(struct lines *lines, size_t i);
bool lines_add_direct(struct lines *lines, size_t i, struct slice sender, struct slice receiver);

/* Does a line have several messages? */
bool lines_has_several(const struct lines *lines);

/* `texts` of all messages of the call; `room` is used on the way, and was made large enough by
 * lines_reserve, so that nothing fails.  False: it cannot be. */
bool lines_reserve(const struct lines *lines, RedisModuleString *const *texts, struct buf *room);
void lines_publish(struct lines *lines, struct slice prefix, RedisModuleString *const *texts,
                   struct buf *room);
/* Closes the hash, and forgets all. */
void lines_clear(struct lines *lines);

#endif
