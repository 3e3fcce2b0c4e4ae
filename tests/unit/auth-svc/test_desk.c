/* test_desk.c - from request to answer, with a store that records and answers when told to */
#include "auth-svc/desk.h"

#include "shared/json.h"
#include "shared/log.h"
#include "shared/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LISTED "https://page.example"
#define TEXT_MAX 2048

/* ---- The fake ---- */

struct fake {
    char asked[TEXT_MAX]; /* "login alice ALICE <hash> 60000 0" */
    unsigned questions;
    store_answer_fn *fn;
    void *arg;
};

static void fake_ask(struct fake *f, store_answer_fn *fn, void *arg)
{
    f->questions++;
    f->fn = fn;
    f->arg = arg;
}

static void fake_login(void *ctx, const struct store_login *login, store_answer_fn *fn, void *arg)
{
    struct fake *f = ctx;

    snprintf(f->asked, TEXT_MAX, "login %.*s %.*s %.*s %llu %llu", (int)login->name.len,
             login->name.ptr, (int)login->shown.len, login->shown.ptr, (int)login->hash.len,
             login->hash.ptr, (unsigned long long)login->pending_ms,
             (unsigned long long)login->longest_ms);
    fake_ask(f, fn, arg);
}

static void fake_logout(void *ctx, struct slice name, struct slice hash, store_answer_fn *fn,
                        void *arg)
{
    struct fake *f = ctx;

    snprintf(f->asked, TEXT_MAX, "logout %.*s %.*s", (int)name.len, name.ptr, (int)hash.len,
             hash.ptr);
    fake_ask(f, fn, arg);
}

static void fake_session(void *ctx, struct slice hash, store_answer_fn *fn, void *arg)
{
    struct fake *f = ctx;

    snprintf(f->asked, TEXT_MAX, "session %.*s", (int)hash.len, hash.ptr);
    fake_ask(f, fn, arg);
}

static void fake_answer(struct fake *f, enum store_status status, const char *name, uint64_t ms)
{
    const struct store_answer answer = {.status = status, .name = slice_text(name), .ms = ms};
    store_answer_fn *fn = f->fn;

    assert_non_null(fn);
    f->fn = NULL;
    fn(f->arg, &answer);
}

/* ---- One desk per test, and what it said last ---- */

struct bench {
    struct fake fake;
    struct store store;
    struct desk_config config;
    struct desk *desk;
    unsigned answers;
    unsigned status;
    char body[TEXT_MAX];
    char headers[TEXT_MAX];
};

static int set_up(void **state)
{
    static struct bench b;

    b = (struct bench){
        .config = {.allowed_origins = LISTED,
                   .rate_logins = {.per_second = 1, .burst = 3},
                   .pending_s = 60,
                   .session_max_s = 86400}
    };
    b.store = (struct store){
        .ctx = &b.fake, .login = fake_login, .logout = fake_logout, .session = fake_session};
    b.desk = desk_new(&b.config, &b.store);
    *state = &b;
    return b.desk ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    if (b->fake.fn) {
        fake_answer(&b->fake, STORE_UNAVAILABLE, "", 0);
    }
    desk_free(b->desk);
    return 0;
}

static void on_answer(void *arg, const struct http_response *res)
{
    struct bench *b = arg;

    b->answers++;
    b->status = res->status;
    snprintf(b->body, TEXT_MAX, "%s", res->body.ptr ? res->body.ptr : "");
    snprintf(b->headers, TEXT_MAX, "%s", res->headers.ptr ? res->headers.ptr : "");
}

static struct request request_of(const char *method, const char *path)
{
    return (struct request){.method = slice_text(method),
                            .path = slice_text(path),
                            .scheme = SLICE("http"),
                            .host = SLICE("localhost:5000"),
                            .address = SLICE("192.0.2.1")};
}

static void handle(struct bench *b, const struct request *req)
{
    desk_handle(b->desk, req, 1000, on_answer, b);
}

static void expect_error(const struct bench *b, unsigned status, const char *code)
{
    char start[64];

    snprintf(start, sizeof start, "{\"error\":{\"code\":\"%s\",\"message\":\"", code);
    assert_int_equal(b->status, status);
    assert_memory_equal(b->body, start, strlen(start));
}

