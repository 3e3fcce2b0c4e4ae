/* fuzz_admission.c - a client is let in by its own token alone: the one in `auth` if there is one,
 * else the cookie of its own scheme; and, where pages get no credentials, never a foreign page's
 *
 * Input: five lines, the headers host, origin, x-forwarded-proto and cookie, and `auth`; the byte 1
 * stands for a token, for another one in `auth`. */
#include "gateway-svc/app/admission.h"
#include "gateway-svc/app/resume.h"
#include "shared/cookie.h"
#include "shared/json.h"
#include "shared/origin.h"
#include "tests/support/fuzz.h"

#define HEADERS 4

struct sio_request { /* the one there is */
    char nothing;
};

static struct sio_request request;
static const char *const names[HEADERS] = {"host", "origin", "x-forwarded-proto", "cookie"};
static struct slice headers[HEADERS];

/* In the place of the real one: its answers are gone with the request. */
static struct slice copies[8]; /* exact ones */
static size_t copied;

static void forget_headers(void)
{
    while (copied > 0) {
        exact_free(copies[--copied]);
    }
}

struct slice sio_request_header(struct sio_request *req, const char *name)
{
    (void)req;
    for (size_t i = 0; i < HEADERS; i++) {
        if (strcmp(names[i], name) == 0) {
            HOLDS(copied < sizeof copies / sizeof copies[0]);
            copies[copied] = exact_copy(headers[i]);
            return copies[copied++];
        }
    }
    HOLDS(false);
    return SLICE("");
}

struct slice sio_request_scheme(struct sio_request *req)
{
    (void)req;
    return slice_equal_nocase(headers[2], SLICE("https")) ? SLICE("https") : SLICE("http");
}

/* The string auth.token, once, or why there is none. */
static enum json_err auth_token(struct slice auth, struct buf *token)
{
    struct json object, value;
    if (json_parse(auth, &object) != JSON_OK || object.type != JSON_OBJECT) {
        return JSON_E_ABSENT;
    }
    enum json_err err = json_find(object, SLICE("token"), &value);
    if (err == JSON_OK && value.type == JSON_NULL) {
        return JSON_E_ABSENT;
    }
    return err == JSON_OK ? json_string(value, token) : err;
}

/* `cookie`: what the pass was made of. */
static void check_token(struct slice auth, const struct pass *pass, struct slice cookie)
{
    char hash[TOKEN_HASH_LEN + 1], expected[TOKEN_HASH_LEN + 1];
    struct json whole;
    struct buf token;
    buf_init(&token, SIZE_MAX);
    enum json_err err = auth_token(auth, &token);
    enum admission got = admission_token(auth, pass, hash);
    if (auth.len > 0 && (json_parse(auth, &whole) != JSON_OK || whole.type != JSON_OBJECT)) {
        buf_deinit(&token);
        return; /* the server part gives an object or nothing */
    }
    struct slice shown = err == JSON_E_ABSENT && pass ? cookie : buf_slice(&token);
    bool good = (err == JSON_OK || err == JSON_E_ABSENT) && token_is_wellformed(shown);
    HOLDS((got == ADMISSION_OK) == good);
    HOLDS((got == ADMISSION_NO_TOKEN) == (err == JSON_E_ABSENT && !pass));
    if (good) {
        token_hash(shown, expected);
        HOLDS(strcmp(hash, expected) == 0);
    }
    buf_deinit(&token);
}

/* Where it left off: an id that parley.lua takes, a cursor that is a C string. */
static void check_resume(struct slice auth)
{
    struct json object, value;
    struct resume resume = resume_parse(auth);
    uint64_t id = 0;
    bool good = json_parse(auth, &object) == JSON_OK &&
                json_find(object, SLICE("last_id"), &value) == JSON_OK &&
                json_u64(value, 999999999999999, &id) == JSON_OK;
    HOLDS(resume.has_last_id == good && (!good || resume.last_id == id));
    HOLDS(strlen(resume.cursor) <= RESUME_CURSOR_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);

    for (size_t i = 0; i < HEADERS; i++) {
        headers[i] = fuzz_line_with(&in, SLICE("0123456789abcdefghijklmnopqrstuvwxyzABCDE-_"));
    }
    struct slice auth = fuzz_line_with(&in, SLICE("-_0123456789abcdefghijklmnopqrstuvwxyzABCDE"));
    bool credentials = size % 2 == 0;
    struct pass *pass = admission_pass(&request, credentials);
    struct slice scheme = sio_request_scheme(&request);
    bool own = origin_passes(origin_judge(scheme, headers[0], headers[1], ""));
    bool counts = credentials || (own && headers[0].len <= 512);
    struct slice cookie = cookie_find(headers[3], scheme);
    HOLDS(!pass == (!counts || cookie.len == 0));
    HOLDS(!pass || pass->good == token_is_wellformed(cookie));
    check_token(auth, pass, cookie);
    check_resume(auth);
    free(pass);
    exact_free(auth);
    for (size_t i = 0; i < HEADERS; i++) {
        exact_free(headers[i]);
    }
    forget_headers();
    return 0;
}
