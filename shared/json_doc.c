/* json_doc.c - small JSON documents that we write ourselves (over cJSON) */
#include "shared/json_doc.h"

#include "shared/must.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `struct json_doc` is never defined: it is cJSON's own node under a name that keeps cJSON out of
 * our headers. */
static cJSON *node(struct json_doc *doc)
{
    return (cJSON *)doc;
}

struct json_doc *json_doc_new(void)
{
    return must(cJSON_CreateObject());
}

void json_doc_free(struct json_doc *doc)
{
    cJSON_Delete(node(doc));
}

void json_doc_text(struct json_doc *doc, const char *key, struct slice value)
{
    char *text = must(strndup(value.len > 0 ? value.ptr : "", value.len));

    must(cJSON_AddStringToObject(node(doc), key, text));
    free(text);
}

void json_doc_number(struct json_doc *doc, const char *key, uint64_t value)
{
    char digits[24];

    /* As raw digits: cJSON would print through a double, and 10^15 as 1e+15. */
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
    must(cJSON_AddRawToObject(node(doc), key, digits));
}

void json_doc_null(struct json_doc *doc, const char *key)
{
    must(cJSON_AddNullToObject(node(doc), key));
}

struct json_doc *json_doc_object(struct json_doc *doc, const char *key)
{
    return must(cJSON_AddObjectToObject(node(doc), key));
}

bool json_doc_print(const struct json_doc *doc, struct buf *out)
{
    char *text = must(cJSON_PrintUnformatted((const cJSON *)doc));
    bool fits = buf_append(out, slice_text(text));

    cJSON_free(text);
    return fits;
}