static void expect_header(const struct bench *b, const char *line)
{
    if (!strstr(b->headers, line)) {
        fail_msg("no \"%s\" in: %s", line, b->headers);
    }
}

static void expect_no_header(const struct bench *b, const char *name)
{
    if (strstr(b->headers, name)) {
        fail_msg("\"%s\" in: %s", name, b->headers);
    }
}

/* ---- Login ---- */

static void token_of_body(const struct bench *b, char token[TOKEN_LEN + 1])
{
    struct json doc, value;

    assert_int_equal(json_parse(slice_text(b->body), &doc), JSON_OK);
    assert_int_equal(json_find(doc, SLICE("token"), &value), JSON_OK);
    assert_int_equal(value.raw.len, TOKEN_LEN + 2);
    snprintf(token, TOKEN_LEN + 1, "%.*s", TOKEN_LEN, value.raw.ptr + 1);
    assert_true(token_is_wellformed(slice_text(token)));
}

static void a_login_gives_a_token_whose_hash_is_stored(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/login/ALICE");
    char token[TOKEN_LEN + 1], hash[TOKEN_HASH_LEN + 1], text[TEXT_MAX];

    handle(b, &req);
    assert_int_equal(b->answers, 0);
    assert_int_equal(desk_outstanding(b->desk), 1);
    fake_answer(&b->fake, STORE_OK, "", 0);
    assert_int_equal(b->answers, 1);
    assert_int_equal(desk_outstanding(b->desk), 0);
    assert_int_equal(b->status, 200);
    token_of_body(b, token);
    snprintf(text, TEXT_MAX, "{\"username\":\"ALICE\",\"token\":\"%s\",\"expires_in\":60}", token);
    assert_string_equal(b->body, text);
    token_hash(slice_text(token), hash);
    snprintf(text, TEXT_MAX, "login alice ALICE %s 60000 86400000", hash);
    assert_string_equal(b->fake.asked, text);
    snprintf(text, TEXT_MAX, "Set-Cookie: session=%s; Path=/; HttpOnly; SameSite=Lax\n", token);
    expect_header(b, text);
    expect_no_header(b, "Access-Control");
}

static void over_https_the_cookie_is_the_secure_one(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("POST", "/login/alice");

    req.scheme = SLICE("https");
    handle(b, &req);
    fake_answer(&b->fake, STORE_OK, "", 0);
    expect_header(b, "Set-Cookie: __Host-session=");
    expect_header(b, "; Secure\n");
}

static void a_preset_cookie_is_never_taken_over(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/login/alice");
    char token[TOKEN_LEN + 1];

    req.cookie = SLICE("session=" TOKEN_A);
    handle(b, &req);
    fake_answer(&b->fake, STORE_OK, "", 0);
    token_of_body(b, token);
    assert_string_not_equal(token, TOKEN_A);
}

static const struct {
    uint64_t ms;
    const char *header; /* NULL: none */
} waits[] = {
    {0,     NULL               },
    {1,     "Retry-After: 1\n" },
    {1000,  "Retry-After: 1\n" },
    {1001,  "Retry-After: 2\n" },
    {59500, "Retry-After: 60\n"},
};

static void a_taken_name_says_when_to_try_again(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/login/alice");

    b->config.rate_logins.burst = 100;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        char address[8] = {(char)('a' + i)};
        req.address = slice_text(address);
        desk_handle(b->desk, &req, 1000 + 1000 * i, on_answer, b);
        fake_answer(&b->fake, STORE_TAKEN, "", waits[i].ms);
        expect_error(b, 409, "already_logged_in");
        expect_no_header(b, "Set-Cookie");
        if (waits[i].header) {
            expect_header(b, waits[i].header);
        } else {
            expect_no_header(b, "Retry-After");
        }
    }
}

