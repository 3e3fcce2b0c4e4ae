/* forwarded.h - who asks, as the proxy in front says: what stands in its headers, and what not;
 * pure
 *
 * Only for headers of a proxy that is trusted: that sets them itself and removes what clients send.
 */
#ifndef PARLEY_FORWARDED_H
#define PARLEY_FORWARDED_H

#include "shared/slice.h"

/* The client's address: the last element of X-Forwarded-For; without one, the peer. */
struct slice forwarded_address(struct slice forwarded_for, struct slice peer);
/* "https" when X-Forwarded-Proto says so, in any case of letters, else "http". */
struct slice forwarded_scheme(struct slice forwarded_proto);

#endif
