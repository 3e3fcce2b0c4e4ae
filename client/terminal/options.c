/* options.c - the command line */
#include "client/terminal/options.h"
#include <string.h>

#define DEFAULT_URL "http://localhost:5000"

const char *const options_help =
    "usage: parley [--url URL] [--cafile FILE] [--plain | --json] NAME\n"
    "\n"
    "Signs in as NAME and chats.\n"
    "\n"
    "  --url URL      the server: http://host:port or https://host:port (" DEFAULT_URL ")\n"
    "  --cafile FILE  certificates (PEM) to trust with https, instead of the system's\n"
    "  --plain        for pipes: each line of standard input is a message, one line for each "
    "event\n"
    "  --json         the same, with a JSON object for each event\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 all is well; 1 wrong usage; 2 the name was refused; 3 the server was not\n"
    "reached; 4 the session ended; 5 not all messages were sent.  parley(1) says the rest.\n";

struct reader {
    struct options *out;
    const char *value; /* of the option */
    const char *why;
};

static bool set_url(struct reader *r)
{
    r->why = url_parse(slice_text(r->value), &r->out->url);
    return r->why == NULL;
}

static bool set_cafile(struct reader *r)
{
    r->out->cafile = r->value;
    return true;
}

static bool set_mode(struct reader *r, enum options_mode mode)
{
    if (r->out->mode != MODE_SCREEN && r->out->mode != mode) {
        r->why = "only one of --plain and --json";
        return false;
    }
    r->out->mode = mode;
    return true;
}

static bool set_plain(struct reader *r)
{
    return set_mode(r, MODE_PLAIN);
}

static bool set_json(struct reader *r)
{
    return set_mode(r, MODE_JSON);
}

static const struct option {
    const char *name;
    bool (*set)(struct reader *r);
    enum options_result result; /* when it is the end of reading */
    bool has_value;
} table[] = {
    {"--url",     set_url,    OPTIONS_RUN,     true },
    {"--cafile",  set_cafile, OPTIONS_RUN,     true },
    {"--plain",   set_plain,  OPTIONS_RUN,     false},
    {"--json",    set_json,   OPTIONS_RUN,     false},
    {"--help",    NULL,       OPTIONS_HELP,    false},
    {"--version", NULL,       OPTIONS_VERSION, false},
};

/* The option that this argument is; its value may stand behind a `=`. */
static const struct option *find_option(const char *arg, const char **value)
{
    const char *equals = strchr(arg, '=');
    size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strlen(table[i].name) == n && strncmp(table[i].name, arg, n) == 0) {
            *value = equals ? equals + 1 : NULL;
            return &table[i];
        }
    }
    return NULL;
}

static bool take_name(struct reader *r, const char *arg)
{
    if (arg[0] == '-') {
        r->why = "there is no such option";
    } else if (r->out->name) {
        r->why = "there is one name already";
    } else {
        r->out->name = arg;
    }
    return r->why == NULL;
}

/* Takes one argument, and its value if it has one. */
static bool take(struct reader *r, int argc, char *const argv[], int *i,
                 enum options_result *result)
{
    const struct option *option = find_option(argv[*i], &r->value);
    if (!option) {
        return take_name(r, argv[*i]);
    }
    if (!option->has_value && r->value) {
        r->why = "it takes no value";
        return false;
    }
    if (option->has_value && !r->value && *i + 1 < argc) {
        r->value = argv[++*i];
    }
    if (option->has_value && !r->value) {
        r->why = "its value is missing";
        return false;
    }
    *result = option->result;
    return option->set ? option->set(r) : true;
}

enum options_result options_read(int argc, char *const argv[], struct options *out,
                                 const char **what, const char **why)
{
    struct reader r = {.out = out};
    enum options_result result = OPTIONS_RUN;
    *out = (struct options){.mode = MODE_SCREEN};
    (void)url_parse(SLICE(DEFAULT_URL), &out->url);
    for (int i = 1; i < argc; i++) {
        *what = argv[i];
        if (!take(&r, argc, argv, &i, &result)) {
            *why = r.why;
            return OPTIONS_WRONG;
        }
        if (result != OPTIONS_RUN) {
            return result;
        }
    }
    *what = "";
    *why = "NAME is missing";
    return out->name ? OPTIONS_RUN : OPTIONS_WRONG;
}
