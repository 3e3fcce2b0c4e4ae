/* test_admission.c - which handshakes are let in, and whose token counts */
#include "gateway-svc/app/admission.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define LISTED "https://app.example, http://other.example:8080"

/* 43 characters of base64url. */
#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "Bbbbbbbbbb-bbbbbbbbbb_bbbbbbbbbb0123456789b"

/* ---- A request, as the server part would hand it over ---------------------------------------- */

struct sio_request {
    const char *host, *proto, *origin, *cookie;
};

/* The real one overwrites its answer with the next; here, whoever looks at it then is caught. */
static struct slice last_header;

static void forget_header(void)
{
    if (last_header.ptr) {
        exact_free(last_header);
        last_header = slice_text(NULL);
    }
}

struct slice sio_request_header(struct sio_request *req, const char *name)
{
    const struct {
        const char *name, *value;
    } headers[] = {
        {"host:",              req->host  },
        {"x-forwarded-proto:", req->proto },
        {"origin:",            req->origin},
        {"cookie:",            req->cookie},
    };
    forget_header();
    for (size_t i = 0; i < ROWS(headers); i++) {
        if (strcmp(name, headers[i].name) == 0 && headers[i].value) {
            last_header = exact_copy(slice_text(headers[i].value));
        }
    }
    return last_header;
}

static const struct {
    const char *label;
    struct sio_request req;
    bool allowed;
    const char *token; /* NULL: no pass */
} handshakes[] = {
    {"no origin, no cookie",       {"chat.example", NULL, NULL, NULL},                            true,  NULL   },
    {"own origin",                 {"chat.example:5000", NULL, "http://chat.example:5000", NULL}, true,  NULL   },
    {"own origin, default port",
     {"chat.example", NULL, "http://chat.example:80", NULL},
     true,                                                                                               NULL   },
    {"own origin over TLS",        {"chat.example", "https", "https://chat.example", NULL},       true,  NULL   },
    {"scheme in capitals",         {"chat.example", "HTTPS", "https://chat.example", NULL},       true,  NULL   },
    {"another scheme",             {"chat.example", NULL, "https://chat.example", NULL},          false, NULL   },
    {"TLS, but a plain page",      {"chat.example", "https", "http://chat.example", NULL},        false, NULL   },
    {"another port",               {"chat.example:5000", NULL, "http://chat.example:5001", NULL}, false, NULL   },
    {"another host",               {"chat.example", NULL, "http://evil.example", NULL},           false, NULL   },
    {"a longer host",              {"chat.example", NULL, "http://chat.example.evil", NULL},      false, NULL   },
    {"null",                       {"chat.example", NULL, "null", NULL},                          false, NULL   },
    {"nonsense",                   {"chat.example", NULL, "chat.example", NULL},                  false, NULL   },
    {"listed",                     {"chat.example", NULL, "https://app.example", NULL},           true,  NULL   },
    {"listed with its port",       {"chat.example", NULL, "http://other.example:8080", NULL},     true,  NULL   },
    {"listed, other port",         {"chat.example", NULL, "http://other.example:8081", NULL},     false, NULL   },
    {"no host",                    {NULL, NULL, "http://chat.example", NULL},                     false, NULL   },
    {"a cookie",                   {"h", NULL, NULL, "session=" TOKEN_A},                         true,  TOKEN_A},
    {"among others",               {"h", NULL, NULL, "x=1; session=" TOKEN_A "; y=2"},            true,  TOKEN_A},
    {"a cookie over TLS",          {"h", "https", NULL, "__Host-session=" TOKEN_B},               true,  TOKEN_B},
    {"the plain one over TLS",     {"h", "https", NULL, "session=" TOKEN_A},                      true,  NULL   },
    {"the other one over http",    {"h", NULL, NULL, "__Host-session=" TOKEN_B},                  true,  NULL   },
    {"both over TLS",
     {"h", "https", NULL, "session=" TOKEN_A "; __Host-session=" TOKEN_B},
     true,                                                                                               TOKEN_B},
    {"no token in it",             {"h", NULL, NULL, "session=hello"},                            true,  ""     },
    {"one character too many",     {"h", NULL, NULL, "session=" TOKEN_A "a"},                     true,  ""     },
    {"an empty cookie",            {"h", NULL, NULL, "session="},                                 true,  NULL   },
    {"a cookie of a foreign page",
     {"h", NULL, "http://evil.example", "session=" TOKEN_A},
     false,                                                                                              NULL   },
};

static void handshakes_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(handshakes); i++) {
        struct sio_request req = handshakes[i].req;
        struct pass *pass = (struct pass *)&req; /* must be set in any case */
        print_message("  %s\n", handshakes[i].label);
        const char *refusal = admission_allow(&req, LISTED, &pass);
        forget_header();
        assert_int_equal(refusal == NULL, handshakes[i].allowed);
        assert_int_equal(pass != NULL, handshakes[i].token != NULL);
        if (pass) {
            assert_string_equal(pass->token, handshakes[i].token);
            free(pass);
        }
    }
}

static void a_host_too_long_to_be_one_is_refused(void **state)
{
    char host[600];
    (void)state;
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    struct sio_request req = {.host = host};
    struct pass *pass;
    assert_non_null(admission_allow(&req, "", &pass));
    assert_null(pass);
    forget_header();
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
        struct pass pass = {""};
        print_message("  %s\n", tokens[i].label);
        if (tokens[i].pass) {
            memcpy(pass.token, tokens[i].pass, strlen(tokens[i].pass) + 1);
        }
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
        cmocka_unit_test(a_host_too_long_to_be_one_is_refused),
        cmocka_unit_test(tokens_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
