/* test_log.c - one line per event, never blocking, nothing of a peer unescaped */
#include "shared/log.h"
#include "tests/support/exact_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define LINE_MAX_BYTES 1024
#define GIVE_UP_S 60 /* a log that blocks dies by SIGALRM */

/* stderr led into a pipe. */
struct capture {
    int saved;
    int reader;
    int writer;
    char text[4 * LINE_MAX_BYTES];
};

static void capture_start(struct capture *c)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    c->reader = ends[0];
    c->writer = ends[1];
    assert_int_equal(fcntl(c->reader, F_SETFL, O_NONBLOCK), 0);
    c->saved = dup(STDERR_FILENO);
    assert_true(c->saved >= 0);
    assert_true(dup2(c->writer, STDERR_FILENO) >= 0);
}

/* What was written since; at most what `text` holds. */
static const char *capture_read(struct capture *c)
{
    ssize_t n = read(c->reader, c->text, sizeof(c->text) - 1);

    c->text[n > 0 ? n : 0] = '\0';
    return c->text;
}

static void capture_end(struct capture *c)
{
    (void)dup2(c->saved, STDERR_FILENO);
    close(c->saved);
    close(c->writer);
    close(c->reader);
}

/* Fills the pipe to the last byte, without a lasting change to its flags. */
static void capture_fill(struct capture *c)
{
    static const char junk[65536];
    int flags = fcntl(c->writer, F_GETFL);

    assert_int_equal(fcntl(c->writer, F_SETFL, flags | O_NONBLOCK), 0);
    while (write(c->writer, junk, sizeof(junk)) > 0) {
    }
    while (write(c->writer, junk, 1) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fcntl(c->writer, F_SETFL, flags), 0);
}

static void capture_drain(struct capture *c)
{
    char junk[4096];

    while (read(c->reader, junk, sizeof(junk)) > 0) {
    }
}

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

#define TIME "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z "

static const struct {
    enum log_level level;
    const char *pattern;
} level_cases[] = {
    {LOG_LEVEL_ERROR, TIME "error parley-test: hello n=7\n$"},
    {LOG_LEVEL_WARN,  TIME "warn parley-test: hello n=7\n$" },
    {LOG_LEVEL_INFO,  TIME "info parley-test: hello n=7\n$" },
    {LOG_LEVEL_DEBUG, TIME "debug parley-test: hello n=7\n$"},
};

/* Each level is written when it is asked for, and not when only a graver one is. */
static void lines_have_their_form_and_level(void **state)
{
    struct capture c;

    (void)state;
    for (size_t i = 0; i < ROWS(level_cases); i++) {
        for (int max = LOG_LEVEL_ERROR; max <= LOG_LEVEL_DEBUG; max++) {
            capture_start(&c);
            log_init("parley-test", (enum log_level)max);
            log_line(level_cases[i].level, "hello n=%d", 7);
            capture_read(&c);
            capture_end(&c);
            bool wanted = (int)level_cases[i].level <= max;
            if (wanted ? !matches(c.text, level_cases[i].pattern) : c.text[0] != '\0') {
                fail_msg("level %zu of %d: %s", i, max, c.text);
            }
        }
    }
    log_init("parley-test", LOG_LEVEL_INFO);
}

/* Far too long, and at the edge: always one line of at most 1,024 bytes that ends in a newline. */
static void long_lines_are_cut(void **state)
{
    static char message[3 * LINE_MAX_BYTES];
    size_t longest = 0;

    (void)state;
    for (size_t len = 800; len < sizeof(message); len += len < 1100 ? 1 : 500) {
        struct capture c;
        memset(message, 'x', len);
        message[len] = '\0';
        capture_start(&c);
        log_info("%s", message);
        capture_read(&c);
        capture_end(&c);
        size_t n = strlen(c.text);
        assert_true(n <= LINE_MAX_BYTES && n > 0);
        assert_ptr_equal(strchr(c.text, '\n'), c.text + n - 1);
        longest = n > longest ? n : longest;
    }
    assert_true(longest > LINE_MAX_BYTES - 64); /* not cut for nothing */
}

