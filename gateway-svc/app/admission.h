/* admission.h - who may connect: the Origin of a handshake, and which token a client shows */
#ifndef PARLEY_ADMISSION_H
#define PARLEY_ADMISSION_H

#include "gateway-svc/socketio/sio.h"
#include "shared/token.h"

/* What the handshake's cookie showed; owned by the connection.  NULL: no session cookie. */
struct pass {
    char token[TOKEN_LEN + 1]; /* empty: the cookie's value is no token */
};

/* Judges the Origin; fills *pass (see above, freed by the caller with free()).
 * NULL when the request may connect, else the text of the refusal. */
const char *admission_allow(struct sio_request *req, const char *allowed_origins,
                            struct pass **pass);

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
