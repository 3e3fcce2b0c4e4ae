/* test_bus_line.c - lines of the channels: what is ours, and that nothing else passes */
#include "gateway-svc/chat/payload.h"
#include "gateway-svc/relay/bus_line.h"
#include "shared/json.h"
#include "shared/token.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define H16 "0123456789abcdef"
#define A H16 H16 H16 H16
#define B "b123456789abcdef" H16 H16 H16
#define JSON "{\"message_id\":7}"

static const struct {
    const char *label;
    struct slice line;
    enum bus_kind kind;
} lines[] = {
    {"nonce",                SLICE_INIT("nonce 1 00ff 5 9 e1"),                                  BUS_NONCE  },
    {"nonce without epoch",  SLICE_INIT("nonce 1 00ff 5 9"),                                     BUS_BAD    },
    {"... an empty one",     SLICE_INIT("nonce 1 00ff 5 9 "),                                    BUS_BAD    },
    {"nonce without nonce",  SLICE_INIT("nonce 1  5 9 e1"),                                      BUS_BAD    },
    {"nonce, bad version",   SLICE_INIT("nonce 1 00ff 5 x e1"),                                  BUS_BAD    },
    {"nonce, bad group",     SLICE_INIT("nonce 1 00ff -5 9 e1"),                                 BUS_BAD    },
    {"end",                  SLICE_INIT("end 2 " A " kicked"),                                   BUS_END    },
    {"end, another code",    SLICE_INIT("end 2 " A " session_expired"),                          BUS_END    },
    {"end, longest code",    SLICE_INIT("end 2 " A " abcdefghijklmnopqrstuvwxyzabcdef"),         BUS_END    },
    {"end, too long a code", SLICE_INIT("end 2 " A " abcdefghijklmnopqrstuvwxyzabcdefg"),        BUS_BAD    },
    {"end without code",     SLICE_INIT("end 2 " A " "),                                         BUS_BAD    },
    {"end without session",  SLICE_INIT("end 2 kicked"),                                         BUS_BAD    },
    {"end, short session",   SLICE_INIT("end 2 " H16 " kicked"),                                 BUS_BAD    },
    {"end, long session",    SLICE_INIT("end 2 " A "0 kicked"),                                  BUS_BAD    },
    {"a code with a quote",  SLICE_INIT("end 2 " A " k\"icked"),                                 BUS_BAD    },
    {"a code not in UTF-8",  SLICE_INIT("end 2 " A " k\xff"),                                    BUS_BAD    },
    {"two codes",            SLICE_INIT("end 2 " A " kicked kicked"),                            BUS_BAD    },
    {"direct",               SLICE_INIT("message 3 7 " A " " B " \"c\"\n" JSON),                 BUS_MESSAGE},
    {"direct without id",    SLICE_INIT("message 3 7 " A " " B " \n" JSON),                      BUS_MESSAGE},
    {"group",                SLICE_INIT("message 3 7 " A " - \"c\"\n" JSON),                     BUS_MESSAGE},
    {"space in the JSON",    SLICE_INIT("message 3 7 " A " - \"c\"\n { } \n"),                   BUS_MESSAGE},
    {"two messages",         SLICE_INIT("message 3 7 " A " - \n{}\n8 " B " - \n{}"),             BUS_MESSAGE},
    {"no space at the end",  SLICE_INIT("message 3 7 " A " " B "\n" JSON),                       BUS_MESSAGE},
    {"id is a number",       SLICE_INIT("message 3 7 " A " - 5\n" JSON),                         BUS_BAD    },
    {"id not closed",        SLICE_INIT("message 3 7 " A " - \"c\n" JSON),                       BUS_BAD    },
    {"two ids",              SLICE_INIT("message 3 7 " A " - \"c\" \"d\"\n" JSON),               BUS_BAD    },
    {"no message id",        SLICE_INIT("message 3  " A " - \n" JSON),                           BUS_BAD    },
    {"no sender",            SLICE_INIT("message 3 7  - \n" JSON),                               BUS_BAD    },
    {"no receiver",          SLICE_INIT("message 3 7 " A "  \n" JSON),                           BUS_BAD    },
    {"odd receiver",         SLICE_INIT("message 3 7 " A " -- \n" JSON),                         BUS_BAD    },
    {"no JSON",              SLICE_INIT("message 3 7 " A " - \n"),                               BUS_BAD    },
    {"no second line",       SLICE_INIT("message 3 7 " A " - \"c\""),                            BUS_BAD    },
    {"an array",             SLICE_INIT("message 3 7 " A " - \n[1]"),                            BUS_BAD    },
    {"two objects",          SLICE_INIT("message 3 7 " A " - \n{}{}"),                           BUS_BAD    },
    {"half an object",       SLICE_INIT("message 3 7 " A " - \n{"),                              BUS_BAD    },
    {"not UTF-8",            SLICE_INIT("message 3 7 " A " - \n{\"a\":\"\xc3\"}"),               BUS_BAD    },
    {"largest numbers",      SLICE_INIT("message 999999999999999 999999999999999 " A " - \n{}"),
     BUS_MESSAGE                                                                                            },
    {"count too large",      SLICE_INIT("message 1000000000000000 7 " A " - \n{}"),              BUS_BAD    },
    {"id too large",         SLICE_INIT("message 3 1000000000000000 " A " - \n{}"),              BUS_BAD    },
    {"another kind",         SLICE_INIT("hello 3 7"),                                            BUS_BAD    },
    {"kind in upper case",   SLICE_INIT("END 2 " A " kicked"),                                   BUS_BAD    },
    {"no count",             SLICE_INIT("end " A " kicked"),                                     BUS_BAD    },
    {"nothing",              SLICE_INIT(""),                                                     BUS_BAD    },
    {"a space",              SLICE_INIT(" "),                                                    BUS_BAD    },
    {"a word",               SLICE_INIT("nonce"),                                                BUS_BAD    },
    {"NUL",                  SLICE_INIT("\0"),                                                   BUS_BAD    },
};

