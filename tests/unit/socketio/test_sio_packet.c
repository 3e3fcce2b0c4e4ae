/* test_sio_packet.c - Socket.IO packets */
#include "gateway-svc/socketio/sio_packet.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NO_ACK UINT64_MAX

/* What is taken. */
static const struct {
    struct slice text;
    enum sio_packet_type type;
    struct slice nsp;
    uint64_t ack_id; /* or NO_ACK */
    struct slice name, args, payload;
} good[] = {
    {SLICE_INIT("0"),                                            SIO_PACKET_CONNECT,      SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),        SLICE_INIT(""),
     SLICE_INIT("")                                                                                                                                                                                                               },
    {SLICE_INIT("0/"),                                           SIO_PACKET_CONNECT,      SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),        SLICE_INIT(""),
     SLICE_INIT("")                                                                                                                                                                                                               },
    {SLICE_INIT("0/,"),                                          SIO_PACKET_CONNECT,      SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),        SLICE_INIT(""),
     SLICE_INIT("")                                                                                                                                                                                                               },
    {SLICE_INIT("0/,{}"),                                        SIO_PACKET_CONNECT,      SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("{}")       },
    {SLICE_INIT("0{\"a\":1}"),                                   SIO_PACKET_CONNECT,      SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("{\"a\":1}")},
    {SLICE_INIT("0/custom"),                                     SIO_PACKET_CONNECT,      SLICE_INIT("/custom"), NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("0/custom,"),                                    SIO_PACKET_CONNECT,      SLICE_INIT("/custom"), NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("0/a?b=c,{}"),                                   SIO_PACKET_CONNECT,      SLICE_INIT("/a?b=c"),  NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("{}")       },
    {SLICE_INIT("1"),                                            SIO_PACKET_DISCONNECT,   SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("1/,"),                                          SIO_PACKET_DISCONNECT,   SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("1/custom"),                                     SIO_PACKET_DISCONNECT,   SLICE_INIT("/custom"), NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("2[\"a\"]"),                                     SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("a"),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("2[\"\"]"),                                      SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("2[5]"),                                         SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("5"),       SLICE_INIT(""),
     SLICE_INIT("")                                                                                                                                                                                                               },
    {SLICE_INIT("2[-1.5,7]"),                                    SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("-1.5"),
     SLICE_INIT("7"),                                                                                                                                                                                      SLICE_INIT("")         },
    {SLICE_INIT("2[\"a\",1.0,[2]]"),                             SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("a"),
     SLICE_INIT("1.0,[2]"),                                                                                                                                                                                SLICE_INIT("")         },
    {SLICE_INIT("2 [ \"a\" , 1 ] "),                             SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("a"),
     SLICE_INIT("1"),                                                                                                                                                                                      SLICE_INIT("")         },
    {SLICE_INIT("2[\"a\"\t\r\n ]"),                              SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("a"),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("2[\"\\\"],\",1]"),                              SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("\\\"],"),
     SLICE_INIT("1"),                                                                                                                                                                                      SLICE_INIT("")         },
    {SLICE_INIT("20[\"a\"]"),                                    SIO_PACKET_EVENT,        SLICE_INIT("/"),       0,                SLICE_INIT("a"),       SLICE_INIT(""),
     SLICE_INIT("")                                                                                                                                                                                                               },
    {SLICE_INIT("2007[\"a\"]"),                                  SIO_PACKET_EVENT,        SLICE_INIT("/"),       7,                SLICE_INIT("a"),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("29007199254740991[\"a\"]"),                     SIO_PACKET_EVENT,        SLICE_INIT("/"),       9007199254740991,
     SLICE_INIT("a"),                                                                                                                                     SLICE_INIT(""),                                  SLICE_INIT("")         },
    {SLICE_INIT("2/c,12[\"a\"]"),                                SIO_PACKET_EVENT,        SLICE_INIT("/c"),      12,               SLICE_INIT("a"),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("2[\"message\"]"),                               SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("message"),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("2[\"Connect\"]"),                               SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("Connect"),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("2[\"\\ud800\"]"),                               SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,           SLICE_INIT("\\ud800"),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("2[\"connect\\u0000\"]"),                        SIO_PACKET_EVENT,        SLICE_INIT("/"),       NO_ACK,
     SLICE_INIT("connect\\u0000"),                                                                                                                        SLICE_INIT(""),                                  SLICE_INIT("")         },
    {SLICE_INIT("31[]"),                                         SIO_PACKET_ACK,          SLICE_INIT("/"),       1,                SLICE_INIT(""),        SLICE_INIT(""),
     SLICE_INIT("")                                                                                                                                                                                                               },
    {SLICE_INIT("31[ 1, 2 ]"),                                   SIO_PACKET_ACK,          SLICE_INIT("/"),       1,                SLICE_INIT(""),        SLICE_INIT(""),
     SLICE_INIT("1, 2")                                                                                                                                                                                                           },
    {SLICE_INIT("3"),                                            SIO_PACKET_ACK,          SLICE_INIT("/"),       NO_ACK,           SLICE_INIT(""),        SLICE_INIT(""),
     SLICE_INIT("")                                                                                                                                                                                                               },
    {SLICE_INIT("51-[\"a\",{\"_placeholder\":true,\"num\":0}]"), SIO_PACKET_BINARY_EVENT,
     SLICE_INIT("/"),                                                                                            NO_ACK,           SLICE_INIT("a"),       SLICE_INIT("{\"_placeholder\":true,\"num\":0}"),
     SLICE_INIT("")                                                                                                                                                                                                               },
    {SLICE_INIT("510-/c,3[\"a\"]"),                              SIO_PACKET_BINARY_EVENT, SLICE_INIT("/c"),      3,                SLICE_INIT("a"),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
    {SLICE_INIT("62-1[]"),                                       SIO_PACKET_BINARY_ACK,   SLICE_INIT("/"),       1,                SLICE_INIT(""),
     SLICE_INIT(""),                                                                                                                                                                                       SLICE_INIT("")         },
};

