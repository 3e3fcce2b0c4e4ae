/* options.h - the command line; pure */
#ifndef PARLEY_TERMINAL_OPTIONS_H
#define PARLEY_TERMINAL_OPTIONS_H

#include "client/terminal/url.h"

enum options_mode { MODE_SCREEN, MODE_PLAIN, MODE_JSON };
enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_WRONG };

struct options {
    struct url url;
    const char *cafile; /* NULL: the system's certificates */
    enum options_mode mode;
    const char *name;
};

/* Arguments are borrowed.  OPTIONS_WRONG: *what is the argument in question ("" if one is missing),
 * and *why says what is wrong with it. */
enum options_result options_read(int argc, char *const argv[], struct options *out,
                                 const char **what, const char **why);

extern const char *const options_help;

#endif
