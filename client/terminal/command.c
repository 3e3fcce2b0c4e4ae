/* command.c - what an entered line means */
#include "client/terminal/command.h"
#include "shared/username.h"

const char *const command_help =
    "/msg NAME TEXT  a private message; @NAME TEXT is the same\n"
    "/users          who is here\n"
    "/retry          sends again what is red, as the same message\n"
    "/search TEXT    looks for it in what was said; without text: again\n"
    "/quit           signs out and ends\n"
    "//TEXT          a message that begins with a slash; @@TEXT: with an @\n";

static struct command bad(struct slice why)
{
    return (struct command){COMMAND_BAD, SLICE(""), why};
}

static struct command say(struct slice name, struct slice text)
{
    return (struct command){COMMAND_SAY, name, text};
}

static struct command read_msg(struct slice rest)
{
    struct slice name = slice_cut(&rest, ' ');
    struct slice text = slice_trim(rest);
    if (name.len == 0 || text.len == 0) {
        return bad(SLICE("write it so: /msg NAME TEXT"));
    }
    if (!slice_equal_nocase(name, SLICE("group")) && username_check(name) != USERNAME_OK) {
        return bad(SLICE("that is not a name that somebody may have"));
    }
    return say(name, text);
}

/* Behind the @.  What cannot be a name is no name, and the line a text like any other. */
static bool read_at(struct slice line, struct command *out)
{
    struct slice rest = slice_tail(line, 1), name = slice_cut(&rest, ' ');
    bool marked = name.len > 0 && (name.ptr[name.len - 1] == ':' || name.ptr[name.len - 1] == ',');
    name.len -= marked ? 1 : 0;
    if (username_check(name) == USERNAME_E_SHAPE) {
        return false;
    }
    struct slice text = slice_trim(rest);
    *out = text.len > 0 ? say(name, text) : bad(SLICE("write it so: @NAME TEXT"));
    return true;
}

static struct command read_search(struct slice rest)
{
    return (struct command){COMMAND_SEARCH, SLICE(""), rest};
}

static const struct {
    struct slice word;
    enum command_kind kind;
    struct command (*read)(struct slice rest); /* NULL: nothing may stand behind the word */
} commands[] = {
    {SLICE_INIT("/msg"),    COMMAND_SAY,    read_msg   },
    {SLICE_INIT("/users"),  COMMAND_USERS,  NULL       },
    {SLICE_INIT("/retry"),  COMMAND_RETRY,  NULL       },
    {SLICE_INIT("/search"), COMMAND_SEARCH, read_search},
    {SLICE_INIT("/help"),   COMMAND_HELP,   NULL       },
    {SLICE_INIT("/quit"),   COMMAND_QUIT,   NULL       },
};

static struct command read_command(struct slice line)
{
    struct slice rest = line, word = slice_cut(&rest, ' ');
    rest = slice_trim(rest);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!slice_equal(word, commands[i].word)) {
            continue;
        }
        if (commands[i].read) {
            return commands[i].read(rest);
        }
        return rest.len == 0 ? (struct command){commands[i].kind, SLICE(""), SLICE("")}
                             : bad(SLICE("nothing may stand behind that command"));
    }
    return bad(SLICE("there is no such command; /help lists them"));
}

struct command command_parse(struct slice line)
{
    if (slice_trim(line).len == 0) {
        return (struct command){COMMAND_NOTHING, SLICE(""), SLICE("")};
    }
    struct command direct;
    if (slice_starts(line, SLICE("@")) && read_at(line, &direct)) {
        return direct;
    }
    if (slice_starts(line, SLICE("//")) || slice_starts(line, SLICE("@@"))) {
        return say(SLICE("group"), slice_tail(line, 1));
    }
    return slice_starts(line, SLICE("/")) ? read_command(line) : say(SLICE("group"), line);
}
