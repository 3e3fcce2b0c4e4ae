/* test_admission.c - which cookie of a handshake is looked at, and whose token counts */
#include "gateway-svc/app/admission.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* 43 characters of base64url. */
#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "Bbbbbbbbbb-bbbbbbbbbb_bbbbbbbbbb0123456789b"

/* ---- A request, as the server part would hand it over ---------------------------------------- */

struct sio_request {
    const char *host, *scheme, *origin, *cookie;
};

/* What was handed out: as with the real one it is gone when the request is. */
static struct slice copies[8];
static size_t copied;

static void forget_headers(void)
{
    while (copied > 0) {
        exact_free(copies[--copied]);
    }
}

struct slice sio_request_scheme(struct sio_request *req)
{
    return req->scheme ? slice_text(req->scheme) : SLICE("http");
}

struct slice sio_request_header(struct sio_request *req, const char *name)
{
    const struct {
        const char *name, *value;
    } headers[] = {
        {"host",   req->host  },
        {"origin", req->origin},
        {"cookie", req->cookie},
    };
    for (size_t i = 0; i < ROWS(headers); i++) {
        if (strcmp(name, headers[i].name) == 0 && headers[i].value) {
            assert_true(copied < ROWS(copies));
            copies[copied] = exact_copy(slice_text(headers[i].value));
            return copies[copied++];
        }
    }
    return SLICE("");
}

static const struct {
    const char *label;
    struct sio_request req;
    const char *with, *without; /* credentials: the token, or NULL: no pass */
} handshakes[] = {
    {"no cookie",               {"h", NULL, NULL, NULL},                                NULL,    NULL   },
    {"a cookie",                {"h", NULL, NULL, "session=" TOKEN_A},                  TOKEN_A, TOKEN_A},
    {"among others",            {"h", NULL, NULL, "x=1; session=" TOKEN_A "; y=2"},     TOKEN_A, TOKEN_A},
    {"a cookie over TLS",       {"h", "https", NULL, "__Host-session=" TOKEN_B},        TOKEN_B, TOKEN_B},
    {"the plain one over TLS",  {"h", "https", NULL, "session=" TOKEN_A},               NULL,    NULL   },
    {"the other one over http", {"h", NULL, NULL, "__Host-session=" TOKEN_B},           NULL,    NULL   },
    {"both over TLS",
     {"h", "https", NULL, "session=" TOKEN_A "; __Host-session=" TOKEN_B},
     TOKEN_B,                                                                                    TOKEN_B},
    {"no token in it",          {"h", NULL, NULL, "session=hello"},                     "",      ""     },
    {"one character too many",  {"h", NULL, NULL, "session=" TOKEN_A "a"},              "",      ""     },
    {"an empty cookie",         {"h", NULL, NULL, "session="},                          NULL,    NULL   },
    {"own page",                {"h:5000", NULL, "http://h:5000", "session=" TOKEN_A},  TOKEN_A, TOKEN_A},
    {"own page, default port",  {"h", NULL, "http://h:80", "session=" TOKEN_A},         TOKEN_A, TOKEN_A},
    {"own page over TLS",       {"h", "https", "https://h", "__Host-session=" TOKEN_B}, TOKEN_B, TOKEN_B},
    {"another page",            {"h", NULL, "http://app.example", "session=" TOKEN_A},  TOKEN_A, NULL   },
    {"another port",            {"h:5000", NULL, "http://h:5001", "session=" TOKEN_A},  TOKEN_A, NULL   },
    {"another scheme",          {"h", "https", "http://h", "__Host-session=" TOKEN_B},  TOKEN_B, NULL   },
    {"null",                    {"h", NULL, "null", "session=" TOKEN_A},                TOKEN_A, NULL   },
    {"nonsense",                {"h", NULL, "h", "session=" TOKEN_A},                   TOKEN_A, NULL   },
    {"no host",                 {NULL, NULL, "http://h", "session=" TOKEN_A},           TOKEN_A, NULL   },
};

/* Empty: of a cookie that is no token. */
static struct pass pass_of(const char *token)
{
    struct pass pass = {.good = token[0] != '\0'};
    char hash[TOKEN_HASH_LEN + 1];
    token_hash(slice_text(token), hash);
    assert_true(!pass.good || token_hash_read(slice_text(hash), pass.hash));
    return pass;
}

static void look(struct sio_request req, bool credentials, const char *token)
{
    struct pass *pass = admission_pass(&req, credentials);
    forget_headers();
    assert_int_equal(pass != NULL, token != NULL);
    if (pass && token) {
        struct pass wanted = pass_of(token);
        assert_int_equal(pass->good, wanted.good);
        assert_memory_equal(pass->hash, wanted.hash, sizeof wanted.hash);
    }
    free(pass);
}

