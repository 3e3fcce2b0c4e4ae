/* settings.h - a service's settings: one table, read from the environment once, at start */
#ifndef PARLEY_SETTINGS_H
#define PARLEY_SETTINGS_H

#include "shared/buf.h"
#include <stdio.h>

enum setting_type {
    SETTING_NUMBER, /* uint64_t, min..max */
    SETTING_TEXT,   /* const char *, borrowed from the environment; min..max is its length */
    SETTING_RATE,   /* struct rate, written "20:100": a second, and the burst; min..max for both */
    SETTING_CHOICE  /* unsigned, index into `choices`, which are separated by '|' */
};

struct rate {
    uint64_t per_second;
    uint64_t burst;
};

/* In the order in which a reader asks; packing a few dozen of them tighter is worth nothing. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct setting {
    const char *name; /* of the environment variable */
    enum setting_type type;
    const char *fallback; /* as it would be written; NULL: the setting is required */
    uint64_t min, max;
    size_t offset;       /* of the field in the service's struct */
    const char *help;    /* one line; says the unit */
    const char *choices; /* SETTING_CHOICE only */
    bool secret;         /* its value is never printed */
    /* Optional further check of a text: NULL when it is good, else what is wrong (a literal). */
    const char *(*check)(const char *value);
};

/* Fills `out` from the environment.  On false *error holds one clear line that names the variable,
 * its value (unless secret) and what is allowed.  An empty variable counts as unset. */
bool settings_load(const struct setting *table, size_t count, void *out, struct buf *error);

/* What settings_main knows, for people: its options, and the table, as name, default, range, help;
 * one line each. */
void settings_help(const struct setting *table, size_t count, const char *program,
                   const char *summary, FILE *to);

/* What every service's main does with its command line: `--help` prints the table and exits 0,
 * `--version` prints the version and exits 0, any other argument or a bad setting ends with one
 * line on stderr and exit 2.  Returns only when the settings are loaded. */
void settings_main(int argc, char **argv, const struct setting *table, size_t count, void *out,
                   const char *program, const char *summary);

/* Ends the program after --help or --version: these were wanted for their output, so that not being
 * able to write it is a failure. */
_Noreturn void settings_exit_told(void);

/* Checks for texts that several services share. */
const char *settings_check_prefix(const char *value); /* KEY_PREFIX: "{tag}:" of [A-Za-z0-9._-] */
const char *settings_check_redis_url(const char *value); /* see redis_url.h */
const char *settings_check_sentinels(const char *value); /* see redis_sentinel.h; may be empty */
const char *settings_check_master(const char *value);

#endif
