/* test_username.c - which names users may have */
#include "shared/username.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define SHAPE USERNAME_E_SHAPE
#define RESERVED USERNAME_E_RESERVED

static const struct {
    const char *label;
    struct slice name;
    enum username_err err;
} cases[] = {
    {"usual",                        SLICE_INIT("alice"),                             USERNAME_OK},
    {"one letter",                   SLICE_INIT("a"),                                 USERNAME_OK},
    {"one digit",                    SLICE_INIT("0"),                                 USERNAME_OK},
    {"every kind",                   SLICE_INIT("Az09._-"),                           USERNAME_OK},
    {"31 bytes",                     SLICE_INIT("abcdefghijklmnopqrstuvwxyz01234"),   USERNAME_OK},
    {"32 bytes",                     SLICE_INIT("abcdefghijklmnopqrstuvwxyz012345"),  USERNAME_OK},
    {"33 bytes",                     SLICE_INIT("abcdefghijklmnopqrstuvwxyz0123456"), SHAPE      },
    {"dots at the end",              SLICE_INIT("a.."),                               USERNAME_OK},
    {"empty",                        SLICE_INIT(""),                                  SHAPE      },
    {"NULL",                         {NULL, 0},                                       SHAPE      },
    {"dot first",                    SLICE_INIT(".a"),                                SHAPE      },
    {"two dots",                     SLICE_INIT(".."),                                SHAPE      },
    {"hyphen first",                 SLICE_INIT("-a"),                                SHAPE      },
    {"underscore first",             SLICE_INIT("_a"),                                SHAPE      },
    {"space",                        SLICE_INIT("a b"),                               SHAPE      },
    {"space behind",                 SLICE_INIT("alice "),                            SHAPE      },
    {"newline behind",               SLICE_INIT("alice\n"),                           SHAPE      },
    {"CRLF",                         SLICE_INIT("a\r\nb"),                            SHAPE      },
    {"NUL behind",                   SLICE_INIT("alice\0"),                           SHAPE      },
    {"NUL within",                   SLICE_INIT("a\0b"),                              SHAPE      },
    {"colon (keys)",                 SLICE_INIT("a:b"),                               SHAPE      },
    {"brace (cluster slots)",        SLICE_INIT("a{b}"),                              SHAPE      },
    {"star (patterns)",              SLICE_INIT("a*"),                                SHAPE      },
    {"question mark (patterns)",     SLICE_INIT("a?"),                                SHAPE      },
    {"bracket (patterns)",           SLICE_INIT("[ab]"),                              SHAPE      },
    {"slash",                        SLICE_INIT("a/b"),                               SHAPE      },
    {"backslash",                    SLICE_INIT("a\\b"),                              SHAPE      },
    {"percent",                      SLICE_INIT("a%62"),                              SHAPE      },
    {"quote",                        SLICE_INIT("a\"b"),                              SHAPE      },
    {"markup",                       SLICE_INIT("a<b>"),                              SHAPE      },
    {"at sign",                      SLICE_INIT("a@b"),                               SHAPE      },
    {"DEL",                          SLICE_INIT("a\x7F"),                             SHAPE      },
    {"e with an acute accent",       SLICE_INIT("\xC3\xA9ve"),                        SHAPE      },
    {"Cyrillic a",                   SLICE_INIT("\xD0\xB0lice"),                      SHAPE      },
    {"Kelvin sign",                  SLICE_INIT("\xE2\x84\xAAim"),                    SHAPE      },
    {"fullwidth",                    SLICE_INIT("\xEF\xBD\x81lice"),                  SHAPE      },
    {"zero width space",             SLICE_INIT("al\xE2\x80\x8Bice"),                 SHAPE      },
    {"no UTF-8",                     SLICE_INIT("a\xFF"),                             SHAPE      },
    {"byte before 0",                SLICE_INIT("a/"),                                SHAPE      },
    {"byte behind 9",                SLICE_INIT("a:"),                                SHAPE      },
    {"byte before A",                SLICE_INIT("a@"),                                SHAPE      },
    {"byte behind Z",                SLICE_INIT("a["),                                SHAPE      },
    {"byte before a",                SLICE_INIT("a`"),                                SHAPE      },
    {"byte behind z",                SLICE_INIT("a{"),                                SHAPE      },
    {"group",                        SLICE_INIT("group"),                             RESERVED   },
    {"GROUP",                        SLICE_INIT("GROUP"),                             RESERVED   },
    {"gRoUp",                        SLICE_INIT("gRoUp"),                             RESERVED   },
    {"all",                          SLICE_INIT("all"),                               RESERVED   },
    {"everyone",                     SLICE_INIT("everyone"),                          RESERVED   },
    {"here",                         SLICE_INIT("here"),                              RESERVED   },
    {"admin",                        SLICE_INIT("Admin"),                             RESERVED   },
    {"root",                         SLICE_INIT("root"),                              RESERVED   },
    {"system",                       SLICE_INIT("SYSTEM"),                            RESERVED   },
    {"server",                       SLICE_INIT("server"),                            RESERVED   },
    {"null",                         SLICE_INIT("null"),                              RESERVED   },
    {"undefined",                    SLICE_INIT("undefined"),                         RESERVED   },
    {"me",                           SLICE_INIT("Me"),                                RESERVED   },
    {"anonymous",                    SLICE_INIT("anonymous"),                         RESERVED   },
    {"__proto__",                    SLICE_INIT("__proto__"),                         RESERVED   },
    {"login",                        SLICE_INIT("login"),                             RESERVED   },
    {"logout",                       SLICE_INIT("logout"),                            RESERVED   },
    {"oidc",                         SLICE_INIT("OIDC"),                              RESERVED   },
    {"metrics",                      SLICE_INIT("metrics"),                           RESERVED   },
    {"health",                       SLICE_INIT("health"),                            RESERVED   },
    {"longer than a reserved word",  SLICE_INIT("groups"),                            USERNAME_OK},
    {"shorter than a reserved word", SLICE_INIT("grou"),                              USERNAME_OK},
    {"like a reserved word",         SLICE_INIT("group-1"),                           USERNAME_OK},
};

