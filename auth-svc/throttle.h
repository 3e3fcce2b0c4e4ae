/* throttle.h - how often one address may log in: pure, time passed in */
#ifndef PARLEY_AUTH_THROTTLE_H
#define PARLEY_AUTH_THROTTLE_H

#include "shared/bucket.h"
#include "shared/slice.h"

#define THROTTLE_ADDRESSES 4096

struct throttle;

/* `seed`: random, so that nobody can choose addresses that push each other out. */
struct throttle *throttle_new(struct rate rate, uint64_t seed);
void throttle_free(struct throttle *t);

/* Counts a login of this address: 0 when it may go on, else the milliseconds until it may.
 *
 * An IPv6 address counts as its /64 network, which is what one customer has; an IPv4 address as
 * itself, also when written as IPv6.  What is no address shares one bucket.  Never more than
 * THROTTLE_ADDRESSES are remembered: a new one replaces one that has its whole burst again, else
 * the one that was silent longest, of the 8 that share its place. */
uint64_t throttle_take(struct throttle *t, struct slice address, uint64_t now_ms);

#endif