static bool same(const struct sio_packet *p, size_t i)
{
    return p->type == good[i].type && slice_equal(p->nsp, good[i].nsp) &&
           p->has_ack_id == (good[i].ack_id != NO_ACK) &&
           (!p->has_ack_id || p->ack_id == good[i].ack_id) && slice_equal(p->name, good[i].name) &&
           slice_equal(p->args, good[i].args) && slice_equal(p->payload, good[i].payload);
}

static void good_packets_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(good); i++) {
        struct slice text = exact_copy(good[i].text);
        struct sio_packet packet;
        enum sio_packet_err err = sio_packet_decode(text, &packet);
        if (err != SIO_PACKET_OK || !same(&packet, i)) {
            fail_msg("%.*s: %s", (int)text.len, text.ptr, sio_packet_err_name(err));
        }
        exact_free(text);
    }
}

static const struct {
    struct slice text;
    enum sio_packet_err err;
} bad[] = {
    {SLICE_INIT(""),                              SIO_PACKET_E_TYPE       },
    {SLICE_INIT("4{}"),                           SIO_PACKET_E_TYPE       },
    {SLICE_INIT("4"),                             SIO_PACKET_E_TYPE       },
    {SLICE_INIT("7"),                             SIO_PACKET_E_TYPE       },
    {SLICE_INIT("x"),                             SIO_PACKET_E_TYPE       },
    {SLICE_INIT("\xff"),                          SIO_PACKET_E_TYPE       },
    {SLICE_INIT("0[]"),                           SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("0\"x\""),                        SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("0null"),                         SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("0,"),                            SIO_PACKET_E_JSON       },
    {SLICE_INIT("0custom"),                       SIO_PACKET_E_JSON       },
    {SLICE_INIT("0/a,b"),                         SIO_PACKET_E_JSON       },
    {SLICE_INIT("0{}{}"),                         SIO_PACKET_E_JSON       },
    {SLICE_INIT("0{"),                            SIO_PACKET_E_JSON       },
    {SLICE_INIT("0 "),                            SIO_PACKET_E_JSON       },
    {SLICE_INIT("1{}"),                           SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("2"),                             SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("2/a"),                           SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("212"),                           SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("2{}"),                           SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("2\"x\""),                        SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("2[]"),                           SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[ ]"),                          SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[null]"),                       SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[[]]"),                         SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[true]"),                       SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[\"connect\"]"),                SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[\"connect_error\",1]"),        SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[\"disconnect\"]"),             SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[\"disconnecting\"]"),          SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[\"newListener\"]"),            SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[\"removeListener\"]"),         SIO_PACKET_E_NAME       },
    {SLICE_INIT("2[\"\\u0063onnect\"]"),          SIO_PACKET_E_NAME       },
    {SLICE_INIT("2abc[\"a\"]"),                   SIO_PACKET_E_JSON       },
    {SLICE_INIT("2-1[\"a\"]"),                    SIO_PACKET_E_JSON       },
    {SLICE_INIT("21.5[\"a\"]"),                   SIO_PACKET_E_JSON       },
    {SLICE_INIT("29007199254740992[\"a\"]"),      SIO_PACKET_E_ACK_ID     },
    {SLICE_INIT("218446744073709551616[\"a\"]"),  SIO_PACKET_E_ACK_ID     },
    {SLICE_INIT("2[\"a\"]x"),                     SIO_PACKET_E_JSON       },
    {SLICE_INIT("2[\"a\"] \0"),                   SIO_PACKET_E_JSON       },
    {SLICE_INIT("2[\"\xff\"]"),                   SIO_PACKET_E_JSON       },
    {SLICE_INIT("31{}"),                          SIO_PACKET_E_PAYLOAD    },
    {SLICE_INIT("5[\"a\"]"),                      SIO_PACKET_E_ATTACHMENTS},
    {SLICE_INIT("5-[\"a\"]"),                     SIO_PACKET_E_ATTACHMENTS},
    {SLICE_INIT("51[\"a\"]"),                     SIO_PACKET_E_ATTACHMENTS},
    {SLICE_INIT("50-[\"a\"]"),                    SIO_PACKET_E_ATTACHMENTS},
    {SLICE_INIT("511-[\"a\"]"),                   SIO_PACKET_E_ATTACHMENTS},
    {SLICE_INIT("518446744073709551617-[\"a\"]"), SIO_PACKET_E_ATTACHMENTS},
    {SLICE_INIT("5-1-[\"a\"]"),                   SIO_PACKET_E_ATTACHMENTS},
    {SLICE_INIT("51.5-[\"a\"]"),                  SIO_PACKET_E_ATTACHMENTS},
    {SLICE_INIT("61-"),                           SIO_PACKET_E_PAYLOAD    },
};