static void check_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice name = exact_copy(cases[i].name);
        enum username_err err = username_check(name);
        if (err != cases[i].err) {
            fail_msg("%s: %d", cases[i].label, (int)err);
        }
        exact_free(name);
    }
}

/* All 256 bytes as the only one, and as the second. */
static void exactly_these_bytes_are_allowed(void **state)
{
    unsigned first = 0;
    unsigned second = 0;

    (void)state;
    for (int c = 0; c < 256; c++) {
        char name[2] = {'a', (char)c};
        second += username_check((struct slice){name, 2}) == USERNAME_OK;
        first += username_check((struct slice){name + 1, 1}) == USERNAME_OK;
    }
    assert_int_equal(first, 62);
    assert_int_equal(second, 65);
}

static const struct {
    const char *label;
    struct slice name;
    const char *folded;
} fold_cases[] = {
    {"empty",                      {NULL, 0},                                      ""        },
    {"upper",                      SLICE_INIT("ALICE"),                            "alice"   },
    {"all kinds",                  SLICE_INIT("aZ09._-"),                          "az09._-" },
    {"32 bytes",                   SLICE_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"),
     "abcdefghijklmnopqrstuvwxyz012345"                                                      },
    {"neighbours of letters stay", SLICE_INIT("@[`{"),                             "@[`{"    },
    {"high bytes stay",            SLICE_INIT("\xC4\xD6"),                         "\xC4\xD6"},
};

static void fold_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(fold_cases); i++) {
        struct slice name = exact_copy(fold_cases[i].name);
        char out[USERNAME_MAX + 1];
        username_fold(name, out);
        if (strcmp(out, fold_cases[i].folded) != 0) {
            fail_msg("%s: %s", fold_cases[i].label, out);
        }
        exact_free(name);
    }
}

static void fold_never_writes_too_much(void **state)
{
    char out[USERNAME_MAX + 1];

    (void)state;
    username_fold(SLICE("abcdefghijklmnopqrstuvwxyz0123456789"), out);
    assert_string_equal(out, "abcdefghijklmnopqrstuvwxyz012345");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_follows_the_table),
        cmocka_unit_test(exactly_these_bytes_are_allowed),
        cmocka_unit_test(fold_follows_the_table),
        cmocka_unit_test(fold_never_writes_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
