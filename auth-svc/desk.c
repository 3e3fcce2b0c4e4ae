/* desk.c - answers requests: decides, asks the store, words the answer */
#include "auth-svc/desk.h"

#include "auth-svc/throttle.h"
#include "shared/cookie.h"
#include "shared/json_doc.h"
#include "shared/log.h"
#include "shared/must.h"
#include "shared/token.h"
#include "shared/username.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define REFUSALS_LOGGED_PER_SECOND 5

struct desk {
    const struct desk_config *config;
    const struct store *store;
    struct throttle *throttle;
    struct desk_stats stats;
    struct log_limit refusals;
    bool closed;
};

/* One request that waits for the store. */
struct job {
    struct desk *desk;
    struct request req; /* its slices live until the request is answered */
    struct decision decision;
    char token[TOKEN_LEN + 1]; /* login: the new one */
    uint64_t now_ms;           /* when it came */
    desk_answer_fn *fn;
    void *arg;
};

struct desk *desk_new(const struct desk_config *config, const struct store *store)
{
    struct desk *desk = must(calloc(1, sizeof *desk));
    uint64_t seed;

    random_bytes(&seed, sizeof seed);
    desk->config = config;
    desk->store = store;
    desk->throttle = throttle_new(config->rate_logins, seed);
    return desk;
}

void desk_free(struct desk *desk)
{
    if (!desk) {
        return;
    }
    assert(desk->stats.outstanding == 0);
    throttle_free(desk->throttle);
    free(desk);
}

void desk_close(struct desk *desk)
{
    desk->closed = true;
}

size_t desk_outstanding(const struct desk *desk)
{
    return (size_t)desk->stats.outstanding;
}

/* ---- What is counted and logged ---- */

/* In the order of the routes' actions, and of `statuses`. */
const char *const desk_route_names[DESK_ROUTES] = {"login", "logout", "session", "none"};
const char *const desk_status_names[DESK_STATUSES] = {"200", "204", "400", "401", "403",
                                                      "404", "405", "409", "429", "503"};
static const unsigned statuses[DESK_STATUSES] = {200, 204, 400, 401, 403, 404, 405, 409, 429, 503};

const struct desk_stats *desk_stats(const struct desk *desk)
{
    return &desk->stats;
}

static size_t place_of(const struct decision *d)
{
    return d->route <= ROUTE_SESSION ? d->route : DESK_ROUTES - 1;
}

/* Who was let in or out is for whoever asks for all (LOG_LEVEL=debug); a name that is none is not
 * told, any other as gateways tell it. */
static void tell(struct desk *desk, const struct request *req, const struct decision *d,
                 unsigned status, uint64_t now_ms)
{
    const char *route = desk_route_names[place_of(d)];
    const char *user = d->name[0] != '\0' ? " user=" : "";
    char name[USERNAME_MAX + 1] = "";

    username_fold(slice_text(d->name), name);
    if (status < 400) {
        log_debug("request answered route=%s status=%u%s%s", route, status, user, name);
    } else if (log_limit_ok(&desk->refusals, REFUSALS_LOGGED_PER_SECOND, now_ms)) {
        log_info("request refused route=%s status=%u%s%s address=\"%s\" suppressed=%" PRIu64, route,
                 status, user, name, log_escape(req->address), desk->refusals.suppressed);
    }
}

/* To be called for each answer, with the time at which its request came. */
static void note(struct desk *desk, const struct request *req, const struct decision *d,
                 unsigned status, uint64_t now_ms)
{
    size_t i = 0;

    while (i < DESK_STATUSES - 1 && statuses[i] != status) {
        i++;
    }
    desk->stats.answered[place_of(d)][i]++;
    tell(desk, req, d, status, now_ms);
}

/* ---- Answers ---- */

/* A page of a listed origin may read any answer, errors too.  Every answer depends on who asks,
 * also the one that grants nothing: a cache that kept it would hand it to the listed page. */
static void add_cors(const struct request *req, const struct decision *d, struct http_response *res)
{
    http_response_header(res, "Vary", SLICE("Origin"));
    if (!d->listed_origin) {
        return;
    }
    http_response_header(res, "Access-Control-Allow-Origin", req->origin);
    http_response_header(res, "Access-Control-Allow-Credentials", SLICE("true"));
    if (d->action == ROUTE_PREFLIGHT) {
        http_response_header(res, "Access-Control-Allow-Methods", slice_text(d->methods));
        http_response_header(res, "Access-Control-Allow-Headers",
                             SLICE("authorization, content-type"));
    }
}

static void add_cookie(const struct request *req, struct slice token, struct http_response *res)
{
    struct buf line;

    buf_init(&line, COOKIE_LINE_MAX);
    cookie_make(&line, token, req->scheme);
    http_response_header(res, "Set-Cookie", buf_slice(&line));
    buf_deinit(&line);
}

static void word_login(const struct job *job, struct http_response *res)
{
    struct json_doc *doc = json_doc_new();

    json_doc_text(doc, "username", slice_text(job->decision.name));
    json_doc_text(doc, "token", slice_text(job->token));
    json_doc_number(doc, "expires_in", job->desk->config->pending_s);
    answer_document(res, doc);
    json_doc_free(doc);
    add_cookie(&job->req, slice_text(job->token), res);
}

/* The browser may hold another user's cookie by now, when the token came as a Bearer: that one
 * stays. */
static bool cookie_is_to_go(const struct job *job)
{
    struct slice held = cookie_find(job->req.cookie, job->req.scheme);

    return held.len == 0 || slice_equal(held, job->decision.token);
}