static void too_many_logins_of_one_address_are_refused(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/login/alice");

    for (int i = 0; i < 3; i++) {
        handle(b, &req);
        fake_answer(&b->fake, STORE_TAKEN, "", 0);
        assert_int_equal(b->status, 409);
    }
    handle(b, &req);
    expect_error(b, 429, "rate_limited");
    expect_header(b, "Retry-After: 1\n");
    assert_int_equal(b->fake.questions, 3);
    req.address = SLICE("192.0.2.2");
    handle(b, &req);
    assert_int_equal(b->fake.questions, 4);
}

static void refused_requests_and_logouts_cost_no_login(void **state)
{
    struct bench *b = *state;
    struct request bad = request_of("GET", "/login/..");
    struct request out = request_of("GET", "/logout/alice");
    struct request good = request_of("GET", "/login/alice");

    out.authorization = SLICE("Bearer " TOKEN_A);
    for (int i = 0; i < 10; i++) {
        handle(b, &bad);
        expect_error(b, 400, "invalid_username");
        handle(b, &out);
        fake_answer(&b->fake, STORE_UNKNOWN, "", 0);
        expect_error(b, 401, "not_logged_in");
    }
    handle(b, &good);
    fake_answer(&b->fake, STORE_OK, "", 0);
    assert_int_equal(b->status, 200);
}

/* ---- Logout and session ---- */

static void log_out(struct bench *b, const char *cookie, const char *authorization,
                    enum store_status status)
{
    struct request req = request_of("GET", "/logout/Alice");

    req.cookie = slice_text(cookie);
    req.authorization = slice_text(authorization);
    handle(b, &req);
    fake_answer(&b->fake, status, "", 0);
}

static void a_logout_clears_the_cookie(void **state)
{
    struct bench *b = *state;
    char hash[TOKEN_HASH_LEN + 1], text[TEXT_MAX];

    log_out(b, "session=" TOKEN_A, "", STORE_OK);
    token_hash(SLICE(TOKEN_A), hash);
    snprintf(text, TEXT_MAX, "logout alice %s", hash);
    assert_string_equal(b->fake.asked, text);
    assert_int_equal(b->status, 200);
    assert_string_equal(b->body, "{\"username\":\"Alice\"}");
    expect_header(b, "Set-Cookie: session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0\n");
}

static void a_logout_by_bearer_leaves_another_users_cookie(void **state)
{
    struct bench *b = *state;

    log_out(b, "session=" TOKEN_B, "Bearer " TOKEN_A, STORE_OK);
    assert_int_equal(b->status, 200);
    expect_no_header(b, "Set-Cookie");
    log_out(b, "session=" TOKEN_A, "Bearer " TOKEN_A, STORE_OK);
    expect_header(b, "Set-Cookie: session=;");
    log_out(b, "", "Bearer " TOKEN_A, STORE_OK);
    expect_header(b, "Set-Cookie: session=;");
}

static void a_refused_logout_changes_nothing(void **state)
{
    struct bench *b = *state;

    log_out(b, "session=" TOKEN_A, "", STORE_FORBIDDEN);
    expect_error(b, 403, "forbidden");
    expect_no_header(b, "Set-Cookie");
    log_out(b, "session=" TOKEN_A, "", STORE_UNKNOWN);
    expect_error(b, 401, "not_logged_in");
    expect_header(b, "WWW-Authenticate: Bearer\n");
    expect_no_header(b, "Set-Cookie");
}

static void without_a_good_token_the_store_is_not_asked(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/session");

    handle(b, &req);
    expect_error(b, 401, "not_logged_in");
    req.cookie = SLICE("session=short");
    handle(b, &req);
    expect_error(b, 401, "not_logged_in");
    assert_int_equal(b->fake.questions, 0);
}

static const struct {
    uint64_t ms;
    const char *body;
} sessions[] = {
    {86400000, "{\"username\":\"Alice\",\"expires_in\":86400}"},
    {86399001, "{\"username\":\"Alice\",\"expires_in\":86400}"},
    {1,        "{\"username\":\"Alice\",\"expires_in\":1}"    },
    {0,        "{\"username\":\"Alice\",\"expires_in\":null}" },
};

