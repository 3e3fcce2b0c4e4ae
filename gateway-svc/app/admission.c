/* admission.c - Origin and token of a client that wants in */
#include "gateway-svc/app/admission.h"
#include "shared/cookie.h"
#include "shared/json.h"
#include "shared/must.h"
#include "shared/origin.h"
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 512 /* of Host and scheme together */

static struct pass *pass_new(struct slice token)
{
    struct pass *pass = must(calloc(1, sizeof *pass));
    if (token_is_wellformed(token)) {
        memcpy(pass->token, token.ptr, token.len);
    }
    return pass;
}

/* The scheme that the client used, as the door says; clients cannot set this header themselves. */
static struct slice scheme_of(struct sio_request *req)
{
    struct slice proto = sio_request_header(req, "x-forwarded-proto:");
    return slice_equal_nocase(proto, SLICE("https")) ? SLICE("https") : SLICE("http");
}

static bool origin_is_allowed(struct sio_request *req, struct slice scheme, const char *allowed)
{
    struct buf host;
    buf_init(&host, HEADER_MAX); /* the next header overwrites this one */
    bool fits = buf_append(&host, sio_request_header(req, "host:"));
    struct slice origin = sio_request_header(req, "origin:");
    bool passes = origin_passes(origin_judge(scheme, buf_slice(&host), origin, allowed));
    buf_deinit(&host);
    return fits && passes;
}

const char *admission_allow(struct sio_request *req, const char *allowed_origins,
                            struct pass **pass)
{
    struct slice scheme = scheme_of(req);
    *pass = NULL;
    if (!origin_is_allowed(req, scheme, allowed_origins)) {
        return "origin not allowed";
    }
    struct slice token = cookie_find(sio_request_header(req, "cookie:"), scheme);
    if (token.len > 0) {
        *pass = pass_new(token);
    }
    return NULL;
}

/* JSON_E_ABSENT when there is no token in `auth`. */
static enum json_err find_token(struct slice auth, struct buf *out)
{
    struct json object, value;
    if (auth.len == 0 || json_parse(auth, &object) != JSON_OK) {
        return JSON_E_ABSENT;
    }
    enum json_err err = json_find(object, SLICE("token"), &value);
    if (err != JSON_OK) {
        return err;
    }
    return value.type == JSON_NULL ? JSON_E_ABSENT : json_string(value, out);
}

enum admission admission_token(struct slice auth, const struct pass *pass,
                               char hash[TOKEN_HASH_LEN + 1])
{
    struct buf text;
    buf_init(&text, TOKEN_LEN);
    enum json_err err = find_token(auth, &text);
    enum admission result = ADMISSION_BAD_TOKEN;
    struct slice token = buf_slice(&text);
    if (err == JSON_E_ABSENT) {
        result = pass ? ADMISSION_BAD_TOKEN : ADMISSION_NO_TOKEN;
        token = pass ? slice_text(pass->token) : token;
    }
    if ((err == JSON_OK || err == JSON_E_ABSENT) && token_is_wellformed(token)) {
        token_hash(token, hash);
        result = ADMISSION_OK;
    }
    buf_deinit(&text);
    return result;
}
