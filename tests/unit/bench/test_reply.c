/* test_reply.c - HTTP responses, whole and cut */
#include "tests/bench/load/reply.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *label;
    struct slice in;
    enum reply_result result;
    unsigned status;
    struct slice body;
    size_t left; /* bytes behind it */
} cases[] = {
    {"an upgrade",       SLICE_INIT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81"),
     REPLY_OK,                                                                                                        101, SLICE_INIT(""),   1},
    {"a body",           SLICE_INIT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),                     REPLY_OK,  200,
     SLICE_INIT("ok"),                                                                                                                       0},
    {"in any case",      SLICE_INIT("HTTP/1.0 409 No\r\ncontent-length:2\r\nA: b\r\n\r\nnoH"),             REPLY_OK,
     409,                                                                                                                  SLICE_INIT("no"), 1},
    {"no length",        SLICE_INIT("HTTP/1.1 200 OK\r\n\r\n"),                                            REPLY_OK,  200, SLICE_INIT(""),   0},
    {"not HTTP",         SLICE_INIT("SSH-2.0-x\r\n\r\n"),                                                  REPLY_BAD, 0,   SLICE_INIT(""),   0},
    {"no status",        SLICE_INIT("HTTP/1.1 abc\r\n\r\n"),                                               REPLY_BAD, 0,   SLICE_INIT(""),   0},
    {"length no number", SLICE_INIT("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),                      REPLY_BAD, 0,
     SLICE_INIT(""),                                                                                                                         0},
};

static void reading_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice in = exact_copy(cases[i].in);
        struct reply reply = {0};
        enum reply_result result = reply_read(in, &reply);
        size_t used = result == REPLY_OK ? in.len - cases[i].left : 0;
        if (result != cases[i].result || reply.status != cases[i].status || reply.used != used ||
            !slice_equal(reply.body, cases[i].body)) {
            fail_msg("%s", cases[i].label);
        }
        exact_free(in);
    }
}

static void every_beginning_wants_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        for (size_t n = 0; cases[i].result == REPLY_OK && n < cases[i].in.len - cases[i].left;
             n++) {
            struct slice part = exact_copy(slice_head(cases[i].in, n));
            struct reply reply;
            assert_int_equal(reply_read(part, &reply), REPLY_MORE);
            exact_free(part);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_follows_the_table),
        cmocka_unit_test(every_beginning_wants_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
