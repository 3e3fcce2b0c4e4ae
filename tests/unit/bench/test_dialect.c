/* test_dialect.c - what servers of each kind say is recognised, and what is written is what they
 * take */
#include "tests/bench/load/dialect.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define TEXT "#m=0000000042;xx"

static const struct {
    const char *dialect;
    struct slice packet;
    struct said said;
} read_cases[] = {
    {"parley",   SLICE_INIT("0{\"sid\":\"a\"}"),                                        {SAID_OPEN, 0, false}   },
    {"parley",   SLICE_INIT("40{\"sid\":\"a\"}"),                                       {SAID_ONLINE, 0, false} },
    {"parley",   SLICE_INIT("44{\"message\":\"no\"}"),                                  {SAID_REFUSED, 0, false}},
    {"parley",   SLICE_INIT("2"),                                                       {SAID_PING, 0, false}   },
    {"parley",   SLICE_INIT("6"),                                                       {SAID_OTHER, 0, false}  },
    {"parley",   SLICE_INIT(""),                                                        {SAID_OTHER, 0, false}  },
    {"socketio",
     SLICE_INIT("42[\"message_in\",{\"message_id\":7,\"message_text\":\"" TEXT "\"}]"),
     {SAID_MESSAGE, 42, false}                                                                                  },
    {"socketio",
     SLICE_INIT("42[\"message_in\",{\"message_text\":\"hello\"}]"),
     {SAID_OTHER, 0, false}                                                                                     },
    {"socketio", SLICE_INIT("42[\"message_in\",{\"message_text\":\"#m="),               {SAID_OTHER, 0, false}  },
    {"socketio", SLICE_INIT("4317[{\"ok\":true,\"message_id\":7}]"),                    {SAID_ACK, 17, true}    },
    {"socketio", SLICE_INIT("4317[{\"ok\":false}]"),                                    {SAID_ACK, 17, false}   },
    {"socketio", SLICE_INIT("42[\"message_error\",{}]"),                                {SAID_ERROR, 0, false}  },
    {"parley",
     SLICE_INIT("42[\"user_change_in\",{\"users\":[\"a\"],\"cursor\":\"x.1\"}]"),
     {SAID_LIST, 0, true}                                                                                       },
    {"parley",
     SLICE_INIT("42[\"user_change_in\",{\"users\":[],\"part\":1,\"parts\":12}]"),
     {SAID_LIST, 0, false}                                                                                      },
    {"parley",
     SLICE_INIT("42[\"user_change_in\",{\"users\":[],\"part\":12,\"parts\":12}]"),
     {SAID_LIST, 0, true}                                                                                       },
    {"parley",
     SLICE_INIT("42[\"user_change_in\",{\"joined\":[\"a\"],\"left\":[]}]"),
     {SAID_OTHER, 0, false}                                                                                     },
    {"plain",    SLICE_INIT("{\"online\":true}"),                                       {SAID_ONLINE, 0, false} },
    {"plain",    SLICE_INIT("{\"refused\":true}"),                                      {SAID_REFUSED, 0, false}},
    {"plain",
     SLICE_INIT("{\"message_in\":{\"message_text\":\"" TEXT "\"}}"),
     {SAID_MESSAGE, 42, false}                                                                                  },
    {"plain",    SLICE_INIT("{\"ack\":17,\"ok\":true}"),                                {SAID_ACK, 17, true}    },
    {"plain",    SLICE_INIT("{\"users\":[\"a\"]}"),                                     {SAID_LIST, 0, true}    },
    {"plain",    SLICE_INIT("{\"joined\":[\"a\"]}"),                                    {SAID_OTHER, 0, false}  },
};

static void reading_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(read_cases); i++) {
        struct slice packet = exact_copy(read_cases[i].packet);
        struct said said = dialect_read(dialect_named(read_cases[i].dialect), packet);
        if (said.kind != read_cases[i].said.kind || said.number != read_cases[i].said.number ||
            said.good != read_cases[i].said.good) {
            fail_msg("%s: %s", read_cases[i].dialect, read_cases[i].packet.ptr);
        }
        exact_free(packet);
    }
}

static void cut_packets_do_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(read_cases); i++) {
        for (size_t n = 0; n < read_cases[i].packet.len; n++) {
            struct slice part = exact_copy(slice_head(read_cases[i].packet, n));
            (void)dialect_read(dialect_named(read_cases[i].dialect), part);
            exact_free(part);
        }
    }
}

static void a_text_is_known_again(void **state)
{
    static const uint32_t numbers[] = {1, 42, 65536, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < ROWS(numbers); i++) {
        struct buf text, packet;
        buf_init(&text, 200);
        buf_init(&packet, 400);
        dialect_text(&text, numbers[i], 100);
        assert_int_equal(text.len, 100);
        buf_append(&packet, SLICE("{\"message_in\":{\"message_text\":\""));
        buf_append(&packet, buf_slice(&text));
        struct said said = dialect_read(dialect_named("plain"), buf_slice(&packet));
        assert_int_equal(said.kind, SAID_MESSAGE);
        assert_int_equal(said.number, numbers[i]);
        buf_deinit(&text);
        buf_deinit(&packet);
    }
}

static void templates_take_their_words_in_order(void **state)
{
    const struct slice words[] = {SLICE_INIT("7"), SLICE_INIT("bob"), SLICE_INIT("hi")};
    struct buf out;
    (void)state;
    buf_init(&out, 200);
    dialect_write(&out, dialect_named("parley")->direct, words);
    assert_string_equal(out.ptr,
                        "427[\"message_out\",{\"receiver\":\"bob\",\"message_text\":\"hi\"}]");
    buf_clear(&out);
    dialect_write(&out, dialect_named("plain")->direct, words);
    assert_string_equal(
        out.ptr, "{\"ack\":7,\"message_out\":{\"receiver\":\"bob\",\"message_text\":\"hi\"}}");
    buf_clear(&out);
    dialect_write(&out, dialect_named("socketio")->group, &words[2]);
    assert_string_equal(out.ptr,
                        "42[\"message_out\",{\"receiver\":\"group\",\"message_text\":\"hi\"}]");
    buf_deinit(&out);
}

static void only_three_are_known(void **state)
{
    (void)state;
    assert_non_null(dialect_named("parley"));
    assert_non_null(dialect_named("socketio"));
    assert_non_null(dialect_named("plain"));
    assert_null(dialect_named("klingon"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_follows_the_table),
        cmocka_unit_test(cut_packets_do_no_harm),
        cmocka_unit_test(a_text_is_known_again),
        cmocka_unit_test(templates_take_their_words_in_order),
        cmocka_unit_test(only_three_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
