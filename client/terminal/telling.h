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

/* The connection's state; true: something is wrong. */
bool telling_state(struct buf *out, const struct client *client, uint64_t now_ms);

#endif
