/* log_lines.h - what the program under test, which is this one, writes into its log meanwhile */
#ifndef PARLEY_TESTS_LOG_LINES_H
#define PARLEY_TESTS_LOG_LINES_H

#include "shared/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log_lines {
    FILE *file;
    int saved;
};

static inline struct log_lines log_lines_begin(void)
{
    struct log_lines log = {tmpfile(), dup(STDERR_FILENO)};
    if (!log.file || dup2(fileno(log.file), STDERR_FILENO) < 0) {
        abort();
    }
    log_init("test", LOG_LEVEL_INFO);
    return log;
}

/* What follows is not in it any more. */
static inline void log_lines_end(struct log_lines *log)
{
    log_init("test", LOG_LEVEL_ERROR);
    if (dup2(log->saved, STDERR_FILENO) < 0) {
        abort();
    }
    close(log->saved);
}

/* How many lines have this in them. */
static inline unsigned log_lines_with(const struct log_lines *log, const char *text)
{
    char line[2048];
    unsigned count = 0;
    if (fseek(log->file, 0, SEEK_SET) != 0) {
        abort();
    }
    while (fgets(line, sizeof line, log->file)) {
        count += strstr(line, text) ? 1 : 0;
    }
    return count;
}

static inline void log_lines_free(struct log_lines *log)
{
    (void)fclose(log->file);
}

#endif
