/* test_words.c - what is told: errors in words, lines for scripts and for the screen, times */
#include "client/terminal/report.h"
#include "client/terminal/telling.h"
#include "client/terminal/when.h"
#include "client/terminal/words.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NOON 1700049600000u /* 2023-11-15 12:00 UTC */

static const struct {
    unsigned status;
    enum exit_code code;
    const char *retry_after, *words;
} logins[] = {
    {409, EXIT_NAME_REFUSED, "",   "al is taken: somebody is signed in with it."          },
    {409, EXIT_NAME_REFUSED, "12", "al is taken; it may be free in 12 seconds."           },
    {409, EXIT_NAME_REFUSED, "1",  "al is taken; it may be free in 1 second."             },
    {409, EXIT_NAME_REFUSED, "x",  "al is taken: somebody is signed in with it."          },
    {429, EXIT_NOT_REACHED,  "3",
     "al cannot sign in: too many sign in from here; try again in 3 seconds."             },
    {503, EXIT_NOT_REACHED,  "",   "al cannot sign in: the service is away or recovering."},
    {500, EXIT_NOT_REACHED,  "",   "al cannot sign in: the server answered 500 odd\\x1b." },
};

static void logins_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(logins); i++) {
        struct login_refusal refusal = {.status = logins[i].status,
                                        .retry_after = slice_text(logins[i].retry_after),
                                        .error = {.words = "odd\x1b"}};
        struct buf out;
        buf_init(&out, 512);
        assert_int_equal(words_for_login(&out, "al", &refusal), logins[i].code);
        assert_string_equal(out.ptr, logins[i].words);
        buf_deinit(&out);
    }
}

static const struct {
    const char *why, *words;
} reasons[] = {
    {"certificate: hostname mismatch",       "the server's certificate is for another host name"},
    {"certificate: certificate has expired", "the server's certificate has expired"             },
    {"certificate: self-signed certificate",
     "the server's certificate is not trusted; --cafile names one that is"                      },
    {"conn fail: 111",                       "nothing answers at that address"                  },
    {"something\x1b[0m",                     "no connection: something\\x1b[0m"                 },
    {"",                                     "no connection"                                    },
};

static void reasons_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(reasons); i++) {
        struct buf out;
        buf_init(&out, 512);
        words_for_connecting(&out, slice_text(reasons[i].why));
        assert_string_equal(out.ptr, reasons[i].words);
        buf_deinit(&out);
    }
}

static void codes_nobody_knows_have_words_too(void **state)
{
    (void)state;
    assert_string_equal(words_for_end("kicked"), "The session was ended by the server.");
    assert_string_equal(words_for_end("?"), "The session is over.");
    assert_string_equal(words_for_failure("no_such_user", "x"), "no such user");
    assert_string_equal(words_for_failure("?", "x"), "x");
    assert_string_equal(words_for_failure("?", ""), "refused");
}

/* ---- Lines for scripts ---- */

static void fill(struct chat_message *m, struct own *own)
{
    *m = (struct chat_message){.id = 3, .sent_at_ms = NOON, .sender = "bob", .receiver = "al"};
    buf_init(&m->text, 64);
    buf_append(&m->text, SLICE("hi\n\x1b\"ü"));
    *own = (struct own){.state = OWN_SENT,
                        .number = 1,
                        .receiver = "group",
                        .id = 4,
                        .written_ms = NOON,
                        .code = "no_such_user",
                        .reason = "r"};
    buf_init(&own->text, 64);
    buf_append(&own->text, SLICE("yo"));
}

static void report_all(const struct report *r, const struct chat_message *m, struct own *own)
{
    report_message(r, m);
    own->state = OWN_WAITING;
    report_own(r, own);
    own->state = OWN_SENT;
    report_own(r, own);
    own->state = OWN_FAILED;
    report_own(r, own);
    report_person(r, "eve", true);
    report_person(r, "eve", false);
    report_online(r, "al");
    report_waiting(r, "connection lost", 1500);
    report_missed(r);
    report_trouble(r, 7, "odd");
    report_trouble(r, 0, "odd");
    report_ended(r, 4, "over");
}