static void controls_cannot_make_a_second_line(void **state)
{
    struct capture c;

    (void)state;
    capture_start(&c);
    log_info("%s", "a\nb\rc\x1B[2Jd\x7F");
    capture_read(&c);
    capture_end(&c);
    assert_true(matches(c.text, "parley-test: a\\?b\\?c\\?\\[2Jd\\?\n$"));
}

static void a_full_pipe_drops_and_counts(void **state)
{
    struct capture c;
    char first[LINE_MAX_BYTES + 1];
    char second[LINE_MAX_BYTES + 1];

    (void)state;
    capture_start(&c);
    int flags = fcntl(c.writer, F_GETFL);
    capture_fill(&c);
    for (int i = 0; i < 3; i++) {
        log_info("lost %d", i); /* would block for ever */
    }
    int flags_after = fcntl(c.writer, F_GETFL);
    capture_drain(&c);
    log_info("through");
    (void)snprintf(first, sizeof(first), "%s", capture_read(&c));
    log_info("again");
    (void)snprintf(second, sizeof(second), "%s", capture_read(&c));
    capture_end(&c);
    assert_true(matches(first, TIME "info parley-test: through dropped_lines=3\n$"));
    assert_true(matches(second, TIME "info parley-test: again\n$"));
    assert_int_equal(flags_after, flags); /* others share them */
    assert_false(flags & O_NONBLOCK);
}

/* The count has its room even in a line that is cut. */
static void the_count_stands_in_a_long_line_too(void **state)
{
    char message[2 * LINE_MAX_BYTES];
    struct capture c;

    (void)state;
    memset(message, 'x', sizeof(message));
    message[sizeof(message) - 1] = '\0';
    capture_start(&c);
    capture_fill(&c);
    log_info("lost");
    capture_drain(&c);
    log_info("%s", message);
    capture_read(&c);
    capture_end(&c);
    assert_true(strlen(c.text) <= LINE_MAX_BYTES);
    assert_true(matches(c.text, "x dropped_lines=1\n$"));
}

/* Whoever read stderr is gone: no SIGPIPE, no end of the program. */
static void a_closed_pipe_is_survived(void **state)
{
    struct capture c;

    (void)state;
    capture_start(&c);
    close(c.reader);
    log_info("lost");
    c.reader = open("/dev/null", O_RDONLY | O_CLOEXEC);
    capture_end(&c);

    capture_start(&c);
    log_info("through");
    capture_read(&c);
    capture_end(&c);
    assert_true(matches(c.text, "through dropped_lines=1\n$"));
}

static void a_full_disk_is_counted_and_leaves_errno(void **state)
{
    struct capture c;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(full >= 0);
    capture_start(&c);
    (void)dup2(full, STDERR_FILENO);
    errno = ENOTTY;
    log_info("lost");
    int after = errno;
    (void)dup2(c.writer, STDERR_FILENO);
    log_info("through");
    capture_read(&c);
    capture_end(&c);
    close(full);
    assert_true(matches(c.text, "through dropped_lines=1\n$"));
    assert_int_equal(after, ENOTTY);
}

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    const char *label;
    struct slice bytes;
    const char *escaped;
} escape_cases[] = {
    {"NULL",                 {NULL, 0},                            ""                              },
    {"plain",                SLICE_INIT("abc XYZ 019 ~!#[]{}=:;"), "abc XYZ 019 ~!#[]{}=:;"        },
    {"controls",             SLICE_INIT("\0\n\r\t\x1B\x1F"),       "\\x00\\x0a\\x0d\\x09\\x1b\\x1f"},
    {"quotes and backslash", SLICE_INIT("\"'\\"),                  "\\x22'\\x5c"                   },
    {"0x7e and 0x7f",        SLICE_INIT("\x7E\x7F"),               "~\\x7f"                        },
    {"high bytes",           SLICE_INIT("\x80\xC3\xA9\xFF"),       "\\x80\\xc3\\xa9\\xff"          },
    {"63 bytes",             SLICE_INIT(X63),                      X63                             },
    {"64 bytes",             SLICE_INIT(X63 "y"),                  X63 "y"                         },
    {"65 bytes",             SLICE_INIT(X63 "yz"),                 X63 "y..."                      },
    {"cut before an escape", SLICE_INIT(X63 "\n\n"),               X63 "\\x0a..."                  },
};

