/* fuzz_token.c - only 43 characters of base64url are a token; a hash is 64 hex digits, the same for
 * the same bytes and another one for any others */
#include "shared/token.h"
#include "tests/support/fuzz.h"

#include <ctype.h>

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x80 || (!isalnum(c) && c != '-' && c != '_')) {
            return false;
        }
    }
    return s.len == TOKEN_LEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    char first[TOKEN_HASH_LEN + 1], second[TOKEN_HASH_LEN + 1];
    struct slice copy = exact_copy(in), shorter = exact_copy(slice_tail(in, 1));

    HOLDS(token_is_wellformed(copy) == is_token(in));
    token_hash(in, first);
    token_hash(copy, second);
    HOLDS(strcmp(first, second) == 0);
    HOLDS(strlen(first) == TOKEN_HASH_LEN && strspn(first, "0123456789abcdef") == TOKEN_HASH_LEN);
    token_hash(shorter, second);
    HOLDS(in.len == 0 || strcmp(first, second) != 0);
    exact_free(copy);
    exact_free(shorter);
    return 0;
}
