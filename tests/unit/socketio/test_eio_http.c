/* test_eio_http.c - plain HTTP answers */
#include "gateway-svc/socketio/eio_http.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ANSWER_MAX 2048

static void answers_are_whole(void **state)
{
    struct eio_answer answer = {.status = 426,
                                .type = "text/plain",
                                .body = SLICE("no\n"),
                                .header = "Sec-WebSocket-Version: 13",
                                .close = true};
    struct buf out;
    (void)state;
    buf_init(&out, ANSWER_MAX);
    assert_true(eio_answer_print(&answer, &out));
    assert_string_equal(out.ptr, "HTTP/1.1 426 Upgrade Required\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 3\r\nCache-Control: no-store\r\n"
                                 "X-Content-Type-Options: nosniff\r\n"
                                 "Sec-WebSocket-Version: 13\r\nConnection: close\r\n\r\nno\n");
    buf_clear(&out);
    answer = (struct eio_answer){.status = 299, .type = "a/b", .body = SLICE("")};
    assert_true(eio_answer_print(&answer, &out));
    assert_non_null(strstr(out.ptr, "HTTP/1.1 299 Status\r\n"));
    assert_non_null(strstr(out.ptr, "\r\nConnection: keep-alive\r\n\r\n"));
    buf_deinit(&out);
}

static void a_body_that_lasts_is_not_copied(void **state)
{
    struct eio_answer answer = {
        .status = 200, .type = "a/b", .body = SLICE("twelve bytes"), .lasts = true};
    struct buf out;
    (void)state;
    buf_init(&out, ANSWER_MAX);
    assert_true(eio_answer_print(&answer, &out));
    assert_non_null(strstr(out.ptr, "\r\nContent-Length: 12\r\n"));
    assert_string_equal(out.ptr + out.len - 4, "\r\n\r\n");
    buf_deinit(&out);
}

static void what_does_not_fit_is_not_sent(void **state)
{
    struct eio_answer answer = {.status = 200, .type = "a/b", .body = SLICE("0123456789")};
    struct buf out;
    (void)state;
    buf_init(&out, 160);
    assert_true(eio_answer_print(&answer, &out));
    size_t whole = out.len;
    buf_deinit(&out);
    for (size_t max = 0; max < whole; max++) {
        buf_init(&out, max);
        assert_false(eio_answer_print(&answer, &out));
        buf_deinit(&out);
    }
}

static void refusals_are_json(void **state)
{
    static const struct {
        const char *text;
        const char *wanted;
        enum eio_refusal refusal;
        unsigned status;
    } cases[] = {
        {NULL,        "{\"code\":0,\"message\":\"Transport unknown\"}",            EIO_UNKNOWN_TRANSPORT,   400},
        {NULL,        "{\"code\":1,\"message\":\"Session ID unknown\"}",           EIO_UNKNOWN_SID,         400},
        {NULL,        "{\"code\":2,\"message\":\"Bad handshake method\"}",         EIO_BAD_METHOD,          400},
        {NULL,        "{\"code\":3,\"message\":\"Bad request\"}",                  EIO_BAD_REQUEST,         400},
        {NULL,        "{\"code\":4,\"message\":\"Forbidden\"}",                    EIO_FORBIDDEN,           403},
        {"say \"x\"", "{\"code\":4,\"message\":\"say \\\"x\\\"\"}",                EIO_FORBIDDEN,           403},
        {NULL,        "{\"code\":5,\"message\":\"Unsupported protocol version\"}", EIO_UNSUPPORTED_VERSION,
         400                                                                                                   },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, 200);
        assert_true(eio_refusal_print(cases[i].refusal, cases[i].text, &out));
        assert_string_equal(out.ptr, cases[i].wanted);
        assert_int_equal(eio_refusal_status(cases[i].refusal), cases[i].status);
        buf_deinit(&out);
    }
}

static void heads_without_bodies_and_lines_of_the_callers(void **state)
{
    struct eio_answer answer = {.status = 304,
                                .type = "text/javascript",
                                .body = SLICE("twelve bytes"),
                                .lines = SLICE("ETag: \"1\"\r\nVary: Origin\r\n"),
                                .cache = "public, max-age=0",
                                .no_body = true};
    struct buf out;
    (void)state;
    buf_init(&out, ANSWER_MAX);
    assert_true(eio_answer_print(&answer, &out));
    assert_string_equal(out.ptr, "HTTP/1.1 304 Not Modified\r\nContent-Type: text/javascript\r\n"
                                 "Content-Length: 12\r\nCache-Control: public, max-age=0\r\n"
                                 "X-Content-Type-Options: nosniff\r\n"
                                 "ETag: \"1\"\r\nVary: Origin\r\n"
                                 "Connection: keep-alive\r\n\r\n");
    buf_deinit(&out);
}

static void the_head_ends_with_the_first_empty_line(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    static const char *const never[] = {"\r\n\r",     "\n\n",     "a\n\n\n\n",
                                        "\r\n\n\r\n", "\r\r\n\n", "\r\n \r\n"};
    (void)state;
    for (size_t n = 0; n <= sizeof whole - 1; n++) {
        struct slice copy = exact_copy((struct slice){whole, n});
        assert_int_equal(eio_head_size(copy), n == sizeof whole - 1 ? n : 0);
        exact_free(copy);
    }
    assert_int_equal(eio_head_size(SLICE("\r\n\r\n")), 4);
    assert_int_equal(eio_head_size(SLICE("a\r\n\r\nbody\r\n\r\n")), 5);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        struct slice copy = exact_copy(slice_text(never[i]));
        assert_int_equal(eio_head_size(copy), 0);
        exact_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_whole),
        cmocka_unit_test(a_body_that_lasts_is_not_copied),
        cmocka_unit_test(what_does_not_fit_is_not_sent),
        cmocka_unit_test(refusals_are_json),
        cmocka_unit_test(heads_without_bodies_and_lines_of_the_callers),
        cmocka_unit_test(the_head_ends_with_the_first_empty_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
