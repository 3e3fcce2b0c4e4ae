/* test_eio_cors.c - which pages may use the server, and what they are told */
#include "gateway-svc/socketio/eio_cors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LINES_MAX 2048

static const struct {
    const char *label;
    const char *origins;
    const char *origin;
    bool allowed;
    const char *lines;
} cases[] = {
    {"no policy",          NULL,                                        "https://evil.example",   true,  ""                                  },
    {"everybody",          "*",                                         "https://evil.example",   true,  "Access-Control-Allow-Origin: *\r\n"},
    {"everybody, no page", "*",                                         "",                       true,  "Access-Control-Allow-Origin: *\r\n"},
    {"no page",            "https://a.example",                         "",                       true,  "Vary: Origin\r\n"                  },
    {"its own page",       "",                                          "http://chat.example",    true,  "Vary: Origin\r\n"                  },
    {"listed",             "https://a.example",                         "https://a.example",      true,
     "Vary: Origin\r\nAccess-Control-Allow-Origin: https://a.example\r\n"                                                                    },
    {"listed second",      "https://a.example, https://b.example:8443", "https://b.example:8443", true,
     "Vary: Origin\r\nAccess-Control-Allow-Origin: https://b.example:8443\r\n"                                                               },
    {"foreign",            "https://a.example",                         "https://evil.example",   false, "Vary: Origin\r\n"                  },
    {"a longer name",      "https://a.example",                         "https://a.example.evil", false, "Vary: Origin\r\n"                  },
    {"another scheme",     "https://a.example",                         "http://a.example",       false, "Vary: Origin\r\n"                  },
    {"null",               "https://a.example",                         "null",                   false, "Vary: Origin\r\n"                  },
};

static void pages_are_judged_by_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sio_config config;
        struct buf lines;
        struct eio_cors_request req = {.scheme = SLICE("http"),
                                       .host = SLICE("chat.example"),
                                       .origin = slice_text(cases[i].origin)};
        sio_config_defaults(&config);
        config.origins = cases[i].origins;
        buf_init(&lines, LINES_MAX);
        bool allowed = eio_cors_allows(&config, &req);
        assert_true(eio_cors_append(&lines, &config, &req, false));
        if (allowed != cases[i].allowed ||
            !slice_equal(buf_slice(&lines), slice_text(cases[i].lines))) {
            fail_msg("%s: %d, %s", cases[i].label, allowed, lines.len > 0 ? lines.ptr : "");
        }
        buf_deinit(&lines);
    }
}

static void check_preflight(const struct sio_config *config, struct slice wanted, const char *lines)
{
    struct buf out;
    struct eio_cors_request req = {.scheme = SLICE("http"),
                                   .host = SLICE("chat.example"),
                                   .origin = SLICE("https://a.example"),
                                   .wanted_headers = wanted};
    buf_init(&out, LINES_MAX);
    assert_true(eio_cors_append(&out, config, &req, true));
    assert_string_equal(out.ptr, lines);
    buf_deinit(&out);
}

static void preflights_tell_methods_and_headers(void **state)
{
    struct sio_config config;
    (void)state;
    sio_config_defaults(&config);
    config.origins = "https://a.example";
    config.credentials = true;
    config.cors_max_age_s = 600;
    config.cors_expose = "x-never-in-a-preflight";
#define START                                                                                      \
    "Vary: Origin\r\nAccess-Control-Allow-Origin: https://a.example\r\n"                           \
    "Access-Control-Allow-Credentials: true\r\n"
#define METHODS "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"
    check_preflight(&config, SLICE("Authorization, x-a"),
                    START "Vary: Access-Control-Request-Headers\r\n" METHODS
                          "Access-Control-Allow-Headers: Authorization, x-a\r\n"
                          "Access-Control-Max-Age: 600\r\n");
    check_preflight(&config, SLICE("x: y\r\nSet-Cookie: a=b"),
                    START "Vary: Access-Control-Request-Headers\r\n" METHODS
                          "Access-Control-Max-Age: 600\r\n");
    config.cors_headers = "x-b";
    config.cors_max_age_s = 0;
    check_preflight(&config, SLICE("x-a"), START METHODS "Access-Control-Allow-Headers: x-b\r\n");
}

static void answers_tell_which_headers_a_page_may_read(void **state)
{
    struct sio_config config;
    struct buf out;
    struct eio_cors_request req = {.origin = SLICE("https://a.example")};
    (void)state;
    sio_config_defaults(&config);
    config.origins = "*";
    config.cors_expose = "x-c";
    buf_init(&out, LINES_MAX);
    assert_true(eio_cors_append(&out, &config, &req, false));
    assert_string_equal(out.ptr,
                        "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: x-c\r\n");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_judged_by_the_table),
        cmocka_unit_test(preflights_tell_methods_and_headers),
        cmocka_unit_test(answers_tell_which_headers_a_page_may_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
