/* test_people.c - the list of active users */
#include "client/terminal/people.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define STEPS_MAX 4

/* Payloads, one after the other; what each is, what is told (+name -name), and who is there then.
 */
static const struct {
    const char *label;
    struct {
        const char *payload;
        enum people_result result;
    } steps[STEPS_MAX];
    const char *told, *here, *cursor;
} cases[] = {
    {"a list",
     {{"{\"users\":[\"bob\",\"Alice\"],\"cursor\":\"e.1\"}", PEOPLE_FIRST}},
     "",       " Alice bob",
     "e.1"},
    {"names are a set, in any case",
     {{"{\"users\":[\"bob\",\"BOB\",\"bob\"],\"cursor\":\"e.1\"}", PEOPLE_FIRST}},
     "",       " bob",
     "e.1"},
    {"what is no name is none",
     {{"{\"users\":[\"b b\",5,\"\\u001b[0m\",\"\",\"ok\",\"-x\"],\"cursor\":\"e.1\"}",
       PEOPLE_FIRST}},
     "",       " ok",
     "e.1"},
    {"in parts",
     {{"{\"users\":[\"b\"],\"part\":1,\"parts\":2}", PEOPLE_BAD},
      {"{\"users\":[\"b\"],\"cursor\":\"e.1\",\"part\":1,\"parts\":2}", PEOPLE_PART},
      {"{\"users\":[\"a\"],\"cursor\":\"e.1\",\"part\":2,\"parts\":2}", PEOPLE_FIRST}},
     "",       " a b",
     "e.1"},
    {"a part is missing",
     {{"{\"users\":[\"b\"],\"cursor\":\"e.1\",\"part\":1,\"parts\":3}", PEOPLE_PART},
      {"{\"users\":[\"a\"],\"cursor\":\"e.1\",\"part\":3,\"parts\":3}", PEOPLE_BAD}},
     "",       "",
     ""   },
    {"a list begins anew",
     {{"{\"users\":[\"b\"],\"cursor\":\"e.1\",\"part\":1,\"parts\":2}", PEOPLE_PART},
      {"{\"users\":[\"c\"],\"cursor\":\"e.2\"}", PEOPLE_FIRST}},
     "",       " c",
     "e.2"},
    {"changes",
     {{"{\"users\":[\"a\",\"b\"],\"cursor\":\"e.1\"}", PEOPLE_FIRST},
      {"{\"joined\":[\"c\"],\"left\":[\"a\"],\"from\":\"e.1\",\"cursor\":\"e.2\"}", PEOPLE_CHANGED},
      {"{\"joined\":[\"C\"],\"left\":[\"x\",\"B\"],\"from\":\"e.2\",\"cursor\":\"e.3\"}",
       PEOPLE_CHANGED}},
     "-a+c-B", " c",
     "e.3"},
    {"back within one change, in another spelling",
     {{"{\"users\":[\"a\",\"b\"],\"cursor\":\"e.1\"}", PEOPLE_FIRST},
      {"{\"joined\":[\"A\"],\"left\":[\"a\"],\"from\":\"e.1\",\"cursor\":\"e.3\"}",
       PEOPLE_CHANGED}},
     "-a+A",   " A b",
     "e.3"},
    {"a gap",
     {{"{\"users\":[\"a\"],\"cursor\":\"e.1\"}", PEOPLE_FIRST},
      {"{\"joined\":[\"c\"],\"left\":[],\"from\":\"e.2\",\"cursor\":\"e.3\"}", PEOPLE_GAP}},
     "",       " a",
     "e.1"},
    {"a change before the list",
     {{"{\"joined\":[\"c\"],\"left\":[],\"from\":\"\",\"cursor\":\"e.3\"}", PEOPLE_GAP}},
     "",       "",
     ""   },
    {"a second list is compared",
     {{"{\"users\":[\"a\",\"b\"],\"cursor\":\"e.1\"}", PEOPLE_FIRST},
      {"{\"users\":[\"b\",\"c\"],\"cursor\":\"f.1\"}", PEOPLE_CHANGED}},
     "+c-a",   " b c",
     "f.1"},
    {"not as it should be",
     {{"{\"users\":7,\"cursor\":\"e.1\"}", PEOPLE_BAD},
      {"[]", PEOPLE_BAD},
      {"{\"users\":[\"a\"],\"cursor\":1}", PEOPLE_BAD},
      {"{\"joined\":[],\"from\":\"e\",\"cursor\":\"e\"}", PEOPLE_BAD}},
     "",       "",
     ""   },
};

static void on_person(void *ctx, const char *name, bool joined)
{
    buf_printf(ctx, "%c%s", joined ? '+' : '-', name);
}

static void apply(struct people *p, const char *text, enum people_result expected, struct buf *told)
{
    struct slice copy = exact_copy(slice_text(text));
    struct json payload;
    assert_int_equal(json_parse(copy, &payload), JSON_OK);
    enum people_result result = people_apply(p, payload, on_person, told);
    exact_free(copy);
    if (result != expected) {
        fail_msg("%s: %d", text, (int)result);
    }
}

static void judge(size_t row, const struct people *p, const struct buf *told)
{
    struct buf here;
    buf_init(&here, 256);
    for (size_t k = 0; k < people_count(p); k++) {
        buf_printf(&here, " %s", people_name(p, k));
    }
    if (!slice_equal(buf_slice(told), slice_text(cases[row].told)) ||
        !slice_equal(buf_slice(&here), slice_text(cases[row].here)) ||
        !slice_equal(people_cursor(p), slice_text(cases[row].cursor))) {
        fail_msg("%s: told %s, here%s", cases[row].label, told->ptr ? told->ptr : "",
                 here.ptr ? here.ptr : "");
    }
    buf_deinit(&here);
}

static void lists_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct people *p = people_new();
        struct buf told;
        buf_init(&told, 256);
        for (size_t k = 0; k < STEPS_MAX && cases[i].steps[k].payload; k++) {
            apply(p, cases[i].steps[k].payload, cases[i].steps[k].result, &told);
        }
        judge(i, p, &told);
        buf_deinit(&told);
        people_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
