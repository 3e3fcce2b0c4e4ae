/* common_settings.c - the settings that every service has, and its command line */
#include "shared/common_settings.h"

#include "shared/hardening.h"
#include "shared/health_probe.h"
#include "shared/password_file.h"
#include "shared/redis_url.h"
#include "shared/token.h"
#include "shared/version.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROBE_MS 2000
#define PROBE_ALARM_S 4 /* looking a host name up has no time limit of its own */
#define WHY_MAX 1024
#define URL_MAX 8192 /* the setting's own maximum, and a password with each byte as %XX */

/* ---- The password ---------------------------------------------------------------------------- */

static char secret_url[URL_MAX]; /* REDIS_URL with the password of REDIS_PASSWORD_FILE */

static bool has_password(const char *text)
{
    struct redis_url url;
    bool has = redis_url_parse(slice_text(text), &url) && url.password[0] != '\0';

    explicit_bzero(&url, sizeof url);
    return has;
}

/* Returns what is wrong, or NULL. */
static const char *add_password(struct common_settings *common)
{
    char password[PASSWORD_MAX + 1];

    if (has_password(common->redis_url)) {
        return "REDIS_URL holds a password already: one of the two must go";
    }
    const char *why = password_file_read(common->redis_password_file, password);
    if (why) {
        return why;
    }
    bool fits = redis_url_put_password(slice_text(common->redis_url), password, secret_url,
                                       sizeof secret_url);
    explicit_bzero(password, sizeof password);
    common->redis_url = secret_url;
    return fits ? NULL : "too long together with REDIS_URL";
}

/* ---- Sentinels ------------------------------------------------------------------------------- */

static struct redis_sentinels sentinels;

/* Returns what is wrong, or NULL. */
static const char *give_password(const char *file)
{
    char password[PASSWORD_MAX + 1];
    const char *why = password_file_read(file, password);

    for (size_t i = 0; !why && i < sentinels.count; i++) {
        sentinels.at[i].secured = true;
        (void)snprintf(sentinels.at[i].password, sizeof sentinels.at[i].password, "%s", password);
    }
    explicit_bzero(password, sizeof password);
    return why;
}

/* What is wrong with which setting. */
struct fault {
    const char *name, *value; /* of the setting */
    const char *why;
};

static bool find_sentinels(struct common_settings *common, struct fault *fault)
{
    const char *file = common->redis_sentinel_password_file;

    if (common->redis_sentinels[0] == '\0') {
        return true;
    }
    if (strncmp(common->redis_url, "unix:", 5) == 0) {
        *fault = (struct fault){"REDIS_SENTINELS", common->redis_sentinels,
                                "REDIS_URL must be redis://... then"};
        return false;
    }
    (void)redis_sentinels_parse(slice_text(common->redis_sentinels), &sentinels); /* was checked */
    (void)snprintf(sentinels.master, sizeof sentinels.master, "%s", common->redis_master);
    common->sentinels = &sentinels;
    *fault = (struct fault){"REDIS_SENTINEL_PASSWORD_FILE", file,
                            file[0] != '\0' ? give_password(file) : NULL};
    return !fault->why;
}

static void load_sentinels(const struct service_program *program, struct common_settings *common)
{
    struct fault fault;

    if (!find_sentinels(common, &fault)) {
        (void)fprintf(stderr, "%s: %s=\"%s\": %s\n", program->name, fault.name,
                      log_escape(slice_text(fault.value)), fault.why);
        exit(2);
    }
}

void common_settings_forget_password(struct common_settings *common)
{
    explicit_bzero(&sentinels, sizeof sentinels);
    common->sentinels = NULL;
    if (common->redis_url == secret_url) {
        explicit_bzero(secret_url, sizeof secret_url);
    }
}

/* ---- The command line ------------------------------------------------------------------------ */

struct probe_option {
    const char *option;
    const char *path;
    const char *help;
};

