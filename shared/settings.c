/* settings.c - a service's settings, read from the environment once */
#include "shared/settings.h"

#include "shared/log.h"
#include "shared/redis_sentinel.h"
#include "shared/redis_url.h"
#include "shared/version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_TEXT_MAX 256
#define ERROR_MAX 1024
#define TAG_MAX 32

/* One parsed value; which member counts is the setting's type. */
union value {
    uint64_t number;
    const char *text;
    struct rate rate;
    unsigned choice;
};

static bool parse_number(const struct setting *s, struct slice text, uint64_t *out)
{
    uint64_t number = 0;

    if (!slice_u64(text, s->max, &number) || number < s->min) {
        return false;
    }
    *out = number;
    return true;
}

static bool parse_rate(const struct setting *s, struct slice text, struct rate *out)
{
    struct slice per_second = slice_cut(&text, ':');

    return parse_number(s, per_second, &out->per_second) && parse_number(s, text, &out->burst);
}

static bool parse_choice(const struct setting *s, struct slice text, unsigned *out)
{
    struct slice rest = slice_text(s->choices);

    for (unsigned i = 0; rest.len > 0; i++) {
        if (slice_equal(slice_cut(&rest, '|'), text)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool parse(const struct setting *s, const char *text, union value *out)
{
    struct slice given = slice_text(text);

    switch (s->type) {
    case SETTING_NUMBER: return parse_number(s, given, &out->number);
    case SETTING_RATE: return parse_rate(s, given, &out->rate);
    case SETTING_CHOICE: return parse_choice(s, given, &out->choice);
    case SETTING_TEXT: break;
    }
    out->text = text;
    return given.len >= s->min && given.len <= s->max;
}

static void store(const struct setting *s, const union value *value, void *out)
{
    static const size_t sizes[] = {
        [SETTING_NUMBER] = sizeof(uint64_t),
        [SETTING_TEXT] = sizeof(const char *),
        [SETTING_RATE] = sizeof(struct rate),
        [SETTING_CHOICE] = sizeof(unsigned),
    };

    memcpy((char *)out + s->offset, value, sizes[s->type]);
}

/* What is allowed, as the end of an error line. */
static void append_rule(const struct setting *s, struct buf *error)
{
    switch (s->type) {
    case SETTING_NUMBER:
        buf_printf(error, "must be a whole number from %" PRIu64 " to %" PRIu64, s->min, s->max);
        break;
    case SETTING_TEXT:
        buf_printf(error, "must be %" PRIu64 " to %" PRIu64 " bytes long", s->min, s->max);
        break;
    case SETTING_RATE:
        buf_printf(error,
                   "must be two whole numbers from %" PRIu64 " to %" PRIu64
                   ", a second and the burst, like 20:100",
                   s->min, s->max);
        break;
    case SETTING_CHOICE: buf_printf(error, "must be one of %s", s->choices); break;
    }
}

/* `why`: the check's own words, NULL for the table's rule. */
static bool refuse(const struct setting *s, const char *text, const char *why, struct buf *error)
{
    if (s->secret) {
        buf_printf(error, "%s: ", s->name);
    } else {
        buf_printf(error, "%s=\"%s\": ", s->name, log_escape(slice_text(text)));
    }
    if (why) {
        buf_append(error, slice_text(why));
    } else {
        append_rule(s, error);
    }
    return false;
}

static bool load_one(const struct setting *s, void *out, struct buf *error)
{
    const char *text = getenv(s->name);
    union value value;

    if (!text || text[0] == '\0') {
        text = s->fallback;
    }
    if (!text) {
        buf_printf(error, "%s: must be set: %s", s->name, s->help);
        return false;
    }
    if (!parse(s, text, &value)) {
        return refuse(s, text, NULL, error);
    }
    const char *why = s->check ? s->check(text) : NULL;
    if (why) {
        return refuse(s, text, why, error);
    }
    store(s, &value, out);
    return true;
}

bool settings_load(const struct setting *table, size_t count, void *out, struct buf *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!load_one(&table[i], out, error)) {
            return false;
        }
    }
    return true;
}

static const char *shown_default(const struct setting *s)
{
    if (!s->fallback) {
        return "(required)";
    }
    if (s->fallback[0] == '\0') {
        return "(empty)";
    }
    return s->fallback; /* a default stands in the source: it is no secret */
}

static void range_text(const struct setting *s, char out[RANGE_TEXT_MAX])
{
    static const char *const units[] = {
        [SETTING_NUMBER] = "",
        [SETTING_TEXT] = " bytes",
        [SETTING_RATE] = " each",
        [SETTING_CHOICE] = "",
    };

    if (s->type == SETTING_CHOICE) {
        (void)snprintf(out, RANGE_TEXT_MAX, "%s", s->choices);
        return;
    }
    (void)snprintf(out, RANGE_TEXT_MAX, "%" PRIu64 "..%" PRIu64 "%s", s->min, s->max,
                   units[s->type]);
}

void settings_help(const struct setting *table, size_t count, const char *program,
                   const char *summary, FILE *to)
{
    static const char row[] = "  %-28s %-24s %-20s %s\n";
    char range[RANGE_TEXT_MAX];

    (void)fprintf(to, "%s %s - %s\n\n", program, PARLEY_VERSION, summary);
    (void)fprintf(to, "Usage: %s [--help | --version]\n\n", program);
    (void)fprintf(to, "Settings, from the environment (an empty one counts as unset):\n");
    (void)fprintf(to, row, "NAME", "DEFAULT", "RANGE", "MEANING");
    for (size_t i = 0; i < count; i++) {
        range_text(&table[i], range);
        (void)fprintf(to, row, table[i].name, shown_default(&table[i]), range, table[i].help);
    }
}

_Noreturn void settings_exit_told(void)
{
    bool ok = fflush(stdout) == 0 && !ferror(stdout);
    exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* The seven parameters are all of main's that differ from service to service. */
/* NOLINTNEXTLINE(readability-function-size) */
void settings_main(int argc, char **argv, const struct setting *table, size_t count, void *out,
                   const char *program, const char *summary)
{
    struct buf error;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        settings_help(table, count, program, summary, stdout);
        settings_exit_told();
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        (void)printf("%s %s\n", program, PARLEY_VERSION);
        settings_exit_told();
    }
    if (argc > 1) {
        (void)fprintf(stderr, "%s: \"%s\": unknown argument, try --help\n", program,
                      log_escape(slice_text(argv[1])));
        exit(2);
    }
    buf_init(&error, ERROR_MAX);
    if (!settings_load(table, count, out, &error)) {
        (void)fprintf(stderr, "%s: %s\n", program, error.ptr ? error.ptr : "bad settings");
        exit(2);
    }
    buf_deinit(&error);
}

const char *settings_check_prefix(const char *value)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    size_t tag = value[0] == '{' ? strspn(value + 1, allowed) : 0;

    if (tag >= 1 && tag <= TAG_MAX && strcmp(value + 1 + tag, "}:") == 0) {
        return NULL;
    }
    return "must be {tag}: with a tag of 1 to 32 letters, digits, '.', '_' or '-'";
}

const char *settings_check_redis_url(const char *value)
{
    struct redis_url url;
    bool good = redis_url_parse(slice_text(value), &url);

    explicit_bzero(&url, sizeof url);
    return good ? NULL
                : "must be redis://[user[:password]@]host[:port] or "
                  "unix://[user[:password]@]/path";
}

const char *settings_check_sentinels(const char *value)
{
    static struct redis_sentinels sentinels; /* larger than what a stack should hold */
    bool good = value[0] == '\0' || redis_sentinels_parse(slice_text(value), &sentinels);
    return good ? NULL : "must be host:port,host:port,... (at most 8)";
}

const char *settings_check_master(const char *value)
{
    return redis_sentinel_name_ok(slice_text(value)) ? NULL
                                                     : "must be of letters, digits, '.', '_', '-'";
}
