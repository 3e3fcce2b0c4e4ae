/* telling.h - what the screen says of messages and states, in words; pure but for the time zone */
#ifndef PARLEY_TERMINAL_TELLING_H
#define PARLEY_TERMINAL_TELLING_H

#include "client/terminal/client.h"
#include "client/terminal/story.h"

/* Somebody's message: `12:34 alice: text`, or `12:34 alice -> you (private): text`. */
enum story_style telling_message(struct buf *out, const struct chat_message *m, const char *me);

/* One's own in its state. */
enum story_style telling_own(struct buf *out, const struct own *own, const char *me);

/* `12:34 - words` */
void telling_note(struct buf *out, const char *words, uint64_t unix_ms);

/* Who came and went with one change: names are collected, and told together. */
#define TELLING_NAMES_MAX 5 /* the rest is counted */
struct telling_names {
    size_t count;
    char names[TELLING_NAMES_MAX][USERNAME_MAX + 1];
};
void telling_add_name(struct telling_names *names, const char *name);
/* `alice, bob and 3 more are here`; empties it. */
void telling_names(struct buf *out, struct telling_names *names, bool joined);

/* The connection's state; true: something is wrong. */
bool telling_state(struct buf *out, const struct client *client, uint64_t now_ms);

#endif