static const struct probe_option probe_options[] = {
    {"--health", "/healthz", "exit 0 if it answers /healthz within 2 s, else say why not, exit 1"},
    {"--ready",  "/readyz",  "the same with /readyz: is it fit for use?"                         },
};

#define PROBE_OPTIONS (sizeof probe_options / sizeof *probe_options)

static void help(const struct service_program *program)
{
    settings_help(program->table, program->count, program->name, program->summary, stdout);
    (void)printf("\nUsage: %s [--health | --ready]\n\n"
                 "About the one that runs with the same HOST and HEALTH_PORT:\n",
                 program->name);
    for (size_t i = 0; i < PROBE_OPTIONS; i++) {
        (void)printf("  %-28s %s\n", probe_options[i].option, probe_options[i].help);
    }
}

/* The two settings that a probe needs: whatever is wrong with others is not its business. */
static bool load_address(const struct service_program *program, void *out, struct buf *error)
{
    for (size_t i = 0; i < program->count; i++) {
        const struct setting *row = &program->table[i];
        bool wanted = strcmp(row->name, "HOST") == 0 || strcmp(row->name, "HEALTH_PORT") == 0;
        if (wanted && !settings_load(row, 1, out, error)) {
            return false;
        }
    }
    return true;
}

static void on_alarm(int signum)
{
    static const char line[] = "the host name is not found in time\n";
    (void)signum;
    ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written; /* the exit status says it, too */
    _exit(EXIT_FAILURE);
}

static int probe(const struct service_program *program, const struct probe_option *option,
                 void *out, const struct common_settings *common)
{
    struct buf why;

    buf_init(&why, WHY_MAX);
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(PROBE_ALARM_S);
    bool well = load_address(program, out, &why) &&
                health_probe(&(const struct health_probe){.host = common->host,
                                                          .port = (uint16_t)common->health_port,
                                                          .path = option->path,
                                                          .timeout_ms = PROBE_MS},
                             &why);
    if (!well) {
        (void)fprintf(stderr, "%s: %s: %s\n", program->name, option->path,
                      why.ptr ? why.ptr : "no memory");
    }
    buf_deinit(&why);
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What is asked for instead of a service.  Returns when it is the service. */
static void run_option(const char *option, const struct service_program *program, void *out,
                       const struct common_settings *common)
{
    if (strcmp(option, "--help") == 0) {
        help(program);
        settings_exit_told();
    }
    for (size_t i = 0; i < PROBE_OPTIONS; i++) {
        if (strcmp(option, probe_options[i].option) == 0) {
            exit(probe(program, &probe_options[i], out, common));
        }
    }
}

static void load_password(const struct service_program *program, struct common_settings *common)
{
    const char *why = common->redis_password_file[0] != '\0' ? add_password(common) : NULL;

    if (why) {
        (void)fprintf(stderr, "%s: REDIS_PASSWORD_FILE=\"%s\": %s\n", program->name,
                      log_escape(slice_text(common->redis_password_file)), why);
        exit(2);
    }
}

void common_settings_tell(const struct common_settings *common)
{
    log_info("starting version=%s grace_s=%" PRIu64 " lease_ms=%" PRIu64 " key_prefix=%s",
             PARLEY_VERSION, common->grace_s, common->lease_ms, common->key_prefix);
}

void common_settings_main(int argc, char **argv, const struct service_program *program, void *out,
                          struct common_settings *common)
{
    char random[16];

    hardening_keep_standard_files();
    if (argc > 1) {
        run_option(argv[1], program, out, common);
    }
    settings_main(argc, argv, program->table, program->count, out, program->name, program->summary);
    load_password(program, common);
    load_sentinels(program, common);
    log_init(program->name, (enum log_level)common->log_level);
    /* Not before: the password may come from /dev/fd, which is closed to us from then on. */
    hardening_start();
    random_bytes(random, sizeof random); /* there is a source, or the program ends here */
}
