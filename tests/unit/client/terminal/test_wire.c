/* test_wire.c - the client's side of Engine.IO and Socket.IO */
#include "client/terminal/wire.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define STEPS_MAX 6
#define HELLO                                                                                      \
    "0{\"sid\":\"x\",\"upgrades\":[],\"pingInterval\":300,\"pingTimeout\":200,\"maxPayload\":9}"
#define ON HELLO, "40{\"sid\":\"y\"}"

/* Texts from the server; a B is a binary message.  What came of them, and whether the last was
 * taken (all before it are). */
static const struct {
    const char *label;
    const char *texts[STEPS_MAX];
    const char *came;
    bool ok;
} cases[] = {
    {"greeting",              {HELLO},                                            ">40{\"token\":1};",                    true },
    {"connected",             {ON},                                               ">40{\"token\":1};on;",                 true },
    {"ping",                  {HELLO, "2"},                                       ">40{\"token\":1};>3;",                 true },
    {"probe",                 {HELLO, "2probe"},                                  ">40{\"token\":1};",                    false},
    {"noop",                  {HELLO, "6"},                                       ">40{\"token\":1};",                    true },
    {"close",                 {HELLO, "1"},                                       ">40{\"token\":1};",                    false},
    {"greeting twice",        {HELLO, HELLO},                                     ">40{\"token\":1};",                    false},
    {"no greeting",           {"40"},                                             "",                                     false},
    {"greeting, no JSON",     {"0{"},                                             "",                                     false},
    {"greeting, no times",    {"0{\"sid\":\"x\"}"},                               "",                                     false},
    {"greeting, long times",  {"0{\"pingInterval\":99999999,\"pingTimeout\":1}"}, "",                                     false},
    {"empty",                 {""},                                               "",                                     false},
    {"no packet",             {"x"},                                              "",                                     false},
    {"refused",
     {HELLO, "44{\"message\":\"m\"}"},
     ">40{\"token\":1};refused {\"message\":\"m\"};",                                                                     true },
    {"refused, no object",    {HELLO, "44\"m\""},                                 ">40{\"token\":1};",                    false},
    {"refused later",         {ON, "44{\"message\":\"m\"}"},                      ">40{\"token\":1};on;",                 false},
    {"connected twice",       {ON, "40{}"},                                       ">40{\"token\":1};on;",                 false},
    {"event",                 {ON, "42[\"e\",{\"a\":1}]"},                        ">40{\"token\":1};on;e={\"a\":1};",     true },
    {"event, no argument",    {ON, "42[\"e\"]"},                                  ">40{\"token\":1};on;",                 true },
    {"event, two arguments",  {ON, "42[\"e\",1,2]"},                              ">40{\"token\":1};on;",                 true },
    {"event of another nsp",  {ON, "42/x,[\"e\",1]"},                             ">40{\"token\":1};on;",                 true },
    {"event too early",       {HELLO, "42[\"e\",1]"},                             ">40{\"token\":1};",                    false},
    {"event, no JSON",        {ON, "42[\"e\""},                                   ">40{\"token\":1};on;",                 false},
    {"ack",                   {ON, "437[{\"ok\":true}]"},                         ">40{\"token\":1};on;7:{\"ok\":true};", true },
    {"ack without number",    {ON, "43[1]"},                                      ">40{\"token\":1};on;",                 false},
    {"ack, number too large", {ON, "439007199254740992[1]"},                      ">40{\"token\":1};on;",                 false},
    {"disconnect",            {ON, "41"},                                         ">40{\"token\":1};on;off;",             true },
    {"behind the disconnect", {ON, "41", "2"},                                    ">40{\"token\":1};on;off;",             false},
    {"attachments",
     {ON, "452-[\"e\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]", "B",
      "B"},
     ">40{\"token\":1};on;",                                                                                              true },
    {"attachment for nobody", {ON, "B"},                                          ">40{\"token\":1};on;",                 false},
    {"text between them",
     {ON, "451-[\"e\",{\"_placeholder\":true,\"num\":0}]", "42[\"e\",1]"},
     ">40{\"token\":1};on;",                                                                                              false},
};

static void on_send(void *ctx, struct slice text)
{
    buf_printf(ctx, ">%.*s;", (int)text.len, text.ptr);
}

static void on_connected(void *ctx)
{
    buf_append(ctx, SLICE("on;"));
}

static void on_refused(void *ctx, struct json error)
{
    buf_printf(ctx, "refused %.*s;", (int)error.raw.len, error.raw.ptr);
}

static void on_event(void *ctx, struct slice name, struct json payload)
{
    buf_printf(ctx, "%.*s=%.*s;", (int)name.len, name.ptr, (int)payload.raw.len, payload.raw.ptr);
}

static void on_ack(void *ctx, uint64_t id, struct slice payload)
{
    buf_printf(ctx, "%d:%.*s;", (int)id, (int)payload.len, payload.ptr);
}

static void on_disconnected(void *ctx)
{
    buf_append(ctx, SLICE("off;"));
}

static const struct wire_handler handler = {on_send,  on_connected, on_refused,
                                            on_event, on_ack,       on_disconnected};

static bool give(struct wire *w, const char *text)
{
    struct slice copy = exact_copy(slice_text(text));
    bool ok = text[0] == 'B' ? wire_binary(w, 7) : wire_text(w, copy, 7);
    exact_free(copy);
    return ok;
}

static void texts_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct buf came;
        struct wire w;
        bool ok = true;
        buf_init(&came, 1024);
        wire_init(&w, &handler, &came);
        wire_open(&w, SLICE("{\"token\":1}"), 0);
        for (size_t k = 0; k < STEPS_MAX && cases[i].texts[k]; k++) {
            assert_true(ok);
            ok = give(&w, cases[i].texts[k]);
        }
        if (ok != cases[i].ok || !slice_equal(buf_slice(&came), slice_text(cases[i].came))) {
            fail_msg("%s: %d %s", cases[i].label, ok, came.ptr ? came.ptr : "");
        }
        wire_deinit(&w);
        buf_deinit(&came);
    }
}

static void silence_is_noticed(void **state)
{
    struct buf came;
    struct wire w;
    (void)state;
    buf_init(&came, 1024);
    wire_init(&w, &handler, &came);
    assert_true(wire_due_ms(&w) == UINT64_MAX);
    wire_open(&w, SLICE("{}"), 100);
    assert_int_equal(wire_due_ms(&w), 20100);
    assert_true(wire_text(&w, SLICE(HELLO), 200));
    assert_int_equal(wire_due_ms(&w), 700);
    assert_true(wire_text(&w, SLICE("2"), 650));
    assert_int_equal(wire_due_ms(&w), 1150);
    wire_close(&w);
    assert_true(wire_due_ms(&w) == UINT64_MAX);
    assert_false(wire_text(&w, SLICE("2"), 651));
    wire_deinit(&w);
    buf_deinit(&came);
}

static void events_go_out_with_an_ack(void **state)
{
    struct buf came;
    struct wire w;
    (void)state;
    buf_init(&came, 1024);
    wire_init(&w, &handler, &came);
    wire_emit(&w, 12, SLICE("message_out"), SLICE("{\"a\":1}"));
    assert_string_equal(came.ptr, ">4212[\"message_out\",{\"a\":1}];");
    wire_deinit(&w);
    buf_deinit(&came);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_follow_the_table),
        cmocka_unit_test(silence_is_noticed),
        cmocka_unit_test(events_go_out_with_an_ack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
