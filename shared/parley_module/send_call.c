/* send_call.c - the arguments of PARLEY.SEND */
#include "shared/parley_module/send_call.h"

#include "shared/parley_module/number.h"

#include <string.h>

#define DIGEST_LEN 16
#define SETTING_DIGITS 12

static bool number(struct slice s, size_t digits, uint64_t *out)
{
    return s.len <= digits && slice_u64(s, NUMBER_MAX, out);
}

static bool is_quoted(struct slice s)
{
    return s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"';
}

/* A line break would end the head of the message; an empty one would be the field that tells when
 * the client_ids of a user were begun. */
static bool is_client_id(struct slice s)
{
    return s.len == 0 || (is_quoted(s) && s.len > 2 && !memchr(s.ptr, '\n', s.len));
}

static bool is_message(const struct slice message[SEND_EACH])
{
    return is_client_id(message[SEND_CLIENT_ID]) && is_quoted(message[SEND_TEXT]) &&
           message[SEND_DIGEST].len == DIGEST_LEN;
}

static bool read_head(struct send_call *call, const struct slice *args)
{
    uint64_t lease_ms, link;
    call->prefix = args[SEND_PREFIX];
    call->epoch = args[SEND_EPOCH];
    call->link = args[SEND_LINK];
    return number(args[SEND_SEEN], NUMBER_DIGITS, &call->seen) &&
           number(args[SEND_GRACE], SETTING_DIGITS, &call->grace_ms) &&
           number(args[SEND_LEASE], SETTING_DIGITS, &lease_ms) && lease_ms > 0 &&
           number(call->link, NUMBER_DIGITS, &link) &&
           number(args[SEND_KEEP], SETTING_DIGITS, &call->keep_ms) && call->keep_ms > 0;
}

bool send_call_read(struct send_call *call, const struct slice *args, size_t count)
{
    if (count < SEND_HEAD + SEND_EACH || (count - SEND_HEAD) % SEND_EACH != 0 ||
        count > SEND_HEAD + SEND_EACH * SEND_MAX || !read_head(call, args)) {
        return false;
    }
    call->count = (count - SEND_HEAD) / SEND_EACH;
    for (size_t i = 0; i < call->count; i++) {
        memcpy(call->messages[i], args + SEND_HEAD + i * SEND_EACH, sizeof call->messages[i]);
        if (!is_message(call->messages[i])) {
            return false;
        }
    }
    return true;
}

bool send_is_group(const struct slice message[SEND_EACH])
{
    return slice_equal(message[SEND_RECEIVER], SLICE("group"));
}
