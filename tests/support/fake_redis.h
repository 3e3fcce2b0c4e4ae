/* fake_redis.h - Redis as a script plays it: stands in for shared/functions.h and redis_conn.h
 *
 * To be linked as an object in front of shared.a, so that the real connections stay out.  There is
 * at most one of each kind of connection at a time.  Calls wait, in order, until they are answered;
 * nothing is called back but from the functions below. */
#ifndef PARLEY_FAKE_REDIS_H
#define PARLEY_FAKE_REDIS_H

#include "shared/functions.h"

/* ---- The command connection (struct functions) ----------------------------------------------- */

void fake_commands_up(void);
/* As when the connection breaks: every unanswered call gets NULL, then `down`. */
void fake_commands_down(void);
/* From now on calls are not taken (true), as when too much is waiting to be sent. */
void fake_commands_full(bool full);

size_t fake_calls(void); /* unanswered ones */
/* The i-th unanswered call, 0 the oldest: "parley_connect gw 1 aaa"; valid until it is answered. */
const char *fake_call(size_t i);
/* Its own argument number k, from 0. */
const char *fake_call_arg(size_t i, size_t k);
/* Who called. */
const struct functions_caller *fake_call_caller(size_t i);

/* Answers the oldest call with an array of texts, given as one text with '|' between them. */
void fake_answer(const char *items);
/* The same with one text, as GET has it. */
void fake_answer_text(const char *text);
void fake_answer_error(const char *text);

/* ---- The subscribed connection (struct redis_conn) ------------------------------------------- */

void fake_feed_up(void);
void fake_feed_down(void);
bool fake_feed_is_subscribed(const char *channel);
void fake_subscribe_fails(bool fails);
/* Delivers a line, if the connection is subscribed. */
void fake_publish(const char *channel, const char *line);

/* How often the program itself dropped a connection. */
unsigned fake_resets(void);

#endif
