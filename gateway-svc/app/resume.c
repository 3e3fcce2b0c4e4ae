/* resume.c - where a client that comes back left off */
#include "gateway-svc/app/resume.h"
#include "shared/functions_answer.h"
#include "shared/json.h"
#include <string.h>

struct resume resume_parse(struct slice auth)
{
    struct resume out = {0};
    struct json object, value;
    struct buf cursor;
    if (json_parse(auth, &object) != JSON_OK) {
        return out;
    }
    out.has_last_id = json_find(object, SLICE("last_id"), &value) == JSON_OK &&
                      json_u64(value, COUNT_MAX, &out.last_id) == JSON_OK;
    buf_init(&cursor, RESUME_CURSOR_MAX);
    if (json_find(object, SLICE("presence"), &value) == JSON_OK &&
        json_string(value, &cursor) == JSON_OK && cursor.len > 0) {
        memcpy(out.cursor, cursor.ptr, cursor.len);
    }
    buf_deinit(&cursor);
    return out;
}
