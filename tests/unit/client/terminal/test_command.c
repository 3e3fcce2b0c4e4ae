/* test_command.c - what an entered line means; the command line; lines out of bytes */
#include "client/terminal/command.h"
#include "client/terminal/lines.h"
#include "client/terminal/options.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *line;
    enum command_kind kind;
    const char *name, *text; /* text NULL: anything */
} cases[] = {
    {"",                    COMMAND_NOTHING, "",      ""        },
    {"  ",                  COMMAND_NOTHING, "",      ""        },
    {"hello",               COMMAND_SAY,     "group", "hello"   },
    {" hello ",             COMMAND_SAY,     "group", " hello " },
    {"//usr",               COMMAND_SAY,     "group", "/usr"    },
    {"//",                  COMMAND_SAY,     "group", "/"       },
    {"/msg bob hi",         COMMAND_SAY,     "bob",   "hi"      },
    {"/msg bob  hi there ", COMMAND_SAY,     "bob",   "hi there"},
    {"/msg group hi",       COMMAND_SAY,     "group", "hi"      },
    {"/msg bob",            COMMAND_BAD,     "",      NULL      },
    {"/msg",                COMMAND_BAD,     "",      NULL      },
    {"/msg b@d hi",         COMMAND_BAD,     "",      NULL      },
    {"/msg admin hi",       COMMAND_BAD,     "",      NULL      },
    {"@bob hi",             COMMAND_SAY,     "bob",   "hi"      },
    {"@Bob:  hi there ",    COMMAND_SAY,     "Bob",   "hi there"},
    {"@bob, hi",            COMMAND_SAY,     "bob",   "hi"      },
    {"@group hi",           COMMAND_SAY,     "group", "hi"      },
    {"@admin hi",           COMMAND_SAY,     "admin", "hi"      },
    {"@bob",                COMMAND_BAD,     "",      NULL      },
    {"@bob ",               COMMAND_BAD,     "",      NULL      },
    {"@@bob hi",            COMMAND_SAY,     "group", "@bob hi" },
    {"@@",                  COMMAND_SAY,     "group", "@"       },
    {"@",                   COMMAND_SAY,     "group", "@"       },
    {"@ bob",               COMMAND_SAY,     "group", "@ bob"   },
    {"@: hi",               COMMAND_SAY,     "group", "@: hi"   },
    {"@b!b hi",             COMMAND_SAY,     "group", "@b!b hi" },
    {" @bob hi",            COMMAND_SAY,     "group", " @bob hi"},
    {"/users",              COMMAND_USERS,   "",      ""        },
    {"/users ",             COMMAND_USERS,   "",      ""        },
    {"/users x",            COMMAND_BAD,     "",      NULL      },
    {"/search",             COMMAND_SEARCH,  "",      ""        },
    {"/search a b",         COMMAND_SEARCH,  "",      "a b"     },
    {"/retry",              COMMAND_RETRY,   "",      ""        },
    {"/help",               COMMAND_HELP,    "",      ""        },
    {"/quit",               COMMAND_QUIT,    "",      ""        },
    {"/Quit",               COMMAND_BAD,     "",      NULL      },
    {"/",                   COMMAND_BAD,     "",      NULL      },
};

static void commands_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct slice line = exact_copy(slice_text(cases[i].line));
        struct command c = command_parse(line);
        if (c.kind != cases[i].kind || !slice_equal(c.name, slice_text(cases[i].name)) ||
            (cases[i].text && !slice_equal(c.text, slice_text(cases[i].text)))) {
            fail_msg("%s: kind %d", cases[i].line, (int)c.kind);
        }
        exact_free(line);
    }
}

/* ---- The command line ---- */

