/* token.h - session tokens and their hashes
 *
 * A token is 32 random bytes as base64url (43 characters); it travels in answers, cookies and the
 * CONNECT packet, and is never logged or stored.  Redis knows its SHA-256 alone. */
#ifndef PARLEY_TOKEN_H
#define PARLEY_TOKEN_H

#include "shared/slice.h"

#define TOKEN_LEN 43
#define TOKEN_HASH_BYTES 32
#define TOKEN_HASH_LEN 64 /* as text: lower-case hex */

/* Fills `out` with bytes from getrandom(2); ends the program when there is no such source. */
void random_bytes(void *out, size_t n);
/* n base64url characters (6 random bits each), NUL-terminated: out holds n + 1 bytes. */
void random_text(char *out, size_t n);

void token_new(char out[TOKEN_LEN + 1]);
/* Has it a token's shape?  (43 characters of base64url) */
bool token_is_wellformed(struct slice token);
/* SHA-256 of the token's characters. */
void token_hash(struct slice token, char out[TOKEN_HASH_LEN + 1]);
/* A hash from its text, as its bytes; false, and `out` is undefined, when it is none. */
bool token_hash_read(struct slice text, uint8_t out[TOKEN_HASH_BYTES]);
void token_hash_print(const uint8_t hash[TOKEN_HASH_BYTES], char out[TOKEN_HASH_LEN + 1]);

#endif
