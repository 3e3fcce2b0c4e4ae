/* replay.h - a client catches up with what it missed, then it is live
 *
 * Begins when the client's session is attached: with `last_id` from there, without it from where
 * the user went away, if he was in grace, else at once live.  The client gets `session` when the
 * first page of what it missed is there, then page after page as its socket drains, then the list
 * of users, then what happened meanwhile.  The object exists only while the client is not live;
 * when the link breaks it waits until the session is attached again, and goes on where it was. */
#ifndef PARLEY_REPLAY_H
#define PARLEY_REPLAY_H

#include "gateway-svc/app/hub_state.h"
#include "gateway-svc/app/resume.h"

/* A new client, WAITING, has said so. */
void replay_wish(struct hub *hub, struct client *client, const struct resume *resume);
/* Its session was attached, for the first time or again; `left` as in relay.h. */
void replay_attached(struct hub *hub, struct client *client, uint64_t left);
/* It is live, and missed something behind the last message that it got: it catches up again.
 * `cursor`: of the list of users as it was told it; empty: it gets the whole list again. */
void replay_behind(struct hub *hub, struct client *client, struct slice cursor);
/* Some of its messages, none above `upto`, are lost for ever: it is told, unless it knows that from
 * what it asked itself, or will. */
void replay_lost(struct hub *hub, struct client *client, uint64_t upto);
/* A live message: given to a client that is live and has not got it yet, held for one that asks. */
void replay_give(struct hub *hub, struct client *client, uint64_t id, struct sio_frame *frame);
/* Its socket has room for another page. */
void replay_drained(struct client *client);
/* The client goes, out of its list.  Returns the id up to which it has got everything, as for
 * relay_close; 0 when that is not known. */
uint64_t replay_leave(struct hub *hub, struct client *client);

#endif