static void a_session_tells_its_user_and_its_end(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/session");
    char hash[TOKEN_HASH_LEN + 1], text[TEXT_MAX];

    token_hash(SLICE(TOKEN_A), hash);
    snprintf(text, TEXT_MAX, "session %s", hash);
    req.cookie = SLICE("session=" TOKEN_A);
    for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++) {
        handle(b, &req);
        assert_string_equal(b->fake.asked, text);
        fake_answer(&b->fake, STORE_OK, "Alice", sessions[i].ms);
        assert_int_equal(b->status, 200);
        assert_string_equal(b->body, sessions[i].body);
    }
}

/* ---- Trouble ---- */

static void whatever_is_unavailable_is_503(void **state)
{
    static const char *const paths[] = {"/login/alice", "/logout/alice", "/session"};
    struct bench *b = *state;

    for (size_t i = 0; i < 3; i++) {
        struct request req = request_of("GET", paths[i]);
        req.cookie = SLICE("session=" TOKEN_A);
        handle(b, &req);
        fake_answer(&b->fake, STORE_UNAVAILABLE, "", 0);
        expect_error(b, 503, "unavailable");
        expect_header(b, "Retry-After: 1\n");
        expect_no_header(b, "Set-Cookie");
    }
}

static void a_closed_desk_finishes_what_it_began(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/login/alice");

    handle(b, &req);
    desk_close(b->desk);
    handle(b, &req);
    expect_error(b, 503, "unavailable");
    assert_int_equal(b->fake.questions, 1);
    assert_int_equal(desk_outstanding(b->desk), 1);
    fake_answer(&b->fake, STORE_OK, "", 0);
    assert_int_equal(b->status, 200);
    assert_int_equal(desk_outstanding(b->desk), 0);
}

static void every_error_names_itself(void **state)
{
    static const struct {
        const char *method, *path;
        unsigned status;
        const char *code;
    } errors[] = {
        {"GET", "/",             404, "not_found"         },
        {"PUT", "/login/alice",  405, "method_not_allowed"},
        {"GET", "/login/group",  400, "invalid_username"  },
        {"GET", "/logout/alice", 401, "not_logged_in"     },
    };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct request req = request_of(errors[i].method, errors[i].path);
        handle(b, &req);
        expect_error(b, errors[i].status, errors[i].code);
    }
    struct request req = request_of("HEAD", "/session");
    handle(b, &req);
    expect_header(b, "Allow: GET\n");
    req = request_of("DELETE", "/logout/alice");
    handle(b, &req);
    expect_header(b, "Allow: GET, POST\n");
}

/* ---- Pages of other origins ---- */

static void a_listed_page_may_read_every_answer(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/login/alice");

    req.origin = SLICE(LISTED);
    req.fetch_site = SLICE("cross-site");
    handle(b, &req);
    fake_answer(&b->fake, STORE_OK, "", 0);
    assert_int_equal(b->status, 200);
    expect_header(b, "Access-Control-Allow-Origin: " LISTED "\n");
    expect_header(b, "Access-Control-Allow-Credentials: true\n");
    expect_header(b, "Vary: Origin\n");
    expect_no_header(b, "Access-Control-Allow-Methods");
    req.path = SLICE("/login/..");
    handle(b, &req);
    expect_error(b, 400, "invalid_username");
    expect_header(b, "Access-Control-Allow-Origin: " LISTED "\n");
}

static void a_preflight_is_answered_without_the_store(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("OPTIONS", "/login/alice");

    req.origin = SLICE(LISTED);
    handle(b, &req);
    assert_int_equal(b->status, 204);
    assert_string_equal(b->body, "");
    expect_header(b, "Access-Control-Allow-Origin: " LISTED "\n");
    expect_header(b, "Access-Control-Allow-Methods: GET, POST\n");
    expect_header(b, "Access-Control-Allow-Headers: authorization, content-type\n");
    assert_int_equal(b->fake.questions, 0);
}