static const struct {
    const char *args[6];
    enum options_result result;
    enum options_mode mode;
    const char *what; /* of OPTIONS_WRONG */
} lines[] = {
    {{"bob"},                        OPTIONS_RUN,     MODE_SCREEN, ""         },
    {{"--plain", "bob"},             OPTIONS_RUN,     MODE_PLAIN,  ""         },
    {{"bob", "--json"},              OPTIONS_RUN,     MODE_JSON,   ""         },
    {{"--json", "--plain", "bob"},   OPTIONS_WRONG,   MODE_SCREEN, "--plain"  },
    {{"--url", "http://x:1", "bob"}, OPTIONS_RUN,     MODE_SCREEN, ""         },
    {{"--url=http://x:1", "bob"},    OPTIONS_RUN,     MODE_SCREEN, ""         },
    {{"--url", "ftp://x", "bob"},    OPTIONS_WRONG,   MODE_SCREEN, "--url"    },
    {{"bob", "--url"},               OPTIONS_WRONG,   MODE_SCREEN, "--url"    },
    {{"bob", "--cafile", "f"},       OPTIONS_RUN,     MODE_SCREEN, ""         },
    {{"--plain=1", "bob"},           OPTIONS_WRONG,   MODE_SCREEN, "--plain=1"},
    {{"--no", "bob"},                OPTIONS_WRONG,   MODE_SCREEN, "--no"     },
    {{"bob", "eve"},                 OPTIONS_WRONG,   MODE_SCREEN, "eve"      },
    {{NULL},                         OPTIONS_WRONG,   MODE_SCREEN, ""         },
    {{"--plain"},                    OPTIONS_WRONG,   MODE_SCREEN, ""         },
    {{"--help"},                     OPTIONS_HELP,    MODE_SCREEN, ""         },
    {{"--version", "--no"},          OPTIONS_VERSION, MODE_SCREEN, ""         },
};

static void options_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        char *argv[8] = {NULL};
        int argc = 1;
        struct options options;
        const char *what = "", *why = "";
        for (; lines[i].args[argc - 1]; argc++) {
            argv[argc] = strdup(lines[i].args[argc - 1]);
        }
        enum options_result result = options_read(argc, argv, &options, &what, &why);
        assert_int_equal(result, lines[i].result);
        if (result == OPTIONS_RUN) {
            assert_string_equal(options.name, "bob");
            assert_int_equal(options.mode, lines[i].mode);
        }
        if (result == OPTIONS_WRONG) {
            assert_string_equal(what, lines[i].what);
            assert_true(strlen(why) > 0);
        }
        while (argc > 0) {
            free(argv[--argc]);
        }
    }
}

/* ---- Lines ---- */

/* Each row: pieces, and what comes of them: lines with | behind them, ! for one too long, $ at the
 * end.  A line has at most 4 bytes. */
static const struct {
    const char *label;
    const char *pieces[6];
    const char *result;
} streams[] = {
    {"nothing",           {NULL},                        "$"     },
    {"one",               {"ab\n"},                      "ab|$"  },
    {"no line feed",      {"ab"},                        "ab|$"  },
    {"in pieces",         {"a", "b", "\nc", "\n"},       "ab|c|$"},
    {"empty lines",       {"\n\na\n"},                   "||a|$" },
    {"as long as may be", {"abcd\n"},                    "abcd|$"},
    {"one longer",        {"abcde", "\nf\n"},            "!f|$"  },
    {"much longer",       {"abcde", "fghij", "kl\nm\n"}, "!m|$"  },
    {"longer at the end", {"abcde", "f"},                "!$"    },
    {"full, at the end",  {"abcd"},                      "abcd|$"},
};

static bool take_all(struct lines *l, struct buf *result)
{
    for (;;) {
        struct slice line;
        switch (lines_take(l, &line)) {
        case LINES_ONE:
            buf_append(result, line);
            buf_byte(result, '|');
            break;
        case LINES_TOO_LONG: buf_byte(result, '!'); break;
        case LINES_NONE: return false;
        case LINES_END: buf_byte(result, '$'); return true;
        }
    }
}

static void streams_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(streams); i++) {
        struct lines l;
        struct buf result;
        lines_init(&l, 4);
        buf_init(&result, 256);
        for (size_t k = 0; streams[i].pieces[k]; k++) {
            struct slice rest = slice_text(streams[i].pieces[k]);
            while (rest.len > 0) {
                size_t room = lines_room(&l);
                assert_true(room > 0);
                lines_put(&l, slice_head(rest, room));
                rest = slice_tail(rest, room);
                assert_false(take_all(&l, &result));
            }
        }
        lines_end(&l);
        assert_true(take_all(&l, &result));
        if (!slice_equal(buf_slice(&result), slice_text(streams[i].result))) {
            fail_msg("%s: %s", streams[i].label, result.ptr);
        }
        buf_deinit(&result);
        lines_deinit(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_follow_the_table),
        cmocka_unit_test(options_follow_the_table),
        cmocka_unit_test(streams_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
