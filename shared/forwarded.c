/* forwarded.c - who asks, as the proxy in front says */
#include "shared/forwarded.h"

struct slice forwarded_address(struct slice forwarded_for, struct slice peer)
{
    struct slice last = {NULL, 0};
    struct slice rest = forwarded_for;

    while (rest.len > 0) {
        last = slice_trim(slice_cut(&rest, ','));
    }
    return last.len > 0 ? last : peer;
}

struct slice forwarded_scheme(struct slice forwarded_proto)
{
    return slice_equal_nocase(slice_trim(forwarded_proto), SLICE("https")) ? SLICE("https")
                                                                           : SLICE("http");
}
