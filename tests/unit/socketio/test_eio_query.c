/* test_eio_query.c - query strings and what is wrong with a request */
#include "gateway-svc/socketio/eio_query.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define A64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct {
    const char *label;
    struct slice raw;
    enum eio_transport transport;
    bool version_4;
    bool has_sid;
    const char *sid;
} parse_cases[] = {
    {"empty",              SLICE_INIT(""),                                         EIO_TRANSPORT_UNKNOWN, false, false, ""     },
    {"JavaScript",         SLICE_INIT("EIO=4&transport=websocket&t=x"),            EIO_WEBSOCKET,         true,  false, ""     },
    {"Swift",              SLICE_INIT("transport=polling&b64=1&EIO=4"),            EIO_POLLING,           true,  false, ""     },
    {"with sid",           SLICE_INIT("EIO=4&transport=polling&sid=a-_9"),         EIO_POLLING,           true,  true,  "a-_9" },
    {"sid empty",          SLICE_INIT("sid="),                                     EIO_TRANSPORT_UNKNOWN, false, false, ""     },
    {"sid without value",  SLICE_INIT("sid"),                                      EIO_TRANSPORT_UNKNOWN, false, false, ""     },
    {"sid of 64",          SLICE_INIT("sid=" A64),                                 EIO_TRANSPORT_UNKNOWN, false, true,  A64    },
    {"sid of 65",          SLICE_INIT("sid=" A64 "A"),                             EIO_TRANSPORT_UNKNOWN, false, true,  ""     },
    {"sid with %00",       SLICE_INIT("sid=a%00b"),                                EIO_TRANSPORT_UNKNOWN, false, true,  ""     },
    {"last one wins",      SLICE_INIT("EIO=3&EIO=4&sid=a&sid=b"),                  EIO_TRANSPORT_UNKNOWN, true,  true,
     "b"                                                                                                                       },
    {"last one wins, bad", SLICE_INIT("EIO=4&EIO=&transport=polling&transport=x"),
     EIO_TRANSPORT_UNKNOWN,                                                                               false, false, ""     },
    {"escapes",            SLICE_INIT("%45IO=%34&transport=web%73ocket"),          EIO_WEBSOCKET,         true,  false, ""     },
    {"escapes, small hex", SLICE_INIT("sid=%4a%4A"),                               EIO_TRANSPORT_UNKNOWN, false, true,  "JJ"   },
    {"broken escapes",     SLICE_INIT("sid=%4&sid=%zz%4"),                         EIO_TRANSPORT_UNKNOWN, false, true,  "%zz%4"},
    {"plus is a space",    SLICE_INIT("sid=a+b"),                                  EIO_TRANSPORT_UNKNOWN, false, true,  "a b"  },
    {"equals in a value",  SLICE_INIT("sid=a=b"),                                  EIO_TRANSPORT_UNKNOWN, false, true,  "a=b"  },
    {"EIO=04",             SLICE_INIT("EIO=04"),                                   EIO_TRANSPORT_UNKNOWN, false, false, ""     },
    {"EIO=4 and more",     SLICE_INIT("EIO=4%20"),                                 EIO_TRANSPORT_UNKNOWN, false, false, ""     },
    {"keys have a case",   SLICE_INIT("eio=4&Transport=polling&SID=x"),            EIO_TRANSPORT_UNKNOWN, false,
     false,                                                                                                             ""     },
    {"separators alone",   SLICE_INIT("&&&=&=&"),                                  EIO_TRANSPORT_UNKNOWN, false, false, ""     },
    {"a long key",         SLICE_INIT("EIO" A64 "=4&EIO=4"),                       EIO_TRANSPORT_UNKNOWN, true,  false, ""     },
    {"__proto__",          SLICE_INIT("__proto__=1&transport=__proto__"),          EIO_TRANSPORT_UNKNOWN, false,
     false,                                                                                                             ""     },
};

