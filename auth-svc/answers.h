/* answers.h - the errors that auth-svc answers with, and how they look */
#ifndef PARLEY_AUTH_ANSWERS_H
#define PARLEY_AUTH_ANSWERS_H

#include "shared/http_mhd.h"

enum answer_error {
    ANSWER_INVALID_USERNAME,
    ANSWER_NOT_LOGGED_IN,
    ANSWER_CROSS_SITE,
    ANSWER_FORBIDDEN,
    ANSWER_NOT_FOUND,
    ANSWER_METHOD_NOT_ALLOWED,
    ANSWER_ALREADY_LOGGED_IN,
    ANSWER_RATE_LIMITED,
    ANSWER_UNAVAILABLE,
    ANSWER_ERRORS
};

/* Makes `res` (not yet initialised) the JSON answer {"error":{"code","message"}} with its status;
 * 401 and 503 carry the header that always goes with them. */
void answer_error(struct http_response *res, enum answer_error error);
/* Whole seconds, rounded up. */
uint64_t answer_seconds(uint64_t ms);
/* Adds Retry-After in seconds; ms is at least 1. */
void answer_retry_after(struct http_response *res, uint64_t ms);

struct json_doc;
/* Makes `res` (not yet initialised) a 200 with this document. */
void answer_document(struct http_response *res, const struct json_doc *doc);

#endif
