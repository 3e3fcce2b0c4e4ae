/* address.h - where a gateway can be reached, as gateways tell each other; pure
 *
 * "127.0.0.1:8002", "[2001:db8::1]:8002".  Always a numeric address: it is used as it is, without
 * asking a name server in the middle of a client's request. */
#ifndef PARLEY_ADDRESS_H
#define PARLEY_ADDRESS_H

#include "shared/slice.h"

#define ADDRESS_HOST_MAX 45                     /* the longest IPv6 address */
#define ADDRESS_TEXT_MAX (ADDRESS_HOST_MAX + 8) /* with brackets and port */

struct address {
    char host[ADDRESS_HOST_MAX + 1]; /* IPv6 without brackets */
    uint16_t port;                   /* 0: none was given */
};

/* "host", "host:port" or, of IPv6, "host", "[host]", "[host]:port".  False, and *out is empty, when
 * the host is no numeric address, or the port is none from 1 to 65535. */
bool address_parse(struct slice text, struct address *out);
/* Not one address but all of a machine: 0.0.0.0 and ::, with which nobody can be reached. */
bool address_is_wildcard(const char *host);
/* Host and port; brackets around an IPv6 host. */
void address_print(const char *host, uint16_t port, char out[ADDRESS_TEXT_MAX + 1]);

#endif