static void parse_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(parse_cases); i++) {
        struct slice raw = exact_copy(parse_cases[i].raw);
        struct eio_query q;
        eio_query_parse(raw, &q);
        if (q.transport != parse_cases[i].transport || q.version_4 != parse_cases[i].version_4 ||
            q.has_sid != parse_cases[i].has_sid || strcmp(q.sid, parse_cases[i].sid) != 0) {
            fail_msg("%s: transport %d, version_4 %d, has_sid %d, sid %s", parse_cases[i].label,
                     (int)q.transport, q.version_4, q.has_sid, q.sid);
        }
        exact_free(raw);
    }
}

/* No prefix of a query may be read beyond its end. */
static void every_prefix_is_safe(void **state)
{
    struct slice whole = SLICE("EIO=%34&transport=web%73ocket&sid=%41%zz&%");
    (void)state;
    for (size_t n = 0; n <= whole.len; n++) {
        struct slice raw = exact_copy(slice_head(whole, n));
        struct eio_query q;
        eio_query_parse(raw, &q);
        assert_true(n > 6 || !q.version_4);
        exact_free(raw);
    }
}

static void appended_arguments_parse_back(void **state)
{
    struct buf raw;
    struct eio_query q;
    (void)state;
    buf_init(&raw, 256);
    assert_true(eio_query_append(&raw, SLICE("x=a&b=%25+ #\0\xff")));
    assert_true(eio_query_append(&raw, SLICE("sid=a&b%+ c")));
    assert_true(eio_query_append(&raw, SLICE("EIO=4")));
    assert_true(slice_equal(buf_slice(&raw),
                            SLICE("x=a%26b=%2525%2B%20%23%00%FF&sid=a%26b%25%2B%20c&EIO=4")));
    eio_query_parse(buf_slice(&raw), &q);
    assert_string_equal(q.sid, "a&b%+ c");
    assert_true(q.version_4);
    buf_deinit(&raw);
    buf_init(&raw, 5);
    assert_false(eio_query_append(&raw, SLICE("a=%&")));
    buf_deinit(&raw);
}

static const struct {
    const char *label;
    struct slice query;
    bool get, upgrade;
    enum eio_refusal refusal;
} check_cases[] = {
    {"good",                            SLICE_INIT("EIO=4&transport=websocket"),       true,  true,  EIO_ACCEPTABLE       },
    {"the version is not looked at",    SLICE_INIT("EIO=3&transport=websocket"),       true,  true,
     EIO_ACCEPTABLE                                                                                                       },
    {"no transport",                    SLICE_INIT("EIO=4"),                           true,  true,  EIO_UNKNOWN_TRANSPORT},
    {"no transport and POST",           SLICE_INIT("EIO=4"),                           false, false, EIO_UNKNOWN_TRANSPORT},
    {"polling",                         SLICE_INIT("EIO=4&transport=polling"),         true,  false, EIO_UNKNOWN_TRANSPORT},
    {"polling asks to upgrade",         SLICE_INIT("EIO=4&transport=polling"),         true,  true,  EIO_BAD_REQUEST      },
    {"a sid",                           SLICE_INIT("EIO=4&transport=websocket&sid=x"), true,  true,  EIO_UNKNOWN_SID      },
    {"a sid before the method",         SLICE_INIT("EIO=4&transport=websocket&sid=x"), false, false,
     EIO_UNKNOWN_SID                                                                                                      },
    {"POST",                            SLICE_INIT("EIO=4&transport=websocket"),       false, true,  EIO_BAD_METHOD       },
    {"POST before the missing upgrade", SLICE_INIT("EIO=4&transport=websocket"),       false, false,
     EIO_BAD_METHOD                                                                                                       },
    {"no upgrade",                      SLICE_INIT("EIO=4&transport=websocket"),       true,  false, EIO_BAD_REQUEST      },
};

static void check_reports_the_first_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(check_cases); i++) {
        struct eio_query q;
        eio_query_parse(check_cases[i].query, &q);
        enum eio_refusal refusal = eio_request_check(&(struct eio_request){
            .query = &q, .get = check_cases[i].get, .upgrade = check_cases[i].upgrade});
        if (refusal != check_cases[i].refusal) {
            fail_msg("%s: refusal %d", check_cases[i].label, (int)refusal);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_follows_the_table),
        cmocka_unit_test(every_prefix_is_safe),
        cmocka_unit_test(appended_arguments_parse_back),
        cmocka_unit_test(check_reports_the_first_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
