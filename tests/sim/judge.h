/* judge.h - what the people of a simulation may expect
 *
 * Each message once, with rising ids; nothing missed without being told, and nobody told so of what
 * is still to be kept; nobody seen leaving, and no session lost, within grace; in the end one list
 * for all.  Every promise that is broken is told at once, and at the end, when everything was calm
 * for a while, what nobody may miss is counted.
 */
#ifndef PARLEY_SIM_JUDGE_H
#define PARLEY_SIM_JUDGE_H

#include "shared/slice.h"
#include <stdbool.h>
#include <stdint.h>

struct device;
struct user;

/* ---- What happens ---------------------------------------------------------------------------- */

/* A client got that message. */
void judge_message(struct device *d, uint64_t id);
/* It is served for the first time in this login. */
void judge_begin(struct device *d);
/* It came back and was told that something may be missing; or, `again`, it has been here. */
void judge_told_lost(struct device *d, bool again);
/* It was told that what it sent with this ack has this id. */
void judge_ack(const struct device *d, uint64_t ack_id, uint64_t id);
/* One of the user's clients was told that the session is over. */
void judge_session_over(struct user *u, const char *how);
/* Redis has just lost or changed its data: what was accepted before may be gone. */
void judge_note_loss(void);
/* What Redis does, for broker_watch. */
void judge_accepted(void *ctx, uint64_t id, struct slice sender, struct slice receiver,
                    struct slice client_id);
void judge_presence(void *ctx, struct slice changes);
void judge_failed(void *ctx, const char *name, struct slice error);

/* The highest id that was accepted. */
uint64_t judge_newest_id(void);

/* ---- The last word --------------------------------------------------------------------------- */

/* After a long calm: everybody is there, has what he may expect, and sees the same list, which is
 * that of Redis. */
void judge_calm(void);
/* After everybody left, and long enough. */
void judge_empty(void);

/* Broken promises so far; each was printed. */
unsigned judge_complaints(void);

#endif
