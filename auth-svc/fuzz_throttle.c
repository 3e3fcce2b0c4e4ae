/* fuzz_throttle.c - the address is the last one that the door wrote, and two spellings of it, or
 * two hosts of one IPv6 network, share what may be taken
 *
 * Input: lines, each the value of X-Forwarded-For of one request (without NUL: such a header does
 * not come so far). */
#include "auth-svc/throttle.h"
#include "shared/forwarded.h"
#include "tests/support/fuzz.h"

#include <arpa/inet.h>

static const struct rate rate = {1, 1};

/* What is one customer's, in one spelling; "" for what is no address. */
static void network(struct slice address, char out[INET6_ADDRSTRLEN])
{
    char text[64] = "";
    unsigned char raw[16];

    out[0] = '\0';
    if (address.len > 0 && address.len < sizeof text) {
        memcpy(text, address.ptr, address.len);
    }
    if (inet_pton(AF_INET, text, raw) == 1) {
        inet_ntop(AF_INET, raw, out, INET6_ADDRSTRLEN);
    } else if (inet_pton(AF_INET6, text, raw) == 1 &&
               memcmp(raw, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
        inet_ntop(AF_INET, raw + 12, out, INET6_ADDRSTRLEN);
    } else if (inet_pton(AF_INET6, text, raw) == 1) {
        memset(raw + 8, 0, 8);
        inet_ntop(AF_INET6, raw, out, INET6_ADDRSTRLEN);
    }
}

static void check_address(struct slice header, struct slice address)
{
    struct slice peer = SLICE("10.9.8.7");
    if (address.ptr == peer.ptr) {
        return;
    }
    HOLDS(slice_equal(address, peer) || fuzz_inside(address, header));
    HOLDS(!memchr(address.ptr, ',', address.len));
    for (const char *c = address.ptr + address.len; c < header.ptr + header.len; c++) {
        HOLDS(slice_equal(address, peer) || strchr(" \t,", *c));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX = 8 }; /* of one place: nobody is pushed out */
    struct slice in = fuzz_input(data, size);
    char seen[MAX][INET6_ADDRSTRLEN];
    struct throttle *t = throttle_new(rate, size);

    HOLDS(t);
    for (size_t n = 0; n < MAX && in.len > 0; n++) {
        struct slice header = fuzz_line(&in);
        struct slice address = forwarded_address(header, SLICE("10.9.8.7"));
        bool before = false;
        if (memchr(header.ptr, '\0', header.len)) {
            n--;
            exact_free(header);
            continue;
        }
        check_address(header, address);
        network(address, seen[n]);
        for (size_t i = 0; i < n; i++) {
            before |= strcmp(seen[i], seen[n]) == 0;
        }
        HOLDS((throttle_take(t, address, 1000) > 0) == before);
        exact_free(header);
    }
    throttle_free(t);
    return 0;
}
