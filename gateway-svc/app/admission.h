/* admission.h - which token a client shows: in `auth`, or as the cookie of its handshake */
#ifndef PARLEY_ADMISSION_H
#define PARLEY_ADMISSION_H

#include "gateway-svc/socketio/sio.h"
#include "shared/token.h"

/* What the handshake's cookie showed; owned by the connection.  NULL: no session cookie.  The token
 * itself is not kept. */
struct pass {
    bool good; /* false: the cookie's value is no token */
    uint8_t hash[TOKEN_HASH_BYTES];
};

/* What the cookie of a handshake shows, or NULL; freed by the caller with free().  Whether the page
 * may use us has been judged before (struct sio_config.origins).  Without `credentials` the cookie
 * counts only from a page of our own or from no page: another site must not act as its visitor. */
struct pass *admission_pass(struct sio_request *req, bool credentials);

enum admission {
    ADMISSION_OK = 0,
    ADMISSION_NO_TOKEN,  /* neither auth.token nor a cookie */
    ADMISSION_BAD_TOKEN, /* what was shown cannot be a token of ours */
};

/* The hash of the token that counts: auth.token if there is one (never falling back to the cookie),
 * else the cookie's.  `auth` is raw JSON or empty; pass may be NULL. */
enum admission admission_token(struct slice auth, const struct pass *pass,
                               char hash[TOKEN_HASH_LEN + 1]);

#endif
