/* json_doc.h - small JSON documents that we write ourselves (over cJSON) */
#ifndef PARLEY_JSON_DOC_H
#define PARLEY_JSON_DOC_H

#include "shared/buf.h"

/* One JSON object under construction.  Memory running out ends the program: these documents are
 * small and of fixed shape. */
struct json_doc;

struct json_doc *json_doc_new(void);
void json_doc_free(struct json_doc *doc);

/* Keys are literals; values are copied and must be UTF-8 without NUL. */
void json_doc_text(struct json_doc *doc, const char *key, struct slice value);
void json_doc_number(struct json_doc *doc, const char *key, uint64_t value); /* exact up to 2^53 */
void json_doc_null(struct json_doc *doc, const char *key);
/* An object inside; owned by `doc`, must not be freed. */
struct json_doc *json_doc_object(struct json_doc *doc, const char *key);

/* Appends it without white space; false when the buffer is full. */
bool json_doc_print(const struct json_doc *doc, struct buf *out);

#endif
