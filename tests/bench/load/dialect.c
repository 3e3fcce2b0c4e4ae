/* dialect.c - what clients and servers of each kind say to each other; pure */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*) */
#define _GNU_SOURCE /* memmem */
#include "tests/bench/load/dialect.h"
#include <string.h>

#define MARK "#m=" /* stands in no name and in no key of any payload */
#define MARK_LEN (sizeof MARK - 1)
#define DIGITS 10
#define TAIL 48 /* bytes at the end of a list in which its part is said */

#define GROUP(event) event "{\"receiver\":\"group\",\"message_text\":\"%\"}"
#define DIRECT(event) event "{\"receiver\":\"%\",\"message_text\":\"%\"}"

/* By hand: clang-format 14 scatters rows in which a macro stands, and the macro itself. */
/* clang-format off */

/* What any Socket.IO server says. */
#define SOCKET_IO                                                                                  \
    .path = "/socket.io/?EIO=4&transport=websocket",                                               \
    .polling = "/socket.io/?EIO=4&transport=polling",                                              \
    .opens = true,                                                                                 \
    .pong = "3",                                                                                   \
    .group = GROUP("42[\"message_out\",") "]",                                                     \
    .direct = DIRECT("42%[\"message_out\",") "]",                                                  \
    .signs = {                                                                                     \
        {"42[\"message_in\"", SAID_MESSAGE},                                                       \
        {"43", SAID_ACK},                                                                          \
        {"2", SAID_PING},                                                                          \
        {"42[\"user_change_in\",{\"users\":[", SAID_LIST},                                         \
        {"40", SAID_ONLINE},                                                                       \
        {"44", SAID_REFUSED},                                                                      \
        {"0", SAID_OPEN},                                                                          \
        {"42[\"message_error\"", SAID_ERROR},                                                      \
    }

static const struct dialect dialects[] = {
    {.name = "parley", .has_login = true, .hello = "40{\"token\":\"%\"}", SOCKET_IO},
    {.name = "socketio", .hello = "40{\"name\":\"%\"}", SOCKET_IO},
    /* JSON in WebSocket messages, for servers without Socket.IO */
    {
        .name = "plain",
        .path = "/",
        .hello = "{\"login\":\"%\"}",
        .pong = "",
        .group = GROUP("{\"message_out\":") "}",
        .direct = DIRECT("{\"ack\":%,\"message_out\":") "}",
        .signs = {
            {"{\"message_in\":", SAID_MESSAGE},
            {"{\"ack\":", SAID_ACK},
            {"{\"users\":[", SAID_LIST},
            {"{\"online\":", SAID_ONLINE},
            {"{\"refused\":", SAID_REFUSED},
        },
    },
};
/* clang-format on */

const struct dialect *dialect_named(const char *name)
{
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        if (strcmp(dialects[i].name, name) == 0) {
            return &dialects[i];
        }
    }
    return NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool find(struct slice in, const char *text, struct slice *behind)
{
    size_t len = strlen(text);
    const char *found = in.len > 0 ? memmem(in.ptr, in.len, text, len) : NULL;
    if (!found) {
        return false;
    }
    *behind = slice_tail(in, (size_t)(found - in.ptr) + len);
    return true;
}

/* The digits that `in` begins with; 0 when there are none. */
static uint32_t leading_number(struct slice in)
{
    uint32_t number = 0;
    for (size_t i = 0; i < in.len && i < DIGITS && in.ptr[i] >= '0' && in.ptr[i] <= '9'; i++) {
        number = number * 10 + (uint32_t)(in.ptr[i] - '0');
    }
    return number;
}

static bool is_last_part(struct slice list)
{
    struct slice end = slice_tail(list, list.len > TAIL ? list.len - TAIL : 0), part, parts;
    if (!find(end, "\"part\":", &part) || !find(end, "\"parts\":", &parts)) {
        return true;
    }
    return leading_number(part) == leading_number(parts);
}

struct said dialect_read(const struct dialect *d, struct slice packet)
{
    struct said said = {0};
    struct slice rest = packet, text;
    for (size_t i = 0; i < DIALECT_SIGNS && d->signs[i].prefix; i++) {
        if (slice_starts(packet, slice_text(d->signs[i].prefix))) {
            said.kind = d->signs[i].kind;
            rest = slice_tail(packet, strlen(d->signs[i].prefix));
            break;
        }
    }
    if (said.kind == SAID_MESSAGE) {
        said.number = find(rest, MARK, &text) ? leading_number(text) : 0;
        said.kind = said.number > 0 ? SAID_MESSAGE : SAID_OTHER;
    } else if (said.kind == SAID_ACK) {
        said.number = leading_number(rest);
        said.good = find(rest, "\"ok\":true", &text);
    } else if (said.kind == SAID_LIST) {
        said.good = is_last_part(packet);
    }
    return said;
}

/* ---- Writing --------------------------------------------------------------------------------- */

void dialect_write(struct buf *out, const char *template, const struct slice *words)
{
    struct slice rest = slice_text(template);
    while (rest.len > 0) {
        bool whole = !memchr(rest.ptr, '%', rest.len);
        buf_append(out, slice_cut(&rest, '%'));
        if (!whole) {
            buf_append(out, *words++);
        }
    }
}

void dialect_text(struct buf *out, uint32_t number, size_t bytes)
{
    buf_printf(out, MARK "%0*u;", DIGITS, number);
    for (size_t i = MARK_LEN + DIGITS + 1; i < bytes; i++) {
        buf_byte(out, 'x');
    }
}
