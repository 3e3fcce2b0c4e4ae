/* test_common_settings.c - a service's command line and its password, in processes of their own */
#include "shared/common_settings.h"
#include "shared/health.h"
#include "shared/redis_url.h"
#include "tests/support/http_client.h"
#include "tests/support/own_port.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
/* after the others */
#include <cmocka.h>

#define AT(member) offsetof(struct common_settings, member)
#define LOADED 77 /* exit status: it is to be the service, and what it is told is right */
#define OUTPUT_MAX 8192

static const struct setting table[] = {COMMON_SETTINGS(AT, "9009")};
static const struct service_program program = {.name = "parley-test",
                                               .summary = "Tests.",
                                               .table = table,
                                               .count = sizeof table / sizeof *table};

static char folder[] = "/tmp/parley-common-XXXXXX";
static char file[64];

static int setup_all(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(file, sizeof file, "%s/password", folder);
    return 0;
}

static int teardown_all(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static int setup(void **state)
{
    (void)state;
    alarm(WATCHDOG_S);
    for (size_t i = 0; i < program.count; i++) {
        unsetenv(table[i].name);
    }
    return 0;
}

static void write_password(const char *bytes)
{
    FILE *to = fopen(file, "w");
    if (!to || fputs(bytes, to) < 0 || fclose(to) != 0) {
        fail();
    }
    setenv("REDIS_PASSWORD_FILE", file, 1);
}

/* ---- In a child ------------------------------------------------------------------------------ */

struct outcome {
    int status; /* -1: ended by a signal */
    char output[OUTPUT_MAX];
};

/* What the child does when it is to be the service; NULL: nothing. */
typedef bool check_fn(struct common_settings *common);

static _Noreturn void child(char *option, check_fn *check, int to)
{
    char name[] = "parley-test";
    char *argv[] = {name, option, NULL};
    struct common_settings common = {0};
    dup2(to, STDOUT_FILENO);
    dup2(to, STDERR_FILENO);
    close(to);
    common_settings_main(option ? 2 : 1, argv, &program, &common, &common);
    _exit(!check || check(&common) ? LOADED : 1);
}

static const struct outcome *run(char *option, check_fn *check, int (*before)(void))
{
    static struct outcome o;
    int ends[2];
    int status = 0;
    size_t used = 0;
    ssize_t n;
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        if (before && before() != 0) {
            _exit(99);
        }
        child(option, check, ends[1]);
    }
    close(ends[1]);
    while (used < OUTPUT_MAX - 1 &&
           (n = read(ends[0], o.output + used, OUTPUT_MAX - 1 - used)) > 0) {
        used += (size_t)n;
    }
    o.output[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    o.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return &o;
}

/* ---- The password ---------------------------------------------------------------------------- */

static bool address_is_plain(struct common_settings *common)
{
    return strcmp(common->redis_url, "redis://u@h") == 0;
}

static void without_a_file_the_url_stays(void **state)
{
    (void)state;
    setenv("REDIS_URL", "redis://u@h", 1);
    assert_int_equal(run(NULL, address_is_plain, NULL)->status, LOADED);
}

static bool password_is_in_and_wiped(struct common_settings *common)
{
    struct redis_url url;
    const char *text = common->redis_url;
    size_t len = strlen(text);
    bool right = redis_url_parse(slice_text(text), &url) && strcmp(url.user, "auth-svc") == 0 &&
                 strcmp(url.password, "p@ss:/ %x") == 0 && strcmp(url.host, "redis") == 0;
    common_settings_forget_password(common);
    for (size_t i = 0; i < len; i++) {
        right = right && text[i] == '\0';
    }
    return right;
}

static void the_files_password_is_the_urls(void **state)
{
    (void)state;
    setenv("REDIS_URL", "redis://auth-svc@redis:6379", 1);
    write_password("p@ss:/ %x\nmore\n");
    const struct outcome *o = run(NULL, password_is_in_and_wiped, NULL);
    assert_string_equal(o->output, "");
    assert_int_equal(o->status, LOADED);
}

static bool plain_url_is_not_wiped(struct common_settings *common)
{
    common_settings_forget_password(common);
    return strcmp(common->redis_url, "redis://127.0.0.1:6379") == 0;
}

static void what_is_not_ours_is_not_wiped(void **state)
{
    (void)state;
    assert_int_equal(run(NULL, plain_url_is_not_wiped, NULL)->status, LOADED);
}

static void a_bad_password_file_ends_the_program(void **state)
{
    static const struct {
        const char *url, *file, *bytes, *line;
    } cases[] = {
        {"redis://h",         "/nonexistent/x", NULL,        "=\"/nonexistent/x\": No such file or directory\n"},
        {"redis://h",         "/tmp",           NULL,        "=\"/tmp\": Is a directory\n"                     },
        {"redis://h",         NULL,             "",          ": its first line is empty\n"                     },
        {"redis://h",         NULL,             "\nhunter2", ": its first line is empty\n"                     },
        {"redis://u:urlpw@h", NULL,             "hunter2",
         ": REDIS_URL holds a password already: one of the two must go\n"                                      },
        {"unix://:urlpw@/s",  NULL,             "hunter2",
         ": REDIS_URL holds a password already: one of the two must go\n"                                      },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("REDIS_URL", cases[i].url, 1);
        if (cases[i].file) {
            setenv("REDIS_PASSWORD_FILE", cases[i].file, 1);
        } else {
            write_password(cases[i].bytes);
        }
        const struct outcome *o = run(NULL, NULL, NULL);
        assert_int_equal(o->status, 2);
        if (!strstr(o->output, cases[i].line) || strstr(o->output, "hunter2") ||
            strstr(o->output, "urlpw") ||
            strncmp(o->output, "parley-test: REDIS_PASSWORD_FILE=\"", 34) != 0) {
            fail_msg("row %zu: %s", i, o->output);
        }
        assert_ptr_equal(strchr(o->output, '\n') + 1, strchr(o->output, '\0')); /* one line */
    }
}

/* ---- Sentinels ------------------------------------------------------------------------------- */

static bool there_are_none(struct common_settings *common)
{
    return common->sentinels == NULL;
}

static bool two_with_a_password(struct common_settings *common)
{
    const struct redis_sentinels *s = common->sentinels;
    bool right = s && s->count == 2 && strcmp(s->at[0].host, "a") == 0 && s->at[1].port == 7 &&
                 strcmp(s->master, "mine") == 0 && s->at[1].secured &&
                 strcmp(s->at[1].password, "hunter2") == 0;
    common_settings_forget_password(common);
    return right && common->sentinels == NULL && s->at[0].password[0] == '\0';
}

static void sentinels_are_read(void **state)
{
    (void)state;
    assert_int_equal(run(NULL, there_are_none, NULL)->status, LOADED);
    write_password("hunter2\n");
    unsetenv("REDIS_PASSWORD_FILE");
    setenv("REDIS_SENTINEL_PASSWORD_FILE", file, 1);
    setenv("REDIS_SENTINELS", "a,b:7", 1);
    setenv("REDIS_MASTER", "mine", 1);
    assert_int_equal(run(NULL, two_with_a_password, NULL)->status, LOADED);
}

static void bad_sentinels_end_the_program(void **state)
{
    static const struct {
        const char *name, *value, *url, *line;
    } cases[] = {
        {"REDIS_SENTINELS",              "a:0",            "redis://h", "parley-test: REDIS_SENTINELS=\"a:0\": must be "},
        {"REDIS_SENTINELS",              "a",              "unix:///s",
         "parley-test: REDIS_SENTINELS=\"a\": REDIS_URL must be "                                                       },
        {"REDIS_MASTER",                 "a b",            "redis://h", "parley-test: REDIS_MASTER=\"a b\": must be "   },
        {"REDIS_SENTINEL_PASSWORD_FILE", "/nonexistent/x", "redis://h",
         "parley-test: REDIS_SENTINEL_PASSWORD_FILE=\"/nonexistent/x\": No such file"                                   },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("REDIS_SENTINELS", "a", 1);
        setenv("REDIS_URL", cases[i].url, 1);
        setenv(cases[i].name, cases[i].value, 1);
        const struct outcome *o = run(NULL, NULL, NULL);
        assert_int_equal(o->status, 2);
        assert_ptr_equal(strstr(o->output, cases[i].line), o->output);
        unsetenv(cases[i].name);
    }
}

/* ---- --health and --ready -------------------------------------------------------------------- */

static bool is_ready(void *ctx, struct buf *why)
{
    (void)ctx;
    buf_append(why, SLICE("redis is away"));
    return false;
}

/* A health port that is served by a process of its own. */
static pid_t serve(uint16_t port)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct ev_loop *loop = test_loop();
        close(ready[0]);
        if (!health_new(loop, "0.0.0.0", port, is_ready, NULL) || write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        ev_run(loop, 0);
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void set_port(uint16_t port)
{
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    setenv("HEALTH_PORT", text, 1);
}

/* Nothing else needs to be right for it. */
static void a_probe_asks_the_service_beside_it(void **state)
{
    char health[] = "--health", ready[] = "--ready";
    uint16_t port = own_port();
    (void)state;
    set_port(port);
    setenv("HOST", "0.0.0.0", 1);
    setenv("REDIS_URL", "nonsense", 1);
    setenv("REDIS_PASSWORD_FILE", "/nonexistent/x", 1);
    setenv("GRACE_S", "-1", 1);
    pid_t pid = serve(port);
    const struct outcome *o = run(health, NULL, NULL);
    assert_string_equal(o->output, "");
    assert_int_equal(o->status, 0);
    o = run(ready, NULL, NULL);
    assert_string_equal(o->output, "parley-test: /readyz: 503: redis is away\n");
    assert_int_equal(o->status, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    o = run(health, NULL, NULL);
    assert_string_equal(o->output,
                        "parley-test: /healthz: nobody answers there: Connection refused\n");
    assert_int_equal(o->status, 1);
}

static void a_probe_needs_an_address(void **state)
{
    char health[] = "--health";
    (void)state;
    setenv("HEALTH_PORT", "0", 1);
    const struct outcome *o = run(health, NULL, NULL);
    assert_string_equal(
        o->output,
        "parley-test: /healthz: HEALTH_PORT=\"0\": must be a whole number from 1 to 65535\n");
    assert_int_equal(o->status, 1);
}

static void help_tells_of_the_probes(void **state)
{
    char option[] = "--help";
    (void)state;
    setenv("REDIS_URL", "nonsense", 1);
    const struct outcome *o = run(option, NULL, NULL);
    assert_int_equal(o->status, 0);
    assert_non_null(strstr(o->output, "\n  REDIS_PASSWORD_FILE "));
    assert_non_null(strstr(o->output, "\n  --health "));
    assert_non_null(strstr(o->output, "\n  --ready "));
}

/* ---- What the system must give --------------------------------------------------------------- */

/* As a kernel or a container without getrandom(2). */
static int forbid_getrandom(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof rules / sizeof *rules, .filter = rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0;
}

static void without_random_bytes_there_is_no_service(void **state)
{
    (void)state;
    const struct outcome *o = run(NULL, NULL, forbid_getrandom);
    assert_int_equal(o->status, EXIT_FAILURE);
    assert_non_null(strstr(o->output, " error parley-test: no source of random bytes: "
                                      "Function not implemented\n"));
}

static bool hardening_has_begun(struct common_settings *common)
{
    struct rlimit limit;
    (void)common;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
}

static void a_service_leaves_no_core(void **state)
{
    (void)state;
    assert_int_equal(run(NULL, hardening_has_begun, NULL)->status, LOADED);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(without_a_file_the_url_stays),
        T(the_files_password_is_the_urls),
        T(what_is_not_ours_is_not_wiped),
        T(a_bad_password_file_ends_the_program),
        T(sentinels_are_read),
        T(bad_sentinels_end_the_program),
        T(a_probe_asks_the_service_beside_it),
        T(a_probe_needs_an_address),
        T(help_tells_of_the_probes),
        T(without_random_bytes_there_is_no_service),
        T(a_service_leaves_no_core),
    };
    return cmocka_run_group_tests_name("common_settings", tests, setup_all, teardown_all);
}