static void handshakes_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(handshakes); i++) {
        print_message("  %s\n", handshakes[i].label);
        look(handshakes[i].req, true, handshakes[i].with);
        look(handshakes[i].req, false, handshakes[i].without);
    }
}

static const struct {
    const char *label;
    struct slice auth;
    const char *pass; /* NULL: no cookie */
    enum admission result;
    const char *token; /* whose hash it is */
} tokens[] = {
    {"nothing",                         SLICE_INIT(""),                                                            NULL,    ADMISSION_NO_TOKEN,  NULL   },
    {"empty auth",                      SLICE_INIT("{}"),                                                          NULL,    ADMISSION_NO_TOKEN,  NULL   },
    {"auth without token",              SLICE_INIT("{\"x\":1}"),                                                   NULL,    ADMISSION_NO_TOKEN,  NULL   },
    {"token is null",                   SLICE_INIT("{\"token\":null}"),                                            NULL,    ADMISSION_NO_TOKEN,  NULL   },
    {"token",                           SLICE_INIT("{\"token\":\"" TOKEN_A "\"}"),                                 NULL,    ADMISSION_OK,        TOKEN_A},
    {"escaped",
     SLICE_INIT("{\"t\\u006fken\":\"\\u0061"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "\"}"),
     NULL,                                                                                                                  ADMISSION_OK,        TOKEN_A},
    {"cookie",                          SLICE_INIT(""),                                                            TOKEN_B, ADMISSION_OK,        TOKEN_B},
    {"cookie and empty auth",           SLICE_INIT("{}"),                                                          TOKEN_B, ADMISSION_OK,        TOKEN_B},
    {"cookie and null",                 SLICE_INIT("{\"token\":null}"),                                            TOKEN_B, ADMISSION_OK,        TOKEN_B},
    {"both: the token counts",          SLICE_INIT("{\"token\":\"" TOKEN_A "\"}"),                                 TOKEN_B, ADMISSION_OK,
     TOKEN_A                                                                                                                                            },
    {"a cookie that is no token",       SLICE_INIT(""),                                                            "",      ADMISSION_BAD_TOKEN, NULL   },
    {"... but auth has one",            SLICE_INIT("{\"token\":\"" TOKEN_A "\"}"),                                 "",      ADMISSION_OK,        TOKEN_A},
    {"never back to the cookie: empty", SLICE_INIT("{\"token\":\"\"}"),                                            TOKEN_B,
     ADMISSION_BAD_TOKEN,                                                                                                                        NULL   },
    {"... too short",                   SLICE_INIT("{\"token\":\"abc\"}"),                                         TOKEN_B, ADMISSION_BAD_TOKEN, NULL   },
    {"... too long",                    SLICE_INIT("{\"token\":\"" TOKEN_A "a\"}"),                                TOKEN_B, ADMISSION_BAD_TOKEN,
     NULL                                                                                                                                               },
    {"... NUL behind",                  SLICE_INIT("{\"token\":\"" TOKEN_A "\\u0000\"}"),                          TOKEN_B,
     ADMISSION_BAD_TOKEN,                                                                                                                        NULL   },
    {"... a number",                    SLICE_INIT("{\"token\":7}"),                                               TOKEN_B, ADMISSION_BAD_TOKEN, NULL   },
    {"... a list",                      SLICE_INIT("{\"token\":[\"" TOKEN_A "\"]}"),                               TOKEN_B, ADMISSION_BAD_TOKEN, NULL   },
    {"... half a character",            SLICE_INIT("{\"token\":\"\\ud800\"}"),                                     TOKEN_B, ADMISSION_BAD_TOKEN,
     NULL                                                                                                                                               },
    {"... twice",                       SLICE_INIT("{\"token\":\"" TOKEN_A "\",\"token\":\"" TOKEN_A "\"}"),       TOKEN_B,
     ADMISSION_BAD_TOKEN,                                                                                                                        NULL   },
    {"another character",               SLICE_INIT("{\"token\":\"+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"),
     NULL,                                                                                                                  ADMISSION_BAD_TOKEN, NULL   },
};

static void tokens_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(tokens); i++) {
        char hash[TOKEN_HASH_LEN + 1] = "", wanted[TOKEN_HASH_LEN + 1] = "";
        struct pass pass = pass_of(tokens[i].pass ? tokens[i].pass : "");
        print_message("  %s\n", tokens[i].label);
        if (tokens[i].token) {
            token_hash(slice_text(tokens[i].token), wanted);
        }
        struct slice auth = exact_copy(tokens[i].auth);
        assert_int_equal(admission_token(auth, tokens[i].pass ? &pass : NULL, hash),
                         tokens[i].result);
        exact_free(auth);
        assert_string_equal(hash, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes_follow_the_table),
        cmocka_unit_test(tokens_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