static void decode_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        print_message("  %s\n", lines[i].label);
        struct slice copy = exact_copy(lines[i].line);
        assert_int_equal(bus_line_decode(copy).kind, lines[i].kind);
        exact_free(copy);
    }
}

#define SAME(got, literal) assert_true(slice_equal(got, SLICE(literal)))

static void every_field_is_found(void **state)
{
    (void)state;
    struct bus_line nonce = bus_line_decode(SLICE("nonce 12 00ff 5 9 e1"));
    assert_int_equal(nonce.count, 12);
    SAME(nonce.nonce.nonce, "00ff");
    assert_int_equal(nonce.nonce.group_count, 5);
    assert_int_equal(nonce.nonce.version, 9);

    struct bus_line end = bus_line_decode(SLICE("end 13 " A " logged_out"));
    assert_int_equal(end.count, 13);
    SAME(end.end.session, A);
    SAME(end.end.code, "logged_out");

    struct bus_line direct =
        bus_line_decode(SLICE("message 14 77 " A " " B " \"c d\"\n " JSON " "));
    assert_int_equal(direct.count, 14);
    assert_int_equal(direct.message.id, 77);
    SAME(direct.message.sender, A);
    SAME(direct.message.receiver, B);
    SAME(direct.message.client_id, "\"c d\"");
    SAME(direct.message.json, JSON);

    struct bus_line group = bus_line_decode(SLICE("message 15 78 " A " - \n" JSON));
    assert_int_equal(group.message.receiver.len, 0);
    assert_int_equal(group.message.client_id.len, 0);
}

#define FIRST "7 " A " " B " \"c\"\n{\"a\":1}"
#define SECOND "8 " B " - \n{\"b\":2}"

/* The ids that a line has, 0 for what is none: "7 0 9". */
static const char *ids_of(const char *text)
{
    static struct buf ids;
    struct slice copy = exact_copy(slice_text(text));
    struct bus_line line = bus_line_decode(copy);
    buf_deinit(&ids);
    buf_init(&ids, 256);
    do {
        bool good = line.kind == BUS_MESSAGE;
        buf_printf(&ids, "%s%llu", ids.len > 0 ? " " : "",
                   good ? (unsigned long long)line.message.id : 0);
    } while (bus_line_next(&line));
    assert_int_equal(line.count, 3);
    exact_free(copy);
    return ids.ptr;
}

static void a_line_may_have_several_messages(void **state)
{
    static const struct {
        const char *label, *line, *ids;
    } rows[] = {
        {"one",                      "message 3 " FIRST,                            "7"    },
        {"two",                      "message 3 " FIRST "\n" SECOND,                "7 8"  },
        {"three",                    "message 3 " FIRST "\n" SECOND "\n" FIRST,     "7 8 7"},
        {"a line feed at the end",   "message 3 " FIRST "\n",                       "7"    },
        {"a bad one between",        "message 3 " FIRST "\n8 x - \n{}\n" SECOND,    "7 0 8"},
        {"no JSON between",          "message 3 " FIRST "\n8 " A " - \n\n" SECOND,  "7 0 8"},
        {"half a message behind",    "message 3 " FIRST "\n" SECOND "\n9 " A " - ", "7 8 0"},
        {"two line feeds, no line",  "message 3 " FIRST "\n\n",                     "7 0"  },
        {"the first is bad",         "message 3 x\n{}\n" SECOND,                    "0 8"  },
        {"other kinds have but one", "end 3 " A " kicked\n" FIRST,                  "0"    },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].label);
        assert_string_equal(ids_of(rows[i].line), rows[i].ids);
    }
    struct bus_line line = bus_line_decode(SLICE("message 3 " FIRST "\n" SECOND));
    SAME(line.message.text, FIRST);
    SAME(line.message.client_id, "\"c\"");
    assert_true(bus_line_next(&line));
    SAME(line.message.text, SECOND);
    SAME(line.message.json, "{\"b\":2}");
    assert_int_equal(line.message.client_id.len + line.message.receiver.len, 0);
    assert_false(bus_line_next(&line));
}

