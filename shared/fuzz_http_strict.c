/* fuzz_http_strict.c - headers as libmicrohttpd hands them over, which it takes from a peer: what
 * is let through has one meaning by a plain reading, and nothing with one meaning is refused
 *
 * Input: a byte (is something hidden in the head?), the request's URI, then lines "name:value".
 * libmicrohttpd itself is not here: the two functions that the check asks are ours. */
#include "shared/http_mhd.h"
#include "shared/http_strict_mhd.h"
#include "tests/support/fuzz.h"

#include <ctype.h>
#include <microhttpd.h>

#define HEADERS_MAX 64

struct header {
    struct slice name, value;
};

static struct {
    struct header at[HEADERS_MAX];
    size_t count;
    union MHD_ConnectionInfo info;
} head;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libmicrohttpd's own */
int MHD_get_connection_values_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                MHD_KeyValueIteratorN iterator, void *cls)
{
    (void)connection;
    HOLDS(kind == MHD_HEADER_KIND);
    for (size_t i = 0; i < head.count; i++) {
        const struct header *h = &head.at[i];
        iterator(cls, kind, h->name.ptr, h->name.len, h->value.len > 0 ? h->value.ptr : NULL,
                 h->value.len);
    }
    return (int)head.count;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
                                                        enum MHD_ConnectionInfoType type, ...)
{
    (void)connection;
    HOLDS(type == MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return &head.info;
}

static size_t count_of(const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < head.count; i++) {
        count += slice_equal_nocase(head.at[i].name, slice_text(name));
    }
    return count;
}

static bool is_plain(struct header h)
{
    for (size_t i = 0; i < h.name.len; i++) {
        unsigned char c = (unsigned char)h.name.ptr[i];
        if (c >= 0x80 || !(isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c)))) {
            return false;
        }
    }
    for (size_t i = 0; i < h.value.len; i++) {
        unsigned char c = (unsigned char)h.value.ptr[i];
        if (c != '\t' && c < 0x80 && iscntrl(c)) {
            return false;
        }
    }
    return h.name.len > 0;
}

static bool has_one_meaning(struct slice uri)
{
    struct slice path = uri;
    bool good = count_of("Host") <= 1 && count_of("Origin") <= 1 &&
                count_of("Sec-Fetch-Site") <= 1 && count_of("Authorization") <= 1 &&
                count_of("Content-Length") + count_of("Transfer-Encoding") <= 1;
    path = slice_cut(&path, '?');
    for (size_t i = 0; i < uri.len; i++) {
        good = good && isgraph((unsigned char)uri.ptr[i]) && (unsigned char)uri.ptr[i] < 0x80;
        good = good && !(i + 3 <= path.len && memcmp(uri.ptr + i, "%00", 3) == 0);
    }
    for (size_t i = 0; i < head.count; i++) {
        struct header h = head.at[i];
        uint64_t length = 0;
        good = good && is_plain(h);
        if (slice_equal_nocase(h.name, SLICE("Content-Length"))) {
            good = good && slice_u64(h.value, HTTP_BODY_MAX, &length);
        }
        if (slice_equal_nocase(h.name, SLICE("Transfer-Encoding"))) {
            good = good && slice_equal_nocase(h.value, SLICE("chunked"));
        }
    }
    return good;
}

static void read_head(struct slice in)
{
    head.count = 0;
    while (in.len > 0 && head.count < HEADERS_MAX) {
        struct slice value = slice_cut(&in, '\n');
        struct slice name = slice_cut(&value, ':');
        head.at[head.count++] = (struct header){exact_copy(name), exact_copy(value)};
        head.info.header_size += name.len + value.len + strlen(": \r\n");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    bool hidden = fuzz_byte(&in) % 4 == 1;
    struct slice uri = fuzz_line(&in);
    struct http_line line = {SLICE("POST"), uri, SLICE("HTTP/1.1")};

    head.info.header_size = strlen("POST ") + uri.len + strlen(" HTTP/1.1\r\n\r\n") + hidden;
    read_head(in);
    const struct http_refusal *why = http_check_mhd(NULL, &line);
#if MHD_VERSION < 0x01000000
    HOLDS(!hidden || why);
#endif
    if (!hidden) {
        HOLDS(!why == has_one_meaning(uri));
    }
    struct slice query = uri;
    (void)slice_cut(&query, '?');
    size_t arguments = 1;
    while (query.len > 0) {
        size_t before = query.len;
        arguments += slice_cut(&query, '&').len < before;
    }
    HOLDS(http_has_many_arguments(uri) == (arguments > HTTP_ARGUMENTS_MAX));
    for (size_t i = 0; i < head.count; i++) {
        exact_free(head.at[i].name);
        exact_free(head.at[i].value);
    }
    exact_free(uri);
    return 0;
}
