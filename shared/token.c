/* token.c - session tokens and their hashes */
#define OPENSSL_API_COMPAT 10100 /* SHA256_Init and the rest of it: see token_hash */
#include "shared/token.h"

#include "shared/log.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TOKEN_BYTES 32

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void random_bytes(void *out, size_t n)
{
    char *at = out;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            /* A guessable token is worse than no service. */
            log_error("no source of random bytes: %s", strerror(errno));
            exit(EXIT_FAILURE);
        }
        at += got;
        n -= (size_t)got;
    }
}

void random_text(char *out, size_t n)
{
    random_bytes(out, n);
    for (size_t i = 0; i < n; i++) {
        out[i] = alphabet[(unsigned char)out[i] % 64]; /* 256 is a multiple of 64: no bias */
    }
    out[n] = '\0';
}

/* Base64url without padding (RFC 4648 section 5). */
static void encode(const unsigned char *in, size_t n, char *out)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | in[i]) & 0xFFFF;
        held += 8;
        for (; held >= 6; held -= 6) {
            *out++ = alphabet[(bits >> (held - 6)) & 63];
        }
    }
    if (held > 0) {
        *out++ = alphabet[(bits << (6 - held)) & 63];
    }
    *out = '\0';
}

void token_new(char out[TOKEN_LEN + 1])
{
    unsigned char bytes[TOKEN_BYTES];

    random_bytes(bytes, sizeof(bytes));
    encode(bytes, sizeof(bytes), out);
}

bool token_is_wellformed(struct slice token)
{
    if (token.len != TOKEN_LEN) {
        return false;
    }
    for (size_t i = 0; i < token.len; i++) {
        if (!memchr(alphabet, token.ptr[i], sizeof(alphabet) - 1)) {
            return false;
        }
    }
    return true;
}

/* What each digit stands for, and 1; 0 for what is none.  No upper case: each hash has one text. (A
 * table, because each message names two sessions at each gateway.) */
static const uint8_t lower_hex[UINT8_MAX + 1] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool token_hash_read(struct slice text, uint8_t out[TOKEN_HASH_BYTES])
{
    if (text.len != TOKEN_HASH_LEN) {
        return false;
    }
    const uint8_t *digits = (const uint8_t *)text.ptr;
    for (size_t i = 0; i < TOKEN_HASH_BYTES; i++) {
        unsigned high = lower_hex[digits[2 * i]], low = lower_hex[digits[2 * i + 1]];
        if (high == 0 || low == 0) {
            return false;
        }
        out[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    return true;
}

void token_hash_print(const uint8_t hash[TOKEN_HASH_BYTES], char out[TOKEN_HASH_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < TOKEN_HASH_BYTES; i++) {
        *out++ = hex[hash[i] >> 4];
        *out++ = hex[hash[i] & 15];
    }
    *out = '\0';
}

/* The plain functions: the first EVP_Digest of a process reads OpenSSL's configuration and loads
 * its providers, 2 MB of them, for a gateway's one digest. */
void token_hash(struct slice token, char out[TOKEN_HASH_LEN + 1])
{
    SHA256_CTX sha;
    uint8_t digest[TOKEN_HASH_BYTES];

    if (SHA256_Init(&sha) != 1 || SHA256_Update(&sha, token.ptr, token.len) != 1 ||
        SHA256_Final(digest, &sha) != 1) {
        log_error("no SHA-256 in this OpenSSL");
        exit(EXIT_FAILURE);
    }
    token_hash_print(digest, out);
}
