/* admission.c - the token of a client that wants in */
#include "gateway-svc/app/admission.h"
#include "shared/cookie.h"
#include "shared/json.h"
#include "shared/must.h"
#include "shared/origin.h"
#include <stdlib.h>

static struct pass *pass_new(struct slice token)
{
    struct pass *pass = must(calloc(1, sizeof *pass));
    if (token_is_wellformed(token)) {
        char hash[TOKEN_HASH_LEN + 1];
        token_hash(token, hash);
        pass->good = token_hash_read(slice_text(hash), pass->hash);
    }
    return pass;
}

/* Is it a page of the address that it asks, or no page at all? */
static bool is_own_page(struct sio_request *req, struct slice scheme)
{
    struct slice host = sio_request_header(req, "host");
    return origin_passes(origin_judge(scheme, host, sio_request_header(req, "origin"), ""));
}

struct pass *admission_pass(struct sio_request *req, bool credentials)
{
    struct slice scheme = sio_request_scheme(req);
    if (!credentials && !is_own_page(req, scheme)) {
        return NULL;
    }
    struct slice token = cookie_find(sio_request_header(req, "cookie"), scheme);
    return token.len > 0 ? pass_new(token) : NULL;
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

static enum admission by_pass(const struct pass *pass, char hash[TOKEN_HASH_LEN + 1])
{
    if (!pass) {
        return ADMISSION_NO_TOKEN;
    }
    if (!pass->good) {
        return ADMISSION_BAD_TOKEN;
    }
    token_hash_print(pass->hash, hash);
    return ADMISSION_OK;
}

enum admission admission_token(struct slice auth, const struct pass *pass,
                               char hash[TOKEN_HASH_LEN + 1])
{
    struct buf text;
    buf_init(&text, TOKEN_LEN);
    enum json_err err = find_token(auth, &text);
    enum admission result = ADMISSION_BAD_TOKEN;
    if (err == JSON_E_ABSENT) {
        result = by_pass(pass, hash);
    } else if (err == JSON_OK && token_is_wellformed(buf_slice(&text))) {
        token_hash(buf_slice(&text), hash);
        result = ADMISSION_OK;
    }
    buf_deinit(&text);
    return result;
}
