/* payload.c - writes the JSON that clients get */
#include "gateway-svc/chat/payload.h"
#include "shared/json.h"
#include "shared/username.h"
#include <assert.h>
#include <string.h>

static void put(struct buf *out, const char *literal)
{
    buf_append(out, slice_text(literal));
}

static void put_error(struct buf *out, struct payload_error e)
{
    put(out, "\"error\":{\"code\":\"");
    put(out, chat_err_code(e.err));
    put(out, "\",\"message\":");
    json_append_string(out, slice_text(e.text ? e.text : chat_err_text(e.err)));
    if (e.retry_after_ms > 0) {
        put(out, ",\"retry_after_ms\":");
        buf_u64(out, e.retry_after_ms);
    }
    put(out, "}");
}

void payload_accepted(struct buf *out, uint64_t message_id, bool dup)
{
    put(out, "{\"ok\":true,\"message_id\":");
    buf_u64(out, message_id);
    put(out, dup ? ",\"dup\":true}" : "}");
}

void payload_refused(struct buf *out, struct payload_error e)
{
    put(out, "{\"ok\":false,");
    put_error(out, e);
    put(out, "}");
}

void payload_message_error(struct buf *out, struct payload_error e, struct slice client_id)
{
    put(out, "{");
    put_error(out, e);
    if (client_id.len > 0) {
        put(out, ",\"client_id\":");
        buf_append(out, client_id);
    }
    put(out, "}");
}

void payload_session(struct buf *out, struct slice username, bool recovered, size_t text_max)
{
    put(out, "{\"username\":");
    json_append_string(out, username);
    put(out, recovered ? ",\"recovered\":true" : ",\"recovered\":false");
    put(out, ",\"message_max_bytes\":");
    buf_u64(out, text_max);
    put(out, "}");
}

void payload_session_end(struct buf *out, struct slice code)
{
    payload_connect_error(out, code);
}

void payload_connect_error(struct buf *out, struct slice code)
{
    put(out, "{\"code\":");
    json_append_string(out, code);
    put(out, "}");
}

/* Is it an object's text with nothing in it? */
static bool is_empty_object(struct slice object)
{
    size_t i = object.len - 1;
    while (i > 1 && (object.ptr[i - 1] == ' ' || object.ptr[i - 1] == '\t' ||
                     object.ptr[i - 1] == '\n' || object.ptr[i - 1] == '\r')) {
        i--;
    }
    return i == 1;
}

void payload_with_client_id(struct buf *out, struct slice message, struct slice client_id)
{
    if (client_id.len == 0 || message.len < 2) {
        buf_append(out, message);
        return;
    }
    buf_append(out, slice_head(message, message.len - 1));
    put(out, is_empty_object(message) ? "\"client_id\":" : ",\"client_id\":");
    buf_append(out, client_id);
    put(out, "}");
}

bool payload_put_name(struct buf *out, struct slice name, bool first)
{
    char text[USERNAME_MAX + 3];
    size_t len = 0;
    assert(name.len <= USERNAME_MAX);
    if (!first) {
        text[len++] = ',';
    }
    text[len++] = '"';
    memcpy(text + len, name.ptr, name.len);
    len += name.len;
    text[len++] = '"';
    buf_append(out, (struct slice){text, len});
    return false;
}

void payload_put_cursor(struct buf *out, const char *key, const char *cursor)
{
    buf_printf(out, "\"%s\":\"%s\"", key, cursor);
}
