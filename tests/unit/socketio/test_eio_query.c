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
    {"the longest sid",    SLICE_INIT("sid=" A64 "AAAAAAAAA"),                     EIO_TRANSPORT_UNKNOWN, false, true,
     A64 "AAAAAAAAA"                                                                                                           },
    {"too long a sid",     SLICE_INIT("sid=" A64 "AAAAAAAAAA"),                    EIO_TRANSPORT_UNKNOWN, false, true,  ""     },
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

/* What is there when a request comes: g: its method is GET, p: POST, o: another; u: asks to
 * upgrade; k: its sid is known, P: and that connection is polling still. */
static const struct {
    const char *label;
    struct slice query;
    const char *facts;
    enum eio_refusal refusal;
} check_cases[] = {
    {"a WebSocket",                           SLICE_INIT("EIO=4&transport=websocket"),         "gu",   EIO_ACCEPTABLE       },
    {"polling",                               SLICE_INIT("EIO=4&transport=polling"),           "g",    EIO_ACCEPTABLE       },
    {"the version is not looked at",          SLICE_INIT("EIO=3&transport=polling"),           "g",    EIO_ACCEPTABLE       },
    {"no transport",                          SLICE_INIT("EIO=4"),                             "g",    EIO_UNKNOWN_TRANSPORT},
    {"no transport and POST",                 SLICE_INIT("EIO=4"),                             "p",    EIO_UNKNOWN_TRANSPORT},
    {"no transport and a sid",                SLICE_INIT("EIO=4&sid=x"),                       "g",    EIO_UNKNOWN_TRANSPORT},
    {"polling asks to upgrade",               SLICE_INIT("EIO=4&transport=polling"),           "gu",   EIO_BAD_REQUEST      },
    {"a WebSocket does not",                  SLICE_INIT("EIO=4&transport=websocket"),         "g",    EIO_BAD_REQUEST      },
    {"POST",                                  SLICE_INIT("EIO=4&transport=polling"),           "p",    EIO_BAD_METHOD       },
    {"another method",                        SLICE_INIT("EIO=4&transport=polling"),           "o",    EIO_BAD_METHOD       },
    {"POST before the missing upgrade",       SLICE_INIT("transport=websocket"),               "p",    EIO_BAD_METHOD       },
    {"unknown sid",                           SLICE_INIT("EIO=4&transport=polling&sid=x"),     "g",    EIO_UNKNOWN_SID      },
    {"unknown sid and POST",                  SLICE_INIT("EIO=4&transport=polling&sid=x"),     "p",    EIO_UNKNOWN_SID      },
    {"unknown sid, WebSocket",                SLICE_INIT("EIO=4&transport=websocket&sid=x"),   "gu",
     EIO_UNKNOWN_SID                                                                                                        },
    {"a poll",                                SLICE_INIT("EIO=4&transport=polling&sid=x"),     "gkP",  EIO_ACCEPTABLE       },
    {"a POST",                                SLICE_INIT("EIO=4&transport=polling&sid=x"),     "pkP",  EIO_ACCEPTABLE       },
    {"an upgrade",                            SLICE_INIT("EIO=4&transport=websocket&sid=x"),   "gukP", EIO_ACCEPTABLE       },
    {"a poll after it",                       SLICE_INIT("EIO=4&transport=polling&sid=x"),     "gk",   EIO_BAD_REQUEST      },
    {"an upgrade after it",                   SLICE_INIT("EIO=4&transport=websocket&sid=x"),   "guk",  EIO_BAD_REQUEST      },
    {"a poll that upgrades",                  SLICE_INIT("EIO=4&transport=polling&sid=x"),     "gukP", EIO_BAD_REQUEST      },
    {"an upgrade that does not",              SLICE_INIT("EIO=4&transport=websocket&sid=x"),   "gkP",
     EIO_BAD_REQUEST                                                                                                        },
    {"a poll of another version",             SLICE_INIT("EIO=3&transport=polling&sid=x"),     "gkP",
     EIO_BAD_REQUEST                                                                                                        },
    {"a poll of none",                        SLICE_INIT("transport=polling&sid=x"),           "gkP",  EIO_BAD_REQUEST      },
    {"JSONP",                                 SLICE_INIT("EIO=4&transport=polling&j=0"),       "g",    EIO_BAD_REQUEST      },
    {"JSONP and POST",                        SLICE_INIT("EIO=4&transport=polling&j=0"),       "p",    EIO_BAD_METHOD       },
    {"JSONP, unknown sid",                    SLICE_INIT("j&EIO=4&transport=polling&sid=x"),   "g",    EIO_UNKNOWN_SID      },
    {"a poll in JSONP",                       SLICE_INIT("j=&EIO=4&transport=polling&sid=x"),  "gkP",  EIO_BAD_REQUEST      },
    {"a POST in JSONP",                       SLICE_INIT("EIO=4&transport=polling&sid=x&j=1"), "pkP",  EIO_BAD_REQUEST      },
    {"j of a WebSocket is the application's", SLICE_INIT("EIO=4&transport=websocket&j=1"),     "gu",
     EIO_ACCEPTABLE                                                                                                         },
};

static enum eio_refusal check(size_t i, bool polling, bool websocket)
{
    const char *facts = check_cases[i].facts;
    struct eio_query q;
    eio_query_parse(check_cases[i].query, &q);
    return eio_request_check(&(struct eio_request){.query = &q,
                                                   .method = strchr(facts, 'g') ? HTTP_GET
                                                             : strchr(facts, 'p')
                                                                 ? HTTP_POST
                                                                 : HTTP_OTHER_METHOD,
                                                   .upgrade = strchr(facts, 'u') != NULL,
                                                   .known = strchr(facts, 'k') != NULL,
                                                   .polls = strchr(facts, 'P') != NULL,
                                                   .polling = polling,
                                                   .websocket = websocket});
}

static void check_reports_the_first_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(check_cases); i++) {
        enum eio_refusal refusal = check(i, true, true);
        if (refusal != check_cases[i].refusal) {
            fail_msg("%s: refusal %d", check_cases[i].label, (int)refusal);
        }
    }
}

static void a_transport_that_is_not_served_is_unknown(void **state)
{
    (void)state;
    assert_int_equal(check(0, true, false), EIO_UNKNOWN_TRANSPORT);
    assert_int_equal(check(0, false, true), EIO_ACCEPTABLE);
    assert_int_equal(check(1, false, true), EIO_UNKNOWN_TRANSPORT);
    assert_int_equal(check(1, true, false), EIO_ACCEPTABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_follows_the_table),
        cmocka_unit_test(every_prefix_is_safe),
        cmocka_unit_test(check_reports_the_first_fault),
        cmocka_unit_test(a_transport_that_is_not_served_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