/* What clients would get of a line is JSON, whatever the line is. */
static void assert_harmless_so_far(const struct bus_line *line)
{
    struct json value;
    struct buf out;
    buf_init(&out, 4096);
    if (line->kind == BUS_MESSAGE) {
        payload_with_client_id(&out, line->message.json, line->message.client_id);
        assert_int_equal(line->message.sender.len, TOKEN_HASH_LEN);
        assert_int_equal(json_parse(line->message.json, &value), JSON_OK);
        assert_int_equal(value.type, JSON_OBJECT);
    } else if (line->kind == BUS_END) {
        payload_session_end(&out, line->end.code);
    }
    if (out.len > 0) {
        assert_int_equal(json_parse(buf_slice(&out), &value), JSON_OK);
        assert_int_equal(value.type, JSON_OBJECT);
    }
    buf_deinit(&out);
}

static void assert_harmless(struct slice text)
{
    struct slice copy = exact_copy(text);
    struct bus_line line = bus_line_decode(copy);
    do {
        assert_harmless_so_far(&line);
    } while (bus_line_next(&line));
    exact_free(copy);
}

static void prefixes_and_mutations_are_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        struct slice whole = lines[i].line;
        char changed[320];
        assert_true(whole.len <= sizeof changed);
        for (size_t n = 0; n < whole.len; n++) {
            assert_harmless(slice_head(whole, n));
        }
        for (size_t at = 0; lines[i].kind != BUS_BAD && at < whole.len; at++) {
            memcpy(changed, whole.ptr, whole.len);
            for (int byte = 0; byte < 256; byte++) {
                changed[at] = (char)byte;
                assert_harmless((struct slice){changed, whole.len});
            }
        }
    }
}

static const struct {
    const char *label;
    struct slice line;
    bool good;
    uint64_t version;
    struct slice list;
} changes[] = {
    {"one",           SLICE_INIT("e1 5 +ann"),              true,  5, SLICE_INIT("+ann")     },
    {"two",           SLICE_INIT("e1 0 +ann -bob"),         true,  0, SLICE_INIT("+ann -bob")},
    {"no list",       SLICE_INIT("e1 5 "),                  false, 0, SLICE_INIT("")         },
    {"no sign",       SLICE_INIT("e1 5 ann"),               false, 0, SLICE_INIT("")         },
    {"second bad",    SLICE_INIT("e1 5 +ann bob"),          false, 0, SLICE_INIT("")         },
    {"no name",       SLICE_INIT("e1 5 +"),                 false, 0, SLICE_INIT("")         },
    {"no such name",  SLICE_INIT("e1 5 +<b>"),              false, 0, SLICE_INIT("")         },
    {"none between",  SLICE_INIT("e1 5 +ann  -bob"),        false, 0, SLICE_INIT("")         },
    {"no version",    SLICE_INIT("e1 +ann"),                false, 0, SLICE_INIT("")         },
    {"two spaces",    SLICE_INIT("e1  +ann"),               false, 0, SLICE_INIT("")         },
    {"no epoch",      SLICE_INIT(" 5 +ann"),                false, 0, SLICE_INIT("")         },
    {"version alone", SLICE_INIT("e1 5"),                   false, 0, SLICE_INIT("")         },
    {"too large",     SLICE_INIT("e1 1000000000000000 +a"), false, 0, SLICE_INIT("")         },
    {"empty",         SLICE_INIT(""),                       false, 0, SLICE_INIT("")         },
};

static void changes_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(changes); i++) {
        struct bus_change change;
        print_message("  %s\n", changes[i].label);
        struct slice copy = exact_copy(changes[i].line);
        assert_int_equal(bus_change_decode(copy, &change), changes[i].good);
        if (changes[i].good) {
            SAME(change.epoch, "e1");
            assert_int_equal(change.version, changes[i].version);
            assert_true(slice_equal(change.list, changes[i].list));
        }
        exact_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_follows_the_table),
        cmocka_unit_test(every_field_is_found),
        cmocka_unit_test(a_line_may_have_several_messages),
        cmocka_unit_test(prefixes_and_mutations_are_harmless),
        cmocka_unit_test(changes_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