static void each_event_is_a_line(void **state)
{
    struct chat_message m;
    struct own own;
    struct buf out;
    struct report r = {.json = false, .out = &out, .unix_ms = NOON + 1000};
    (void)state;
    buf_init(&out, 8192);
    fill(&m, &own);
    report_all(&r, &m, &own);
    assert_string_equal(out.ptr, "12:00:00 bob -> al: hi\\x0a\\x1b\"ü\n"
                                 "12:00:01 > group: yo\n"
                                 "12:00:01 ! not sent to group (no such user): yo\n"
                                 "12:00:01 + eve\n12:00:01 - eve\n"
                                 "12:00:01 * online as al\n"
                                 "12:00:01 * connection lost; trying again in 1.5 s\n"
                                 "12:00:01 ! messages may be missing\n"
                                 "12:00:01 ! line 7: odd\n12:00:01 ! odd\n"
                                 "12:00:01 * over\n");
    buf_clear(&out);
    r.json = true;
    report_all(&r, &m, &own);
    assert_string_equal(
        out.ptr,
        "{\"event\":\"message\",\"id\":3,\"sent_at\":1700049600000,\"from\":\"bob\",\"to\":\"al\","
        "\"text\":\"hi\\n\\u001b\\\"ü\"}\n"
        "{\"event\":\"sent\",\"id\":4,\"to\":\"group\",\"text\":\"yo\"}\n"
        "{\"event\":\"failed\",\"to\":\"group\",\"text\":\"yo\",\"code\":\"no_such_user\","
        "\"reason\":\"no such user\"}\n"
        "{\"event\":\"joined\",\"name\":\"eve\"}\n{\"event\":\"left\",\"name\":\"eve\"}\n"
        "{\"event\":\"online\",\"name\":\"al\"}\n"
        "{\"event\":\"waiting\",\"why\":\"connection lost\",\"attempt_in_ms\":1500}\n"
        "{\"event\":\"missed\"}\n"
        "{\"event\":\"error\",\"line\":7,\"words\":\"odd\"}\n{\"event\":\"error\",\"words\":"
        "\"odd\"}\n"
        "{\"event\":\"ended\",\"code\":4,\"words\":\"over\"}\n");
    buf_deinit(&out);
    chat_message_deinit(&m);
    buf_deinit(&own.text);
}

/* ---- For the screen ---- */

static const struct {
    const char *receiver;
    enum own_state state;
    enum story_style style;
    const char *text;
} tellings[] = {
    {"group", OWN_WAITING, STORY_WAITING, "12:00 al: yo  [waiting]"      },
    {"group", OWN_ASKED,   STORY_WAITING, "12:00 al: yo  [waiting]"      },
    {"group", OWN_SENT,    STORY_OWN,     "12:00 al: yo"                 },
    {"bob",   OWN_SENT,    STORY_PRIVATE, "12:00 al -> bob (private): yo"},
    {"bob",   OWN_FAILED,  STORY_FAILED,
     "12:00 al -> bob (private): yo  [not sent: no such user; /retry]"   },
};

static void own_ones_follow_the_table(void **state)
{
    struct chat_message m;
    struct own own;
    struct buf out;
    (void)state;
    buf_init(&out, 512);
    fill(&m, &own);
    for (size_t i = 0; i < ROWS(tellings); i++) {
        (void)snprintf(own.receiver, sizeof own.receiver, "%s", tellings[i].receiver);
        own.state = tellings[i].state;
        buf_clear(&out);
        assert_int_equal(telling_own(&out, &own, "al"), tellings[i].style);
        assert_string_equal(out.ptr, tellings[i].text);
    }
    buf_clear(&out);
    (void)snprintf(own.code, sizeof own.code, "too_large"); /* and it would be too long again */
    assert_int_equal(telling_own(&out, &own, "al"), STORY_FAILED);
    assert_string_equal(out.ptr, "12:00 al -> bob (private): yo  [not sent: too long]");
    buf_clear(&out);
    assert_int_equal(telling_message(&out, &m, "AL"), STORY_PRIVATE);
    assert_string_equal(out.ptr, "12:00 bob -> you (private): hi\n\x1b\"ü");
    buf_deinit(&out);
    chat_message_deinit(&m);
    buf_deinit(&own.text);
}

static const struct {
    size_t count;
    bool joined;
    const char *text;
} crowds[] = {
    {1,  true,  "a is here"                         },
    {1,  false, "a has left"                        },
    {2,  true,  "a and b are here"                  },
    {5,  false, "a, b, c, d and e have left"        },
    {6,  true,  "a, b, c, d, e and 1 more are here" },
    {99, true,  "a, b, c, d, e and 94 more are here"},
};

static void crowds_follow_the_table(void **state)
{
    struct telling_names names = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(crowds); i++) {
        struct buf out;
        buf_init(&out, 256);
        for (size_t k = 0; k < crowds[i].count; k++) {
            char name[] = {(char)('a' + (char)(k % 26)), '\0'};
            telling_add_name(&names, name);
        }
        telling_names(&out, &names, crowds[i].joined);
        assert_string_equal(out.ptr, crowds[i].text);
        assert_int_equal(names.count, 0);
        buf_deinit(&out);
    }
}

static void days_differ_at_midnight(void **state)
{
    uint64_t midnight = NOON + UINT64_C(12) * 3600 * 1000;
    char day[WHEN_MAX];
    (void)state;
    when_day(NOON, day);
    assert_string_equal(day, "Wednesday, 15 November 2023");
    assert_int_equal(when_day_number(NOON), when_day_number(midnight - 1));
    assert_int_not_equal(when_day_number(NOON), when_day_number(midnight));
}

static int choose_locale(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    tzset();
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_follow_the_table),
        cmocka_unit_test(reasons_follow_the_table),
        cmocka_unit_test(codes_nobody_knows_have_words_too),
        cmocka_unit_test(each_event_is_a_line),
        cmocka_unit_test(own_ones_follow_the_table),
        cmocka_unit_test(crowds_follow_the_table),
        cmocka_unit_test(days_differ_at_midnight),
    };
    return cmocka_run_group_tests(tests, choose_locale, NULL);
}
