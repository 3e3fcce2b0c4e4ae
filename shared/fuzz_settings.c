/* fuzz_settings.c - numbers, rates and choices are read as a plain reading has it; what is refused
 * is refused with one printable line that names the variable, and a secret is never in it
 *
 * Input: four lines, the values of the four variables. */
#include "shared/settings.h"
#include "tests/support/fuzz.h"

#define COUNT 4 /* variables */

struct values {
    uint64_t number;
    struct rate rate;
    unsigned choice;
    const char *secret;
};

static const char *refuse_loud(const char *value)
{
    return strchr(value, '!') ? "must not be loud" : NULL;
}

static const struct setting number = {.name = "F_NUMBER",
                                      .type = SETTING_NUMBER,
                                      .fallback = "7",
                                      .min = 5,
                                      .max = 70000,
                                      .offset = offsetof(struct values, number)};
static const struct setting rate = {.name = "F_RATE",
                                    .type = SETTING_RATE,
                                    .fallback = "1:2",
                                    .min = 1,
                                    .max = UINT64_MAX,
                                    .offset = offsetof(struct values, rate)};
static const struct setting choice = {.name = "F_CHOICE",
                                      .type = SETTING_CHOICE,
                                      .fallback = "warn",
                                      .choices = "error|warn|info",
                                      .offset = offsetof(struct values, choice)};
static const struct setting secret = {.name = "F_SECRET",
                                      .type = SETTING_TEXT,
                                      .fallback = "x",
                                      .min = 1,
                                      .max = 40,
                                      .offset = offsetof(struct values, secret),
                                      .secret = true,
                                      .check = refuse_loud};
static const struct setting *const table[COUNT] = {&number, &rate, &choice, &secret};

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    bool ok = *text != '\0';
    for (; ok && *text; text++) {
        ok = *text >= '0' && *text <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
             !__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value);
    }
    *out = value;
    return ok && value >= min && value <= max;
}

static bool read_rate(char *text, struct rate *out)
{
    char *colon = strchr(text, ':');
    if (!colon) {
        return false;
    }
    *colon = '\0';
    bool ok = read_number(text, 1, UINT64_MAX, &out->per_second) &&
              read_number(colon + 1, 1, UINT64_MAX, &out->burst);
    *colon = ':';
    return ok;
}

static bool read_choice(const char *text, unsigned *out)
{
    static const char *const names[] = {"error", "warn", "info"};
    for (*out = 0; *out < 3; ++*out) {
        if (strcmp(text, names[*out]) == 0) {
            return true;
        }
    }
    return false;
}

/* The first value that is not good, or COUNT. */
static size_t first_bad(char *const *texts, struct values *out)
{
    bool good[COUNT];
    good[0] = !texts[0][0] || read_number(texts[0], 5, 70000, &out->number);
    good[1] = !texts[1][0] || read_rate(texts[1], &out->rate);
    good[2] = !texts[2][0] || read_choice(texts[2], &out->choice);
    good[3] = strlen(texts[3]) <= 40 && !strchr(texts[3], '!');
    size_t i = 0;
    while (i < COUNT && good[i]) {
        i++;
    }
    return i;
}

static void check_error(const struct buf *error, size_t bad, const char *hidden)
{
    HOLDS(bad < COUNT && !error->failed);
    HOLDS(slice_starts(buf_slice(error), slice_text(table[bad]->name)));
    for (size_t i = 0; i < error->len; i++) {
        HOLDS(error->ptr[i] >= ' ' && error->ptr[i] <= '~');
    }
    HOLDS(bad != 3 || strlen(hidden) < 8 || !strstr(error->ptr, hidden));
}

static void check_values(const struct values *got, const struct values *expected)
{
    HOLDS(got->number == expected->number && got->choice == expected->choice);
    HOLDS(got->rate.per_second == expected->rate.per_second);
    HOLDS(got->rate.burst == expected->rate.burst);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct values got =
                      {
                          0
    },
                  expected = {7, {1, 2}, 1, NULL};
    char *texts[COUNT];
    struct buf error;

    for (size_t i = 0; i < COUNT; i++) {
        struct slice line = slice_cut(&in, '\n');
        texts[i] = strndup(line.len > 0 ? line.ptr : "", line.len);
        HOLDS(texts[i] && setenv(table[i]->name, texts[i], 1) == 0);
    }
    buf_init(&error, 1024);
    bool ok = true;
    for (size_t i = 0; ok && i < COUNT; i++) {
        ok = settings_load(table[i], 1, &got, &error);
    }
    size_t bad = first_bad(texts, &expected);
    HOLDS(ok == (bad == COUNT));
    if (ok) {
        check_values(&got, &expected);
    } else {
        check_error(&error, bad, texts[3]);
    }
    HOLDS(!settings_check_prefix("{chat}:") && settings_check_prefix("{}:"));
    const char *why = settings_check_prefix(texts[3]);
    HOLDS(why || (strlen(texts[3]) <= 35 && !strpbrk(texts[3], " *?[]\\|\r\n\t")));
    for (size_t i = 0; i < COUNT; i++) {
        free(texts[i]);
    }
    buf_deinit(&error);
    return 0;
}
