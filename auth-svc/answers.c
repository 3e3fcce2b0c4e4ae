/* answers.c - the errors that auth-svc answers with */
#include "auth-svc/answers.h"

#include "shared/json_doc.h"

#include <assert.h>

#define RETRY_TEXT_MAX 24

/* In the order of enum answer_error. */
static const struct {
    unsigned status;
    const char *code, *message;
} errors[] = {
    {400, "invalid_username",   "A name is 1 to 32 letters, digits or . _ - and not reserved."},
    {401, "not_logged_in",      "There is no session with this token."                        },
    {403, "cross_site",         "This request comes from a page of another site."             },
    {403, "forbidden",          "This token belongs to another user."                         },
    {404, "not_found",          "There is nothing here."                                      },
    {405, "method_not_allowed", "This method is not for this address."                        },
    {409, "already_logged_in",  "This name is logged in already."                             },
    {429, "rate_limited",       "Too many logins from this address."                          },
    {503, "unavailable",        "Not possible at the moment, try again."                      },
};
_Static_assert(sizeof errors / sizeof *errors == ANSWER_ERRORS, "one row per error");

static void set_json(struct http_response *res, const struct json_doc *doc)
{
    res->content_type = "application/json";
    bool fits = json_doc_print(doc, &res->body);
    assert(fits); /* our own documents, far below the limit */
    (void)fits;
}

uint64_t answer_seconds(uint64_t ms)
{
    return ms / 1000 + (ms % 1000 > 0 ? 1 : 0);
}

void answer_retry_after(struct http_response *res, uint64_t ms)
{
    struct buf text;

    buf_init(&text, RETRY_TEXT_MAX);
    buf_u64(&text, answer_seconds(ms));
    http_response_header(res, "Retry-After", buf_slice(&text));
    buf_deinit(&text);
}

void answer_error(struct http_response *res, enum answer_error error)
{
    struct json_doc *doc = json_doc_new();
    struct json_doc *inner = json_doc_object(doc, "error");

    json_doc_text(inner, "code", slice_text(errors[error].code));
    json_doc_text(inner, "message", slice_text(errors[error].message));
    http_response_init(res, errors[error].status);
    set_json(res, doc);
    json_doc_free(doc);
    if (error == ANSWER_NOT_LOGGED_IN) {
        http_response_header(res, "WWW-Authenticate", SLICE("Bearer"));
    }
    if (error == ANSWER_UNAVAILABLE) {
        answer_retry_after(res, 1);
    }
}

void answer_document(struct http_response *res, const struct json_doc *doc)
{
    http_response_init(res, 200);
    set_json(res, doc);
}
