/* log.c - one line per event on stderr */
#include "shared/log.h"

#include "shared/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024 /* with the newline; below PIPE_BUF, so a pipe takes it whole */
#define TAIL_MAX 48         /* " dropped_lines=18446744073709551615" */
#define ESCAPE_INPUT_MAX 64
#define ESCAPE_MAX 260 /* each byte as \xNN, three dots and the NUL */
#define ESCAPE_BUFFERS 4
_Static_assert(ESCAPE_MAX == ESCAPE_INPUT_MAX * 4 + 4, "room for the longest");

static const char *log_program = "parley";
static enum log_level log_max = LOG_LEVEL_INFO;
static uint64_t log_dropped;

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

void log_init(const char *program, enum log_level level)
{
    log_program = program;
    log_max = level;
}

/* What snprintf really left in `room` bytes. */
static size_t written(int result, size_t room)
{
    if (result < 0 || room == 0) {
        return 0;
    }
    return (size_t)result < room ? (size_t)result : room - 1;
}

static size_t put_head(char *out, size_t room, enum log_level level)
{
    uint64_t now_ms = clock_unix_ms();
    time_t now_s = (time_t)(now_ms / 1000);
    struct tm utc = {0};

    gmtime_r(&now_s, &utc);
    size_t n = strftime(out, room, "%Y-%m-%dT%H:%M:%S", &utc);
    int rest = snprintf(out + n, room - n, ".%03uZ %s %.64s: ", (unsigned)(now_ms % 1000),
                        level_names[level], log_program);
    return n + written(rest, room - n);
}

/* One event is one line, whatever a caller forgot to escape. */
static void blank_controls(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            text[i] = '?';
        }
    }
}

/* stderr's file description is shared with other processes, so O_NONBLOCK must not be set on it.
 * poll asks first; a pipe that is writable has room for PIPE_BUF bytes.  A pipe without reader
 * says POLLERR, and then writing would raise SIGPIPE. */
static bool write_at_once(const char *line, size_t n)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (poll(&p, 1, 0) != 1 || p.revents != POLLOUT) {
        return false;
    }
    return write(STDERR_FILENO, line, n) == (ssize_t)n;
}

void log_line(enum log_level level, const char *format, ...)
{
    int saved_errno = errno;
    char line[LINE_MAX_BYTES];
    const size_t room = sizeof(line) - TAIL_MAX;
    va_list args;

    if (level > log_max) {
        return;
    }
    size_t n = put_head(line, room, level);
    va_start(args, format);
    size_t text = written(vsnprintf(line + n, room - n, format, args), room - n);
    va_end(args);
    blank_controls(line + n, text);
    n += text;
    if (log_dropped > 0) {
        n +=
            written(snprintf(line + n, TAIL_MAX, " dropped_lines=%" PRIu64, log_dropped), TAIL_MAX);
    }
    line[n++] = '\n';
    log_dropped = write_at_once(line, n) ? 0 : log_dropped + 1;
    errno = saved_errno;
}

static bool is_printable(char c)
{
    return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

void log_print(char *out, size_t room, struct slice peer_bytes)
{
    static const char hex[] = "0123456789abcdef";
    const char *end = out + room - 1;

    for (size_t i = 0; i < peer_bytes.len; i++) {
        unsigned char byte = (unsigned char)peer_bytes.ptr[i];
        bool plain = is_printable(peer_bytes.ptr[i]);
        if (end - out < (plain ? 1 : 4)) {
            break;
        }
        if (plain) {
            *out++ = peer_bytes.ptr[i];
            continue;
        }
        *out++ = '\\';
        *out++ = 'x';
        *out++ = hex[byte >> 4];
        *out++ = hex[byte & 15];
    }
    *out = '\0';
}

const char *log_escape(struct slice peer_bytes)
{
    static char buffers[ESCAPE_BUFFERS][ESCAPE_MAX];
    static unsigned turn;
    char *out = buffers[turn++ % ESCAPE_BUFFERS];

    log_print(out, ESCAPE_MAX, slice_head(peer_bytes, ESCAPE_INPUT_MAX));
    if (peer_bytes.len > ESCAPE_INPUT_MAX) {
        memcpy(out + strlen(out), "...", sizeof "...");
    }
    return out;
}

bool log_limit_ok(struct log_limit *limit, uint32_t per_second, uint64_t now_ms)
{
    uint64_t second = now_ms / 1000;

    if (second != limit->second) {
        limit->second = second;
        limit->lines = 0;
    }
    if (limit->lines >= per_second) {
        limit->suppressed++;
        return false;
    }
    limit->lines++;
    return true;
}