static void another_page_gets_nothing(void **state)
{
    struct bench *b = *state;
    struct request req = request_of("GET", "/login/alice");

    req.origin = SLICE("https://evil.example");
    handle(b, &req);
    expect_error(b, 403, "cross_site");
    expect_no_header(b, "Access-Control");
    expect_header(b, "Vary: Origin\n");
    req.method = SLICE("OPTIONS");
    handle(b, &req);
    expect_error(b, 403, "cross_site");
    assert_int_equal(b->fake.questions, 0);
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* ---- What is counted ---- */

static void every_answer_is_counted_by_route_and_status(void **state)
{
    static const struct {
        const char *method, *path;
        enum store_status status;
        bool asks; /* the store */
        size_t route, place;
    } cases[] = {
        {"GET",     "/login/al",     STORE_OK,          true,  0, 0},
        {"GET",     "/login/al",     STORE_TAKEN,       true,  0, 7},
        {"POST",    "/login/al",     STORE_UNAVAILABLE, true,  0, 9},
        {"GET",     "/login/al",     STORE_OK,          false, 0, 8}, /* the fourth: rate_limited */
        {"GET",     "/login/a%00",   STORE_OK,          false, 0, 2},
        {"PUT",     "/login/al",     STORE_OK,          false, 0, 6},
        {"GET",     "/logout/al",    STORE_OK,          true,  1, 0},
        {"GET",     "/logout/al",    STORE_FORBIDDEN,   true,  1, 4},
        {"GET",     "/session",      STORE_UNKNOWN,     true,  2, 3},
        {"OPTIONS", "/session",      STORE_OK,          false, 2, 1},
        {"GET",     "/login",        STORE_OK,          false, 3, 5},
        {"GET",     "/nothing/here", STORE_OK,          false, 3, 5},
    };
    struct bench *b = *state;
    const struct desk_stats *stats = desk_stats(b->desk);
    uint64_t sum = 0;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request req = request_of(cases[i].method, cases[i].path);
        uint64_t before = stats->answered[cases[i].route][cases[i].place];
        req.authorization = SLICE("Bearer " TOKEN_A);
        req.origin = slice_equal(req.method, SLICE("OPTIONS")) ? SLICE(LISTED) : req.origin;
        handle(b, &req);
        assert_int_equal(stats->outstanding, cases[i].asks ? 1 : 0);
        if (cases[i].asks) {
            fake_answer(&b->fake, cases[i].status, "al", 0);
        }
        assert_int_equal(stats->outstanding, 0);
        if (stats->answered[cases[i].route][cases[i].place] != before + 1) {
            fail_msg("%s %s: %u is not counted at its place", cases[i].method, cases[i].path,
                     b->status);
        }
        char status[8];
        snprintf(status, sizeof status, "%u", b->status);
        assert_string_equal(status, desk_status_names[cases[i].place]);
    }
    for (size_t i = 0; i < DESK_ROUTES; i++) {
        for (size_t k = 0; k < DESK_STATUSES; k++) {
            sum += stats->answered[i][k];
        }
    }
    assert_int_equal(sum, sizeof cases / sizeof *cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_login_gives_a_token_whose_hash_is_stored),
        DESK_TEST(over_https_the_cookie_is_the_secure_one),
        DESK_TEST(a_preset_cookie_is_never_taken_over),
        DESK_TEST(a_taken_name_says_when_to_try_again),
        DESK_TEST(too_many_logins_of_one_address_are_refused),
        DESK_TEST(refused_requests_and_logouts_cost_no_login),
        DESK_TEST(a_logout_clears_the_cookie),
        DESK_TEST(a_logout_by_bearer_leaves_another_users_cookie),
        DESK_TEST(a_refused_logout_changes_nothing),
        DESK_TEST(without_a_good_token_the_store_is_not_asked),
        DESK_TEST(a_session_tells_its_user_and_its_end),
        DESK_TEST(whatever_is_unavailable_is_503),
        DESK_TEST(a_closed_desk_finishes_what_it_began),
        DESK_TEST(every_error_names_itself),
        DESK_TEST(a_listed_page_may_read_every_answer),
        DESK_TEST(a_preflight_is_answered_without_the_store),
        DESK_TEST(another_page_gets_nothing),
        DESK_TEST(every_answer_is_counted_by_route_and_status),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
