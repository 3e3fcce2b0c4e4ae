/* test_password_file.c - the first line of a file, or why there is none */
#include "shared/password_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* after the others */
#include <cmocka.h>

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define LONGEST FIFTY FIFTY FIFTY FIFTY FIFTY "01234" /* 255 bytes */
#define EMPTY "its first line is empty"
#define TOO_LONG "its first line is longer than 255 bytes"
#define HOLDS_NUL "its first line holds a NUL"

static char folder[] = "/tmp/parley-password-XXXXXX";
static char path[64];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/password", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(struct slice bytes)
{
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        fail();
    }
}

/* why NULL: it gives `password`. */
static const struct {
    struct slice bytes;
    const char *why, *password;
} cases[] = {
    {SLICE_INIT("x"),                     NULL,      "x"                  },
    {SLICE_INIT("secret"),                NULL,      "secret"             },
    {SLICE_INIT("secret\n"),              NULL,      "secret"             },
    {SLICE_INIT("secret\r\n"),            NULL,      "secret"             },
    {SLICE_INIT("secret\n\n"),            NULL,      "secret"             },
    {SLICE_INIT("secret\nand more\n"),    NULL,      "secret"             },
    {SLICE_INIT(" \ta b@:/%\xc3\xa9 \n"), NULL,      " \ta b@:/%\xc3\xa9 "},
    {SLICE_INIT("a\rb\n"),                NULL,      "a\rb"               },
    {SLICE_INIT("a\nb\0c"),               NULL,      "a"                  },
    {SLICE_INIT(LONGEST),                 NULL,      LONGEST              },
    {SLICE_INIT(LONGEST "\n"),            NULL,      LONGEST              },
    {SLICE_INIT(LONGEST "\r\nmore"),      NULL,      LONGEST              },
    {SLICE_INIT(LONGEST "5"),             TOO_LONG,  ""                   },
    {SLICE_INIT(LONGEST "5\n"),           TOO_LONG,  ""                   },
    {SLICE_INIT(LONGEST "5\r\n"),         TOO_LONG,  ""                   },
    {SLICE_INIT(LONGEST LONGEST "\n"),    TOO_LONG,  ""                   },
    {SLICE_INIT(""),                      EMPTY,     ""                   },
    {SLICE_INIT("\n"),                    EMPTY,     ""                   },
    {SLICE_INIT("\r\n"),                  EMPTY,     ""                   },
    {SLICE_INIT("\nsecret\n"),            EMPTY,     ""                   },
    {SLICE_INIT("\0"),                    HOLDS_NUL, ""                   },
    {SLICE_INIT("sec\0ret\n"),            HOLDS_NUL, ""                   },
};

static void the_first_line_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[PASSWORD_MAX + 1];
        memset(out, 'z', sizeof out);
        write_file(cases[i].bytes);
        const char *why = password_file_read(path, out);
        if (!slice_equal(slice_text(why), slice_text(cases[i].why)) ||
            strcmp(out, cases[i].password) != 0) {
            fail_msg("row %zu: %s", i, why ? why : "taken");
        }
    }
}

static void what_cannot_be_read_says_why(void **state)
{
    char out[PASSWORD_MAX + 1] = "before";
    (void)state;
    assert_string_equal(password_file_read("/nonexistent/password", out), strerror(ENOENT));
    assert_string_equal(out, "");
    assert_string_equal(password_file_read(folder, out), strerror(EISDIR));
    assert_string_equal(out, "");
}

/* As `<(command)` of a shell gives it. */
static void a_pipe_may_come_in_pieces(void **state)
{
    char out[PASSWORD_MAX + 1];
    char name[32];
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (const char *c = "secret\nmore"; *c; c++) {
            if (write(ends[1], c, 1) != 1) {
                _exit(1);
            }
            usleep(1000);
        }
        _exit(0);
    }
    close(ends[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_null(password_file_read(name, out));
    assert_string_equal(out, "secret");
    close(ends[0]);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_counts),
        cmocka_unit_test(what_cannot_be_read_says_why),
        cmocka_unit_test(a_pipe_may_come_in_pieces),
    };
    return cmocka_run_group_tests_name("password_file", tests, setup, teardown);
}
