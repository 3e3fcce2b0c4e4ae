/* main.c - the terminal client: parley NAME */
#include "client/terminal/chat_ev.h"
#include "client/terminal/options.h"
#include "client/terminal/pipe_ev.h"
#include "client/terminal/tui_ev.h"
#include "shared/hardening.h"
#include "shared/log.h"
#include "shared/username.h"
#include "shared/version.h"
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIPE_GIVE_UP_MS 120000 /* scripts shall not hang for ever */

/* Widths of characters come from the locale, which must be one of UTF-8. */
static void choose_locale(void)
{
    (void)setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
}

static enum exit_code run_pipe(const struct chat_config *config, bool json)
{
    struct pipe *pipe = pipe_new(json);
    enum exit_code code = chat_run(config, &pipe_front, pipe);
    pipe_free(pipe);
    return code;
}

static enum exit_code run_tui(const struct chat_config *config)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        (void)fputs("parley: this is no terminal; use --plain or --json\n", stderr);
        return EXIT_USAGE;
    }
    struct tui *tui = tui_new(&config->url);
    enum exit_code code = chat_run(config, &tui_front, tui);
    tui_free(tui);
    return code;
}

static enum exit_code run(const struct options *options)
{
    struct chat_config config = {
        .url = options->url, .cafile = options->cafile, .name = options->name};
    if (username_check(slice_text(options->name)) == USERNAME_E_SHAPE) {
        struct buf
            words; /* what the server would say; it also keeps odd characters out of the path */
        buf_init(&words, 1024);
        struct login_refusal refusal = {.status = 400};
        enum exit_code code = words_for_login(&words, "That", &refusal);
        (void)fprintf(stderr, "parley: %s\n", words.ptr);
        buf_deinit(&words);
        return code;
    }
    if (options->mode == MODE_SCREEN) {
        config.own = own_for_people;
        return run_tui(&config);
    }
    config.own = own_for_scripts;
    config.give_up_ms = PIPE_GIVE_UP_MS;
    return run_pipe(&config, options->mode == MODE_JSON);
}

int main(int argc, char *argv[])
{
    struct options options;
    const char *what = "", *why = "";
    log_init("parley", LOG_LEVEL_ERROR);
    hardening_start();
    choose_locale();
    switch (options_read(argc, argv, &options, &what, &why)) {
    case OPTIONS_HELP: (void)fputs(options_help, stdout); return EXIT_DONE;
    case OPTIONS_VERSION: (void)puts("parley " PARLEY_VERSION); return EXIT_DONE;
    case OPTIONS_WRONG:
        (void)fprintf(stderr, "parley: %s%s%s; --help says more\n", what, *what ? ": " : "", why);
        return EXIT_USAGE;
    case OPTIONS_RUN: break;
    }
    return (int)run(&options);
}
