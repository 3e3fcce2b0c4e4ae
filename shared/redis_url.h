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
 * it is anything else or too long (a path: for the address of a unix socket). */
bool redis_url_parse(struct slice text, struct redis_url *out);

/* Where it is and as whom, printable, for the log: address="redis:6379" user="gateway-svc".  What
 * is not known, or not given, stays empty.  Returns one static buffer.  `user` is taken from `as`.
 */
const char *redis_url_words(const struct redis_url *url, const struct redis_url *as);

/* Writes the same address with this password of its user (or of the default one) into `out`.
 * `text` is one that redis_url_parse takes, without a password.  False when it does not fit, or the
 * password is longer than `struct redis_url` holds. */
bool redis_url_put_password(struct slice text, const char *password, char *out, size_t size);

#endif
