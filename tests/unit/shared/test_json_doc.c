/* test_json_doc.c - the documents that we write are JSON, with every number in digits */
#include "shared/json.h"
#include "shared/json_doc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void assert_prints(const struct json_doc *doc, const char *wanted)
{
    struct buf out;
    struct json value;

    buf_init(&out, 1000);
    assert_true(json_doc_print(doc, &out));
    assert_string_equal(out.ptr, wanted);
    assert_int_equal(json_parse(buf_slice(&out), &value), JSON_OK);
    buf_deinit(&out);
}

static void an_empty_document_is_an_object(void **state)
{
    struct json_doc *doc = json_doc_new();

    (void)state;
    assert_prints(doc, "{}");
    json_doc_free(doc);
    json_doc_free(NULL);
}

static void members_stand_in_their_order(void **state)
{
    struct json_doc *doc = json_doc_new();

    (void)state;
    json_doc_text(doc, "username", SLICE("alice"));
    json_doc_number(doc, "expires_in", 60);
    struct json_doc *error = json_doc_object(doc, "error");
    json_doc_text(error, "code", SLICE("invalid"));
    json_doc_null(doc, "nothing");
    assert_prints(doc, "{\"username\":\"alice\",\"expires_in\":60,"
                       "\"error\":{\"code\":\"invalid\"},"
                       "\"nothing\":null}");
    json_doc_free(doc);
}

static const struct {
    uint64_t value;
    const char *printed;
} number_cases[] = {
    {0,                "{\"n\":0}"                   },
    {2147483648,       "{\"n\":2147483648}"          },
    {1000000000000000, "{\"n\":1000000000000000}"    },
    {9007199254740992, "{\"n\":9007199254740992}"    },
    {UINT64_MAX,       "{\"n\":18446744073709551615}"},
};

static void numbers_are_digits(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(number_cases); i++) {
        struct json_doc *doc = json_doc_new();
        json_doc_number(doc, "n", number_cases[i].value);
        assert_prints(doc, number_cases[i].printed);
        json_doc_free(doc);
    }
}

static const struct {
    const char *label;
    struct slice text;
} text_cases[] = {
    {"NULL",                   {NULL, 0}                                         },
    {"quotes and backslashes", SLICE_INIT("\"\\/")                               },
    {"controls",               SLICE_INIT("\x01\b\f\n\r\t\x1F")                  },
    {"UTF-8",                  SLICE_INIT("\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80")},
    {"markup",                 SLICE_INIT("</script><!--")                       },
};

static void texts_come_back_as_they_were(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(text_cases); i++) {
        struct json_doc *doc = json_doc_new();
        struct json value;
        struct json member;
        struct buf printed;
        struct buf text;
        buf_init(&printed, 1000);
        buf_init(&text, 1000);
        json_doc_text(doc, "t", text_cases[i].text);
        assert_true(json_doc_print(doc, &printed));
        assert_int_equal(json_parse(buf_slice(&printed), &value), JSON_OK);
        assert_int_equal(json_find(value, SLICE("t"), &member), JSON_OK);
        assert_int_equal(json_string(member, &text), JSON_OK);
        if (!slice_equal(buf_slice(&text), text_cases[i].text)) {
            fail_msg("%s: %s", text_cases[i].label, printed.ptr);
        }
        buf_deinit(&printed);
        buf_deinit(&text);
        json_doc_free(doc);
    }
}

/* Only the slice's own bytes are taken, whatever stands behind it. */
static void a_text_ends_where_its_slice_ends(void **state)
{
    struct json_doc *doc = json_doc_new();

    (void)state;
    json_doc_text(doc, "t", slice_head(SLICE("alice and more"), 5));
    assert_prints(doc, "{\"t\":\"alice\"}");
    json_doc_free(doc);
}

static void a_full_buffer_is_told(void **state)
{
    struct json_doc *doc = json_doc_new();

    (void)state;
    json_doc_number(doc, "n", 1); /* 7 bytes */
    for (size_t max = 6; max <= 8; max++) {
        struct buf out;
        buf_init(&out, max);
        assert_int_equal(json_doc_print(doc, &out), max >= 7);
        assert_int_equal(out.len, max >= 7 ? 7 : 0);
        buf_deinit(&out);
    }
    json_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_document_is_an_object),
        cmocka_unit_test(members_stand_in_their_order),
        cmocka_unit_test(numbers_are_digits),
        cmocka_unit_test(texts_come_back_as_they_were),
        cmocka_unit_test(a_text_ends_where_its_slice_ends),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