static void bad_packets_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct slice text = exact_copy(bad[i].text);
        struct sio_packet packet;
        enum sio_packet_err err = sio_packet_decode(text, &packet);
        if (err != bad[i].err) {
            fail_msg("%.*s: %s", (int)text.len, text.ptr, sio_packet_err_name(err));
        }
        exact_free(text);
    }
}

static void every_prefix_of_good_packets_is_safe(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(good); i++) {
        for (size_t n = 0; n < good[i].text.len; n++) {
            struct slice text = exact_copy(slice_head(good[i].text, n));
            struct sio_packet packet;
            (void)sio_packet_decode(text, &packet);
            exact_free(text);
        }
    }
}

/* Between the quotes. */
static const struct {
    struct slice sent, name;
} names[] = {
    {SLICE_INIT("plain"),                       SLICE_INIT("plain")                  },
    {SLICE_INIT(""),                            SLICE_INIT("")                       },
    {SLICE_INIT("pl\\u0061in"),                 SLICE_INIT("plain")                  },
    {SLICE_INIT("\\u0061"),                     SLICE_INIT("a")                      },
    {SLICE_INIT("a\\/b"),                       SLICE_INIT("a/b")                    },
    {SLICE_INIT("\xc3\xa9"),                    SLICE_INIT("\xc3\xa9")               },
    {SLICE_INIT("\\u00e9"),                     SLICE_INIT("\xc3\xa9")               },
    {SLICE_INIT("\\ud83d\\uDE00"),              SLICE_INIT("\xf0\x9f\x98\x80")       },
    {SLICE_INIT("\\u0022\\u005c"),              SLICE_INIT("\\\"\\\\")               },
    {SLICE_INIT("\\n\\u000a"),                  SLICE_INIT("\\n\\n")                 },
    {SLICE_INIT("\\b\\f\\u0000\\u0001\\u0008"), SLICE_INIT("\\b\\f\\u0000\\u0001\\b")},
    {SLICE_INIT("\\ud800\\u0061"),              SLICE_INIT("\\ud800\\u0061")         },
    {SLICE_INIT("\\u001F"),                     SLICE_INIT("\\u001f")                }, /* as long as it was: no room is left */
};

static void equal_names_are_equal_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(names); i++) {
        struct buf text, room;
        struct sio_packet packet;
        buf_init(&text, 1000);
        buf_printf(&text, "2[\"%.*s\",1]", (int)names[i].sent.len, names[i].sent.ptr);
        struct slice copy = exact_copy(buf_slice(&text));
        assert_int_equal(sio_packet_decode(copy, &packet), SIO_PACKET_OK);
        buf_init(&room, SIO_NAME_ROOM(packet.name.len));
        struct slice name = sio_packet_name(&packet, &room);
        if (!slice_equal(name, names[i].name)) {
            fail_msg("%.*s: %.*s", (int)copy.len, copy.ptr, (int)name.len, name.ptr);
        }
        buf_deinit(&room);
        exact_free(copy);
        buf_deinit(&text);
    }
}

static void a_number_as_a_name_stays_as_sent(void **state)
{
    struct sio_packet packet;
    struct buf room;
    (void)state;
    assert_int_equal(sio_packet_decode(SLICE("2[1e2,\"\\n\"]"), &packet), SIO_PACKET_OK);
    buf_init(&room, SIO_NAME_ROOM(packet.name.len));
    assert_true(slice_equal(sio_packet_name(&packet, &room), SLICE("1e2")));
    buf_deinit(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_packets_are_taken_apart),
        cmocka_unit_test(bad_packets_are_named),
        cmocka_unit_test(every_prefix_of_good_packets_is_safe),
        cmocka_unit_test(equal_names_are_equal_bytes),
        cmocka_unit_test(a_number_as_a_name_stays_as_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