static void word_logout(const struct job *job, struct http_response *res)
{
    struct json_doc *doc = json_doc_new();

    json_doc_text(doc, "username", slice_text(job->decision.name));
    answer_document(res, doc);
    json_doc_free(doc);
    if (cookie_is_to_go(job)) {
        add_cookie(&job->req, SLICE(""), res);
    }
}

static void word_session(const struct store_answer *answer, struct http_response *res)
{
    struct json_doc *doc = json_doc_new();

    json_doc_text(doc, "username", answer->name);
    if (answer->ms > 0) {
        json_doc_number(doc, "expires_in", answer_seconds(answer->ms));
    } else {
        json_doc_null(doc, "expires_in");
    }
    answer_document(res, doc);
    json_doc_free(doc);
}

static void word_ok(const struct job *job, const struct store_answer *answer,
                    struct http_response *res)
{
    switch (job->decision.action) {
    case ROUTE_LOGIN: word_login(job, res); return;
    case ROUTE_LOGOUT: word_logout(job, res); return;
    case ROUTE_SESSION: word_session(answer, res); return;
    case ROUTE_PREFLIGHT:
    case ROUTE_ERROR: break; /* never asked the store */
    }
    answer_error(res, ANSWER_UNAVAILABLE);
}

static void word(const struct job *job, const struct store_answer *answer,
                 struct http_response *res)
{
    switch (answer->status) {
    case STORE_OK: word_ok(job, answer, res); break;
    case STORE_UNKNOWN: answer_error(res, ANSWER_NOT_LOGGED_IN); break;
    case STORE_FORBIDDEN: answer_error(res, ANSWER_FORBIDDEN); break;
    case STORE_UNAVAILABLE: answer_error(res, ANSWER_UNAVAILABLE); break;
    case STORE_TAKEN:
        answer_error(res, ANSWER_ALREADY_LOGGED_IN);
        if (answer->ms > 0) {
            answer_retry_after(res, answer->ms);
        }
        break;
    }
}

static void job_answered(void *arg, const struct store_answer *answer)
{
    struct job *job = arg;
    struct http_response res;

    word(job, answer, &res);
    add_cors(&job->req, &job->decision, &res);
    note(job->desk, &job->req, &job->decision, res.status, job->now_ms);
    job->desk->stats.outstanding--;
    job->fn(job->arg, &res);
    http_response_deinit(&res);
    free(job);
}

/* ---- Requests ---- */

static void ask_login(struct job *job)
{
    const struct desk_config *config = job->desk->config;
    char name[USERNAME_MAX + 1], hash[TOKEN_HASH_LEN + 1];

    token_new(job->token);
    token_hash(slice_text(job->token), hash);
    username_fold(slice_text(job->decision.name), name);
    struct store_login login = {.name = slice_text(name),
                                .shown = slice_text(job->decision.name),
                                .hash = slice_text(hash),
                                .pending_ms = config->pending_s * 1000,
                                .longest_ms = config->session_max_s * 1000};
    job->desk->store->login(job->desk->store->ctx, &login, job_answered, job);
}

static void ask_by_token(struct job *job)
{
    const struct store *store = job->desk->store;
    char name[USERNAME_MAX + 1], hash[TOKEN_HASH_LEN + 1];

    token_hash(job->decision.token, hash);
    if (job->decision.action == ROUTE_SESSION) {
        store->session(store->ctx, slice_text(hash), job_answered, job);
        return;
    }
    username_fold(slice_text(job->decision.name), name);
    store->logout(store->ctx, slice_text(name), slice_text(hash), job_answered, job);
}

/* What can be answered without the store; false: ask it. */
static bool word_at_once(struct desk *desk, const struct request *req, const struct decision *d,
                         uint64_t now_ms, struct http_response *res)
{
    if (d->action == ROUTE_PREFLIGHT) {
        http_response_init(res, 204);
        res->content_type = NULL;
        return true;
    }
    if (d->action == ROUTE_ERROR) {
        answer_error(res, d->error);
        if (d->error == ANSWER_METHOD_NOT_ALLOWED) {
            http_response_header(res, "Allow", slice_text(d->methods));
        }
        return true;
    }
    if (desk->closed) {
        answer_error(res, ANSWER_UNAVAILABLE);
        return true;
    }
    uint64_t wait_ms = 0;
    if (d->action == ROUTE_LOGIN) {
        wait_ms = throttle_take(desk->throttle, req->address, now_ms);
    }
    if (wait_ms > 0) {
        answer_error(res, ANSWER_RATE_LIMITED);
        answer_retry_after(res, wait_ms);
    }
    return wait_ms > 0;
}

static struct job *job_new(struct desk *desk, const struct request *req, const struct decision *d)
{
    struct job *job = calloc(1, sizeof *job);

    if (job) {
        job->desk = desk;
        job->req = *req;
        job->decision = *d;
    }
    return job;
}

void desk_handle(struct desk *desk, const struct request *req, uint64_t now_ms, desk_answer_fn *fn,
                 void *arg)
{
    struct decision d;
    struct http_response res;

    route_decide(req, desk->config->allowed_origins, &d);
    bool answered = word_at_once(desk, req, &d, now_ms, &res);
    struct job *job = answered ? NULL : job_new(desk, req, &d);
    if (!job) {
        if (!answered) {
            answer_error(&res, ANSWER_UNAVAILABLE);
        }
        add_cors(req, &d, &res);
        note(desk, req, &d, res.status, now_ms);
        fn(arg, &res);
        http_response_deinit(&res);
        return;
    }
    job->fn = fn;
    job->arg = arg;
    job->now_ms = now_ms;
    desk->stats.outstanding++;
    if (d.action == ROUTE_LOGIN) {
        ask_login(job);
    } else {
        ask_by_token(job);
    }
}
