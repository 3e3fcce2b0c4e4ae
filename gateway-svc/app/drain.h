/* drain.h - takes the gateway out of service without anybody noticing
 *
 * From drain_start on /readyz says 503 and new connections are refused (sio_server_refuse_new), so
 * that they come to other gateways.  Those that are here are closed without a DISCONNECT, evenly
 * over `length_ms`, each when its messages have been answered and echoed: clients come back by
 * themselves, elsewhere, and their users, who are in their grace period meanwhile, are never seen
 * leaving. */
#ifndef PARLEY_DRAIN_H
#define PARLEY_DRAIN_H

#include <stdint.h>

struct drain;
struct hub;

/* Called once, from the loop: nobody is left, or the time is over. */
typedef void drain_done_fn(void *ctx);

struct drain *drain_start(struct hub *hub, uint64_t length_ms, drain_done_fn *done, void *ctx);
void drain_free(struct drain *drain); /* NULL is allowed */

#endif
