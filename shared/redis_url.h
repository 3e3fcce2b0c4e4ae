/* redis_url.h - the address of a Redis, as REDIS_URL gives it */
#ifndef PARLEY_REDIS_URL_H
#define PARLEY_REDIS_URL_H

#include "shared/slice.h"

struct redis_url {
    bool local;   /* host is the path of a unix socket */
    bool secured; /* a password was given; the user may be empty: the default one */
    int port;
    char host[256];
    char user[128];
    char password[256];
};

/* redis://[user[:password]@]host[:port]  or  unix://[user[:password]@]/path
 * An IPv6 host stands in brackets.  User, password, host and path are percent-decoded.  False when
 * it is anything else or too long. */
bool redis_url_parse(struct slice text, struct redis_url *out);

#endif