static void escape_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(escape_cases); i++) {
        struct slice bytes = exact_copy(escape_cases[i].bytes);
        const char *escaped = log_escape(bytes);
        if (strcmp(escaped, escape_cases[i].escaped) != 0) {
            fail_msg("%s: %s", escape_cases[i].label, escaped);
        }
        exact_free(bytes);
    }
}

/* As much as fits, and never a part of an escape. */
static void what_is_printed_fits_its_room(void **state)
{
    static const struct {
        size_t room;
        const char *printed;
    } cases[] = {
        {1, ""        },
        {2, "a"       },
        {5, "a"       },
        {6, "a\\x0a"  },
        {7, "a\\x0ab" },
        {8, "a\\x0abc"},
        {9, "a\\x0abc"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        char *out = malloc(cases[i].room); /* to be caught behind its end */
        log_print(out, cases[i].room, SLICE("a\nbc"));
        assert_string_equal(out, cases[i].printed);
        free(out);
    }
}

static void the_longest_escape_fits(void **state)
{
    char bytes[1000];

    (void)state;
    memset(bytes, 0xFF, sizeof(bytes));
    const char *escaped = log_escape((struct slice){bytes, sizeof(bytes)});
    assert_int_equal(strlen(escaped), 64 * 4 + 3);
}

static void four_escapes_may_stand_in_one_line(void **state)
{
    (void)state;
    const char *a = log_escape(SLICE("a"));
    const char *b = log_escape(SLICE("b"));
    const char *c = log_escape(SLICE("c"));
    const char *d = log_escape(SLICE("d"));
    assert_string_equal(a, "a");
    assert_string_equal(b, "b");
    assert_string_equal(c, "c");
    assert_string_equal(d, "d");
}

static const struct {
    uint64_t now_ms;
    bool ok;
    uint64_t suppressed; /* in all, afterwards */
} limit_steps[] = {
    {0,          true,  0},
    {0,          true,  0},
    {999,        false, 1},
    {999,        false, 2},
    {1000,       true,  2},
    {1500,       true,  2},
    {1999,       false, 3},
    {5000,       true,  3},
    {5001,       true,  3},
    {5002,       false, 4},
    {UINT64_MAX, true,  4},
};

static void limit_follows_the_table(void **state)
{
    struct log_limit limit = {0};

    (void)state;
    for (size_t i = 0; i < ROWS(limit_steps); i++) {
        bool ok = log_limit_ok(&limit, 2, limit_steps[i].now_ms);
        if (ok != limit_steps[i].ok || limit.suppressed != limit_steps[i].suppressed) {
            fail_msg("step %zu", i);
        }
    }
    assert_false(log_limit_ok(&limit, 0, 9000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_their_form_and_level),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(controls_cannot_make_a_second_line),
        cmocka_unit_test(a_full_pipe_drops_and_counts),
        cmocka_unit_test(the_count_stands_in_a_long_line_too),
        cmocka_unit_test(a_closed_pipe_is_survived),
        cmocka_unit_test(a_full_disk_is_counted_and_leaves_errno),
        cmocka_unit_test(escape_follows_the_table),
        cmocka_unit_test(what_is_printed_fits_its_room),
        cmocka_unit_test(the_longest_escape_fits),
        cmocka_unit_test(four_escapes_may_stand_in_one_line),
        cmocka_unit_test(limit_follows_the_table),
    };
    alarm(GIVE_UP_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
