/* command.h - what an entered line means; pure */
#ifndef PARLEY_TERMINAL_COMMAND_H
#define PARLEY_TERMINAL_COMMAND_H

#include "shared/slice.h"

enum command_kind {
    COMMAND_NOTHING, /* an empty line */
    COMMAND_SAY,     /* to everybody, or to `name` */
    COMMAND_USERS,
    COMMAND_RETRY,
    COMMAND_SEARCH, /* for `text`; again when it is empty */
    COMMAND_HELP,
    COMMAND_QUIT,
    COMMAND_BAD /* `text` says in words what is wrong */
};

struct command {
    enum command_kind kind;
    struct slice name; /* of the receiver; "group" for everybody */
    struct slice text;
};

/* `/msg NAME TEXT` and the other commands; `@NAME TEXT`, also with a colon or comma behind the
 * name, is the first of them, as in the page.  A line that begins with // or @@ is text that begins
 * with one of them, anything else is text.  Slices of the answer point into `line`, or are
 * constants. */
struct command command_parse(struct slice line);

/* A line for each command, with a line feed behind it, for /help. */
extern const char *const command_help;

#endif
