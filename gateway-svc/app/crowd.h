/* crowd.h - tells clients who is here: the full list once, then bundled changes
 *
 * A bundle is told at most every 100 ms, rarer when there is much to tell, and is encoded once for
 * everybody.  So is the full list, for many who come one after the other; each of them gets with
 * it what has changed since. */
#ifndef PARLEY_CROWD_H
#define PARLEY_CROWD_H

#include "gateway-svc/socketio/sio.h"

struct crowd;

/* A change of the list, for every client that was welcomed; they are numbered one after the other.
 * The next one comes after crowd_told only, which may be called at once. */
typedef void crowd_emit_fn(void *ctx, struct sio_frame *frame, size_t change);

struct crowd *crowd_new(struct ev_loop *loop, struct sio_namespace *nsp, crowd_emit_fn *emit,
                        void *ctx);
void crowd_free(struct crowd *c);

/* All have been told the last change. */
void crowd_told(struct crowd *c);

/* Before the client hears anything else of the list: sends it whole, as it is now, with `shown`,
 * the client's own name, in it in any case; or the changes since the cursor of a list that it has
 * already, if they are still known.  What was pending is told to the others first, if it is time.
 */
void crowd_welcome(struct crowd *c, struct sio_socket *socket, struct slice since,
                   struct slice shown);
/* The cursor of what was told last; borrowed until something is told. */
struct slice crowd_cursor(const struct crowd *c);
/* Answers user_change_out: with the changes since the cursor if they are still known, else the
 * list, again with `shown` in it. */
void crowd_answer(struct crowd *c, struct sio_socket *socket, struct slice since,
                  struct slice shown);

/* For a client that was told everything before the change of that number, and nothing since: what
 * it missed, or the list, with `shown` in it. */
void crowd_catch_up(struct crowd *c, struct sio_socket *socket, size_t change, struct slice shown);

/* While frozen nothing is told: Redis settles, and who seems gone may come back. */
void crowd_freeze(struct crowd *c, bool frozen);

/* What the relay brings; see relay.h. */
void crowd_load_begin(struct crowd *c);
void crowd_load_name(struct crowd *c, struct slice shown);
void crowd_load_end(struct crowd *c, struct slice epoch, uint64_t version);
bool crowd_change(struct crowd *c, struct slice epoch, uint64_t version, struct slice list);

/* True when the list is known, so that clients may be welcomed. */
bool crowd_is_known(const struct crowd *c);
size_t crowd_size(const struct crowd *c); /* names in the list, as clients were told last */

#endif
