/* test_eio_chunked.c - bodies that come in chunks */
#include "gateway-svc/socketio/eio_chunked.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX 20

static const struct {
    const char *bytes;
    enum eio_chunked_result result;
    const char *body;
} cases[] = {
    {"0\r\n\r\n",                                       EIO_CHUNKED_DONE,      ""                    },
    {"2\r\n40\r\n0\r\n\r\n",                            EIO_CHUNKED_DONE,      "40"                  },
    {"2\r\n40\r\n3\r\nabc\r\n0\r\n\r\n",                EIO_CHUNKED_DONE,      "40abc"               },
    {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", EIO_CHUNKED_DONE,      "01234567890123456789"},
    {"002\r\n40\r\n000\r\n\r\n",                        EIO_CHUNKED_DONE,      "40"                  },
    {"2;a=b;c=\"d\"\r\n40\r\n0;x\r\n\r\n",              EIO_CHUNKED_DONE,      "40"                  },
    {"2\r\n\r\n\r\n0\r\n\r\n",                          EIO_CHUNKED_DONE,      "\r\n"                },
    {"0\r\nA: b\r\nC: d\r\n\r\n",                       EIO_CHUNKED_DONE,      ""                    },
    {"0\r\n\r\nGET / HTTP/1.1\r\n\r\n",                 EIO_CHUNKED_DONE,      ""                    },
    {"",                                                EIO_CHUNKED_MORE,      ""                    },
    {"5",                                               EIO_CHUNKED_MORE,      ""                    },
    {"5\r\nabc",                                        EIO_CHUNKED_MORE,      "abc"                 },
    {"1\r\na\r\n0\r\n",                                 EIO_CHUNKED_MORE,      "a"                   },
    {"0\r\nA: b\r\n",                                   EIO_CHUNKED_MORE,      ""                    },
    {"\r\n",                                            EIO_CHUNKED_WRONG,     ""                    },
    {";a\r\n",                                          EIO_CHUNKED_WRONG,     ""                    },
    {"g\r\n",                                           EIO_CHUNKED_WRONG,     ""                    },
    {"-1\r\n",                                          EIO_CHUNKED_WRONG,     ""                    },
    {"+1\r\n",                                          EIO_CHUNKED_WRONG,     ""                    },
    {"0x1\r\n",                                         EIO_CHUNKED_WRONG,     ""                    },
    {" 1\r\n",                                          EIO_CHUNKED_WRONG,     ""                    },
    {"1 \r\n",                                          EIO_CHUNKED_WRONG,     ""                    },
    {"1\n",                                             EIO_CHUNKED_WRONG,     ""                    },
    {"1\r\r\n",                                         EIO_CHUNKED_WRONG,     ""                    },
    {"1;a\nb\r\n",                                      EIO_CHUNKED_WRONG,     ""                    },
    {"1;a\rb\r\n",                                      EIO_CHUNKED_WRONG,     ""                    },
    {"1\r\nab\r\n",                                     EIO_CHUNKED_WRONG,     "a"                   },
    {"1\r\na\n",                                        EIO_CHUNKED_WRONG,     "a"                   },
    {"1\r\na0\r\n",                                     EIO_CHUNKED_WRONG,     "a"                   },
    {"0\r\n\n",                                         EIO_CHUNKED_WRONG,     ""                    },
    {"0\r\nA: b\n\r\n",                                 EIO_CHUNKED_WRONG,     ""                    },
    {"00000000000000001\r\n",                           EIO_CHUNKED_WRONG,     ""                    },
    {"10000000000000000\r\n",                           EIO_CHUNKED_WRONG,     ""                    },
    {"ffffffffffffffff\r\n",                            EIO_CHUNKED_TOO_LARGE, ""                    },
    {"15\r\n",                                          EIO_CHUNKED_TOO_LARGE, ""                    },
    {"1\r\na\r\n14\r\n",                                EIO_CHUNKED_TOO_LARGE, "a"                   },
};
#define CASES (sizeof cases / sizeof cases[0])

/* Reads it in pieces of that size, each in memory of its own length. */
static enum eio_chunked_result read_in(struct slice bytes, size_t piece, struct buf *body)
{
    struct eio_chunked chunked = {0};
    enum eio_chunked_result result = EIO_CHUNKED_MORE;
    for (size_t at = 0; at < bytes.len; at += piece) {
        struct slice part = exact_copy(slice_head(slice_tail(bytes, at), piece));
        result = eio_chunked_read(&chunked, part, body);
        exact_free(part);
    }
    return result;
}

static void check_case(size_t i, size_t piece)
{
    struct buf body;
    buf_init(&body, MAX);
    enum eio_chunked_result result = read_in(slice_text(cases[i].bytes), piece, &body);
    if (result != cases[i].result || !slice_equal(buf_slice(&body), slice_text(cases[i].body))) {
        fail_msg("case %zu in pieces of %zu: %d %.*s", i, piece, result, (int)body.len,
                 body.ptr ? body.ptr : "");
    }
    buf_deinit(&body);
}

static void each_body_in_pieces_of_each_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        for (size_t piece = 1; piece <= strlen(cases[i].bytes); piece++) {
            check_case(i, piece);
        }
    }
}

static void a_nul_is_wrong_but_in_data(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, MAX);
    assert_int_equal(read_in(SLICE("1\r\n\0\r\n0\r\n\r\n"), 99, &body), EIO_CHUNKED_DONE);
    assert_int_equal(body.len, 1);
    assert_int_equal(read_in(SLICE("1;\0\r\n"), 99, &body), EIO_CHUNKED_WRONG);
    assert_int_equal(read_in(SLICE("1\0\r\n"), 99, &body), EIO_CHUNKED_WRONG);
    buf_deinit(&body);
}

/* However they are spread over the body. */
static void extensions_and_trailers_have_an_end(void **state)
{
    (void)state;
    struct buf body;
    struct eio_chunked chunked = {0};
    struct slice chunk = SLICE("1;x\r\na\r\n");
    buf_init(&body, (size_t)2 * EIO_CHUNKED_EXTRA);
    for (size_t i = 0; i < EIO_CHUNKED_EXTRA; i++) {
        assert_int_equal(eio_chunked_read(&chunked, chunk, &body), EIO_CHUNKED_MORE);
    }
    assert_int_equal(body.len, EIO_CHUNKED_EXTRA);
    assert_int_equal(eio_chunked_read(&chunked, SLICE("0\r\nT"), &body), EIO_CHUNKED_WRONG);
    assert_int_equal(eio_chunked_read(&chunked, SLICE("\r\n"), &body), EIO_CHUNKED_WRONG);
    buf_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_body_in_pieces_of_each_size),
        cmocka_unit_test(a_nul_is_wrong_but_in_data),
        cmocka_unit_test(extensions_and_trailers_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
